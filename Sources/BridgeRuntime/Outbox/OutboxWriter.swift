import BridgeCore
import Foundation
import GRDB
import Glibc

/// What waits for a transaction.
enum OutboxOperation: Sendable {
    case append(NewMessage, @Sendable (Result<Appended, OutboxRefusal>) -> Void)
    case remove(Int64, Departure, at: Int64, (@Sendable (Bool) -> Void)?)
    /// The cloud answered a message.
    case confirm(CloudReply, at: Int64)
    /// The cloud did not answer these in time.
    case unanswered([Int64])
    /// The outbox's own drops; not kept when they fail, because the next reading finds them again.
    case giveUp([Int64], DropReason, at: Int64)

    var isAppend: Bool { if case .append = self { true } else { false } }

    /// Whether it is kept for another try when it could not be written.
    var isKept: Bool {
        switch self {
        case .remove, .confirm, .unanswered: true
        case .append, .giveUp: false
        }
    }

    /// Whether it can be carried out while what is staged is not in the database, whose books these are.
    func isPossible(_ books: OutboxBooks) -> Bool {
        switch self {
        case .append: false
        case .remove(let sequence, _, _, _): sequence <= books.received
        case .giveUp: true
        // A reply may be to a message that is staged.
        case .confirm, .unanswered: false
        }
    }

    /// Whether somebody waits for it; what nobody waits for is written with the next transaction, whenever that is.
    var isUrgent: Bool {
        switch self {
        case .append, .giveUp: true
        case .remove(_, _, _, let completion): completion != nil
        case .confirm, .unanswered: false
        }
    }
}

/// Carries out transactions; holds what could not be written yet.
struct OutboxWriter: Sendable {
    /// What a transaction led to.
    struct Report {
        var books: OutboxBooks
        var completions: [() -> Void] = []
        var dropped: [DroppedMessage] = []
        /// Operations of callers that are done with.
        var finished = 0
        /// Messages whose removal was written.
        var departed: [Int64] = []
        /// Messages that were handed out as they were stored.
        var taken: [Int64] = []
        /// The last of the staged messages, if these are in the database now.
        var filed: Int64?
        /// Nothing in the staging file counts any more.
        var hasEndedStaging = false
        /// Messages that were refused may stand in SQLite's log, and be taken for stored after a crash, until another transaction
        /// is written over them. Not always: it may have failed before anything was written.
        var mayHaveLeftTraces = false
        /// Removals, or what is staged, were kept for another try.
        var mustRetry = false
        /// Why not everything was written.
        var error: (any Error)?
    }

    /// What a transaction has to know.
    struct Situation {
        var books: OutboxBooks
        var limits: OutboxLimits
        /// Messages that were handed out, and must not be given up.
        var taken: Set<Int64>
        /// The epoch of messages that come now (``FairTurns/epoch``).
        var epoch: Int64
        /// Messages that are on disk already, but not in the database: they go in front of all others.
        var staged: [StagedMessage] = []
        /// Nothing in the staging file counts any more once these are in the database.
        var endsStaging = false
        /// ``OutboxWriter/hidden``
        var hidden: Int64 = 0

        /// Also without any operation.
        var hasWork: Bool { !staged.isEmpty || endsStaging || hidden > 0 }

        /// The same without what is staged.
        var unstaged: Situation {
            var copy = self
            copy.staged = []
            copy.endsStaging = false
            copy.hidden = 0
            return copy
        }
    }

    /// So many messages whose time is over are given up at a time for one that would be refused.
    private static let mostOver = 100

    /// The database file.
    let path: String
    /// Removals and replies that could not be written.
    private var kept: [OutboxOperation] = []
    /// When old keys were last deleted.
    private var keysForgottenAt: Int64?

    private var used: OutboxStore.Used
    /// So many messages may stand in the staging file behind those that could be read: they are counted as lost, so that their
    /// receipts are not given out again.
    private(set) var hidden: Int64
    /// Wall clock, milliseconds since 1970.
    private let opened = WallTime.now.stamp
    /// Nothing may be promised that stands behind what is in SQLite's log.
    private var isLogDoubtful: Bool

    init(path: String, inheritance: Outbox.Inheritance) {
        self.path = path
        used = inheritance.used
        hidden = inheritance.hidden
        isLogDoubtful = inheritance.isLogDoubtful
    }

    /// Commits the operations in one transaction, with what is staged.
    ///
    /// If that fails for lack of room, once more when the log is folded in; then without the appends, which are refused; then
    /// without what is staged, and what concerns it. The rest is kept.
    mutating func perform(_ new: [OutboxOperation], _ situation: Situation, _ db: Database) -> Report {
        let operations = kept + new
        var situation = situation
        situation.hidden = hidden
        guard !operations.isEmpty || situation.hasWork else { return Report(books: situation.books) }
        kept = []
        do {
            if operations.contains(where: \.isAppend) {
                try trustLog(db)
                try checkRoom(situation.limits, db)
            }
            return try transact(operations, situation, db)
        } catch {
            let removals = operations.filter { !$0.isAppend }
            var report = Report(books: situation.books)
            // The log may be what fills the disk: moved into the database, it takes a fraction of the room.
            // So it does at a limit of a file's size (EFBIG), which SQLite calls an error of writing.
            if [.SQLITE_FULL, .SQLITE_IOERR_WRITE].contains((error as? DatabaseError)?.extendedResultCode),
                (try? db.checkpoint(.truncate)) != nil,
                let done = try? transact(operations, situation, db)
            {
                return done
            }
            // While another process holds the file, a second try would only wait once more.
            let isBusy = (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
            if removals.count < operations.count, !removals.isEmpty || situation.hasWork, !isBusy,
                let done = try? transact(removals, situation, db)
            {
                report = done
            } else {
                // Where there is no room for what is staged, what leaves the database makes some.
                let possible = removals.filter { $0.isPossible(situation.books) }
                if !situation.staged.isEmpty, !possible.isEmpty, !isBusy,
                    let done = try? transact(possible, situation.unstaged, db)
                {
                    report = done
                    kept = removals.filter { $0.isKept && !$0.isPossible(situation.books) }
                } else {
                    kept = removals.filter(\.isKept)
                }
                report.mustRetry = !kept.isEmpty || situation.hasWork
            }
            report.error = error
            report.mayHaveLeftTraces = removals.count < operations.count && report.books == situation.books
            let refusal = Self.refusal(for: error)
            for case .append(_, let completion) in operations {
                report.finished += 1
                report.completions.append { completion(.failure(refusal)) }
            }
            return report
        }
    }

    /// Throws when what is committed now could be gone after a power cut, although it is synced.
    private mutating func trustLog(_ db: Database) throws {
        guard isLogDoubtful else { return }
        try OutboxFile.fold(db, path: path)
        isLogDoubtful = false
    }

    /// Throws when the disk has too little room for a new message, the log folded into the database.
    private func checkRoom(_ limits: OutboxLimits, _ db: Database) throws {
        let room = DiskRoom(databasePath: path, floor: limits.minFree)
        guard room.shortage(spare: 0) != nil else { return }
        while true {
            try db.checkpoint(.truncate)
            guard let shortage = room.shortage(spare: try OutboxStore.spareBytes(db)) else { return }
            // What became of old messages matters less than new ones; but pages inside the file are not all that it takes.
            guard room.shortage(spare: .max / 2) == nil, try ReceiptStore.forgetOldest(count: 200, db) > 0 else {
                throw OutboxRefusal.diskFull(detail: shortage)
            }
        }
    }

    private mutating func transact(
        _ operations: [OutboxOperation], _ situation: Situation, _ db: Database
    ) throws -> Report {
        var report = Report(books: situation.books)
        var used = used
        if db.isInsideTransaction { try db.rollback() }
        try Self.commit(db) {
            for staged in situation.staged {
                try file(staged, epoch: situation.epoch, &report, db)
                used.note(staged.message)
                // Where the kernel completes writes on one processor only, it may be this one, and is not to wait for all of them.
                sched_yield()
            }
            report.filed = situation.staged.last?.sequence
            if situation.hidden > 0 {
                let first = report.books.received + 1
                report.books.missed(situation.hidden)
                try ReceiptStore.recordLost(first..<first + situation.hidden, at: opened, db)
            }
            if situation.endsStaging {
                // One more, by which the file is known as void if it is not removed.
                try OutboxStore.saveStagingIdentity(try OutboxStore.stagingIdentity(db) &+ 1, db)
            }
            report.hasEndedStaging = situation.endsStaging
            for operation in operations {
                switch operation {
                case .append(let message, let completion):
                    let result = try append(message, situation, &report, db)
                    used.note(message)
                    report.finished += 1
                    report.completions.append { completion(result) }
                case .remove(let sequence, let departure, let now, let completion):
                    let wasThere = try remove(sequence, as: departure, at: now, &report, db)
                    report.finished += 1
                    report.departed.append(sequence)
                    if let completion { report.completions.append { completion(wasThere) } }
                case .confirm(let reply, let now):
                    if try ReceiptStore.record(reply, at: now, db) == .late { report.books.wasAnsweredLate() }
                    report.finished += 1
                case .unanswered(let sequences):
                    for sequence in sequences where try ReceiptStore.recordNoReply(sequence, db) {
                        report.books.wentUnanswered()
                    }
                    report.finished += 1
                case .giveUp(let sequences, let reason, let now):
                    try giveUp(sequences, reason, at: now, &report, db)
                }
            }
            if report.books != situation.books || used != self.used {
                try OutboxStore.save(report.books, before: situation.books, used, db)
            }
        }
        self.used = used
        hidden -= situation.hidden
        return report
    }

    /// A transaction. GRDB's own compiles BEGIN and COMMIT each time, which takes longer than storing a message.
    private static func commit(_ db: Database, _ body: () throws -> Void) throws {
        try db.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
        do {
            try body()
            try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
        } catch {
            // One that cannot be rolled back either is met, and tried again, by the next transaction.
            if db.isInsideTransaction { try? db.rollback() }
            throw error
        }
    }

    /// Stores a message that was promised before.
    private func file(
        _ staged: StagedMessage, epoch: Int64, _ report: inout Report, _ db: Database
    ) throws {
        // What stands between is a part of the staging file that is no good any more.
        let lost = report.books.accepted(staged)
        try ReceiptStore.recordLost(lost, at: staged.message.queuedAt, db)
        try OutboxStore.insert(staged.message, as: staged.sequence, epoch: epoch, db)
    }

    private mutating func append(
        _ message: NewMessage, _ situation: Situation, _ report: inout Report, _ db: Database
    ) throws -> Result<Appended, OutboxRefusal> {
        if let first = try original(of: message, db) {
            let waits = try OutboxStore.contains(first, db)
            if message.awaitsReply { try OutboxStore.awaitReply(to: first, db) }
            return .success(
                Appended(
                    sequence: first, outcome: waits ? .repeatedWaiting : .repeatedGone,
                    original: try OutboxStore.identity(first, db)))
        }
        var decision = situation.limits.decision(for: message, report.books)
        while decision == .refuse, try giveUpOver(for: message, situation, &report, db) {
            decision = situation.limits.decision(for: message, report.books)
        }
        switch decision {
        case .accept: break
        case .refuse: return .failure(.queueFull(maxBytes: situation.limits.maxBytes))
        case .makeRoom(let bytes):
            let taken = situation.taken.union(report.taken)
            let oldest = try OutboxStore.oldest(but: taken, making: bytes, db)
            guard !oldest.isEmpty else { return .failure(.queueFull(maxBytes: situation.limits.maxBytes)) }
            try giveUp(oldest, .queueFull, at: message.queuedAt, &report, db)
        }
        report.books.accepted(bytes: message.cost)
        let sequence = report.books.received
        try OutboxStore.insert(message, as: sequence, epoch: situation.epoch, db)
        if message.isTaken { report.taken.append(sequence) }
        if let key = message.key { try OutboxStore.take(key: key, sequence: sequence, now: message.queuedAt, db) }
        return .success(Appended(sequence: sequence, outcome: .stored))
    }

    /// Gives up messages whose time is over, so that they do not keep out what is new until the next sweep; whether there were
    /// any.
    private func giveUpOver(
        for message: NewMessage, _ situation: Situation, _ report: inout Report, _ db: Database
    ) throws -> Bool {
        // As long as the clock is not set nothing is over, and what never fits needs no room.
        guard message.isDated, situation.limits.decision(for: message, OutboxBooks()) == .accept else { return false }
        let over = try OutboxStore.expired(
            but: situation.taken.union(report.taken), limits: situation.limits, now: message.queuedAt,
            count: Self.mostOver, db)
        try giveUp(over, .expired, at: message.queuedAt, &report, db)
        return !over.isEmpty
    }

    /// The message that this one repeats.
    private mutating func original(of message: NewMessage, _ db: Database) throws -> Int64? {
        if let key = message.key {
            if let first = try OutboxStore.sequence(ofKey: key, now: message.queuedAt, db) { return first }
            if message.isDated, keysForgottenAt.map({ abs(message.queuedAt &- $0) > 3_600_000 }) ?? true {
                try OutboxStore.forgetKeys(now: message.queuedAt, db)
                keysForgottenAt = message.queuedAt
            }
        }
        guard let suspects = message.suspects, let id = message.alinkID, let fingerprint = message.fingerprint else {
            return nil
        }
        return try OutboxStore.original(
            program: message.sender.program, id: id, fingerprint: fingerprint, suspects: suspects, db)
    }

    private func remove(
        _ sequence: Int64, as departure: Departure, at now: Int64, _ report: inout Report, _ db: Database
    ) throws -> Bool {
        if departure == .dropped(.poison) { try OutboxStore.setAside(sequence, at: now, db) }
        guard let deleted = try OutboxStore.delete(sequence, db) else { return false }
        report.books.left(departure, bytes: deleted.cost)
        try ReceiptStore.record(deleted, sequence, as: departure, at: now, db)
        return true
    }

    private func giveUp(
        _ sequences: [Int64], _ reason: DropReason, at now: Int64, _ report: inout Report, _ db: Database
    ) throws {
        for sequence in sequences where try remove(sequence, as: .dropped(reason), at: now, &report, db) {
            report.dropped.append(DroppedMessage(sequence: sequence, reason: reason))
        }
    }

    /// Says in the outbox's words what SQLite reported.
    static func refusal(for error: any Error) -> OutboxRefusal {
        if let refusal = error as? OutboxRefusal { return refusal }
        guard let error = error as? DatabaseError else { return .diskFailed(detail: "\(error)") }
        let detail = error.message ?? "\(error.resultCode)"
        return error.resultCode == .SQLITE_FULL ? .diskFull(detail: detail) : .diskFailed(detail: detail)
    }
}
