import BridgeCore
import Foundation
import GRDB

/// What waits for a transaction.
enum OutboxOperation: Sendable {
    case append(NewMessage, @Sendable (Result<Appended, OutboxRefusal>) -> Void)
    case remove(Int64, Departure, at: Int64, (@Sendable (Bool) -> Void)?)
    /// The cloud answered a message.
    case confirm(CloudReply, at: Int64)
    /// The outbox's own drops; not kept when they fail, because the next reading finds them again.
    case giveUp([Int64], DropReason, at: Int64)

    var isAppend: Bool { if case .append = self { true } else { false } }

    /// Whether it is kept for another try when it could not be written.
    var isKept: Bool {
        switch self {
        case .remove, .confirm: true
        case .append, .giveUp: false
        }
    }

    /// Whether somebody waits for it; what nobody waits for is written with the next transaction, whenever that is.
    var isUrgent: Bool {
        switch self {
        case .append, .giveUp: true
        case .remove(_, _, _, let completion): completion != nil
        case .confirm: false
        }
    }
}

/// Carries out transactions and readings; holds what could not be written yet.
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
        /// Removals were kept for another try.
        var mustRetry = false
    }

    struct Reading {
        var after: Int64
        var bytes: Int
        var count: Int
        var now: Int64
        var limits: OutboxLimits
    }

    /// The database file.
    let path: String
    /// Removals that failed.
    private var kept: [OutboxOperation] = []
    /// When old keys were last deleted.
    private var keysForgottenAt: Int64?

    init(path: String) { self.path = path }

    /// Commits the operations in one transaction; if that fails, the removals once more without
    /// the appends, which are refused.
    mutating func perform(
        _ new: [OutboxOperation], books: OutboxBooks, limits: OutboxLimits, inFlightThrough: Int64, _ db: Database
    ) -> Report {
        let operations = kept + new
        guard !operations.isEmpty else { return Report(books: books) }
        kept = []
        do {
            if operations.contains(where: \.isAppend) { try checkRoom(limits, db) }
            return try transact(operations, books: books, limits: limits, inFlightThrough: inFlightThrough, db)
        } catch {
            let removals = operations.filter { !$0.isAppend }
            var report = Report(books: books)
            // The log may be what fills the disk: moved into the database, it takes a fraction of the room.
            if (error as? DatabaseError)?.resultCode == .SQLITE_FULL, (try? db.checkpoint(.truncate)) != nil,
                let done = try? transact(
                    operations, books: books, limits: limits, inFlightThrough: inFlightThrough, db)
            {
                return done
            }
            // While another process holds the file, a second try would only wait once more.
            let isBusy = (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
            if removals.count < operations.count, !removals.isEmpty, !isBusy,
                let done = try? transact(
                    removals, books: books, limits: limits, inFlightThrough: inFlightThrough, db)
            {
                report = done
            } else {
                kept = removals.filter(\.isKept)
                report.mustRetry = !kept.isEmpty
            }
            let refusal = Self.refusal(for: error)
            for case .append(_, let completion) in operations {
                report.finished += 1
                report.completions.append { completion(.failure(refusal)) }
            }
            return report
        }
    }

    /// Throws when the disk has too little room for a new message, the log folded into the database.
    private func checkRoom(_ limits: OutboxLimits, _ db: Database) throws {
        let room = DiskRoom(databasePath: path, floor: limits.minFree)
        guard room.shortage(spare: 0) != nil else { return }
        try db.checkpoint(.truncate)
        let spare = try OutboxStore.spareBytes(db)
        if let shortage = room.shortage(spare: spare) { throw OutboxRefusal.diskFull(detail: shortage) }
    }

    private mutating func transact(
        _ operations: [OutboxOperation], books: OutboxBooks, limits: OutboxLimits, inFlightThrough: Int64,
        _ db: Database
    ) throws -> Report {
        var report = Report(books: books)
        if db.isInsideTransaction { try db.rollback() }
        try db.inTransaction(.immediate) {
            for operation in operations {
                switch operation {
                case .append(let message, let completion):
                    let result = try append(message, limits, inFlightThrough, &report, db)
                    report.finished += 1
                    report.completions.append { completion(result) }
                case .remove(let sequence, let departure, let now, let completion):
                    let deleted = try OutboxStore.delete(sequence, db)
                    if let deleted {
                        report.books.left(departure, bytes: deleted.cost)
                        try ReceiptStore.record(deleted, sequence, as: departure, at: now, db)
                    }
                    report.finished += 1
                    report.departed.append(sequence)
                    if let completion { report.completions.append { completion(deleted != nil) } }
                case .confirm(let reply, let now):
                    try ReceiptStore.record(reply, at: now, db)
                    report.finished += 1
                case .giveUp(let sequences, let reason, let now):
                    try giveUp(sequences, reason, at: now, &report, db)
                }
            }
            try OutboxStore.save(report.books, before: books, db)
            return .commit
        }
        return report
    }

    private mutating func append(
        _ message: NewMessage, _ limits: OutboxLimits, _ inFlightThrough: Int64, _ report: inout Report,
        _ db: Database
    ) throws -> Result<Appended, OutboxRefusal> {
        if let key = message.key {
            if let first = try OutboxStore.sequence(ofKey: key, now: message.queuedAt, db) {
                let waits = try OutboxStore.contains(first, db)
                return .success(Appended(sequence: first, outcome: waits ? .repeatedWaiting : .repeatedGone))
            }
            if keysForgottenAt.map({ abs(message.queuedAt &- $0) > 3_600_000 }) ?? true {
                try OutboxStore.forgetKeys(now: message.queuedAt, db)
                keysForgottenAt = message.queuedAt
            }
        }
        switch limits.decision(cost: message.cost, books: report.books) {
        case .accept: break
        case .refuse: return .failure(.queueFull(maxBytes: limits.maxBytes))
        case .makeRoom(let bytes):
            let oldest = try OutboxStore.oldest(after: inFlightThrough, making: bytes, db)
            guard !oldest.isEmpty else { return .failure(.queueFull(maxBytes: limits.maxBytes)) }
            try giveUp(oldest, .queueFull, at: message.queuedAt, &report, db)
        }
        report.books.accepted(bytes: message.cost)
        let sequence = report.books.received
        try OutboxStore.insert(message, as: sequence, db)
        if let key = message.key { try OutboxStore.take(key: key, sequence: sequence, now: message.queuedAt, db) }
        return .success(Appended(sequence: sequence, outcome: .stored))
    }

    private func giveUp(
        _ sequences: [Int64], _ reason: DropReason, at now: Int64, _ report: inout Report, _ db: Database
    ) throws {
        for sequence in sequences {
            guard let deleted = try OutboxStore.delete(sequence, db) else { continue }
            report.books.left(.dropped(reason), bytes: deleted.cost)
            try ReceiptStore.record(deleted, sequence, as: .dropped(reason), at: now, db)
            report.dropped.append(DroppedMessage(sequence: sequence, reason: reason))
        }
    }

    // MARK: Reading

    /// Reads in order; the second value are messages met whose time is over.
    func read(_ request: Reading, _ db: Database) -> (Result<[WaitingMessage], OutboxRefusal>, [Int64]) {
        let removed = Set(
            kept.compactMap { if case .remove(let sequence, _, _, _) = $0 { sequence } else { nil } })
        var messages: [WaitingMessage] = []
        var expired: [Int64] = []
        var bytes = 0
        do {
            let statement = try db.cachedStatement(
                sql: """
                    SELECT sequence, queued_at, expires_at, qos, alink_id, topic, payload
                    FROM message WHERE sequence > ? ORDER BY sequence
                    """)
            let rows = try Row.fetchCursor(statement, arguments: [request.after])
            while messages.count < request.count, messages.isEmpty || bytes < request.bytes, let row = try rows.next() {
                let sequence: Int64 = row[0]
                if removed.contains(sequence) { continue }
                if request.limits.hasExpired(queuedAt: row[1], expiresAt: row[2], now: request.now) {
                    expired.append(sequence)
                    if expired.count >= 1000 { break }
                    continue
                }
                let payload: Data = row[6]
                messages.append(
                    WaitingMessage(
                        sequence: sequence, topic: row[5], payload: [UInt8](payload),
                        qos: UInt8(clamping: row[3] as Int),
                        alinkID: row[4], queuedAt: row[1]))
                bytes += payload.count
            }
            return (.success(messages), expired)
        } catch {
            return messages.isEmpty ? (.failure(Self.refusal(for: error)), expired) : (.success(messages), expired)
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
