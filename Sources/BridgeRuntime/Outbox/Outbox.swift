import BridgeCore
import Dispatch
import GRDB
import NIOCore
import Synchronization

/// The messages that wait for the link, on disk.
///
/// - What is promised is kept: the completion of ``append(_:completion:)`` runs after the
///   transaction with the message was committed and synced (`synchronous=FULL`), or the message stands in a file beside the
///   database, which takes half the time, and comes into the database with others (``stage(on:hindered:)``).
/// - One commit serves all that waits: while a transaction is on its way, further appends and
///   removals gather, and the next transaction takes them all. Completions run in order.
/// - A removal, which nobody waits for, costs no commit of its own: it is written with the next append, with
///   ``mostUnwritten`` others, when somebody asks for a receipt, after ten minutes if it was staged, or at the end. A crash
///   before that has the message delivered once more.
/// - The books change in the same transaction as the rows, so they balance after a power cut.
/// - Nothing is held in memory for a waiting row, but for the few that are handed out, and those that the database does not have.
/// - Whose message goes next is ``FairTurns``' decision.
///
/// All methods return at once and may be called from any thread. Completions run on the outbox's own serial queue, on the event
/// loop of ``stage(on:hindered:)``, or in ``close(inOrder:)``, and must not block. Except at opening it reads no clock: callers say
/// what time it is (wall clock, milliseconds since 1970).
public final class Outbox: Sendable {
    /// What a person should know about the opening, for the journal.
    public let notices: [OutboxNotice]
    let limits: Mutex<OutboxLimits>
    let path: String
    private let queue: DatabaseQueue
    let gathering: Mutex<Gathering>
    let account: Mutex<Account>
    /// Messages that ``next(limitBytes:limitCount:now:completion:)`` has handed out, and those whose removal is not
    /// written: not read again, and neither expired, purged nor given up for room.
    let taken = Mutex<Set<Int64>>([])
    /// Used on the queue only.
    private let desk: Mutex<Desk>
    /// What the process before left.
    let inheritance: Inheritance
    /// Tells when the kernel is done with a write to the staging file.
    let stagingChannel = Mutex<(any Channel)?>(nil)
    /// Told why nothing is staged any more.
    let stagingHindered = Mutex<@Sendable (StagingHindrance) -> Void>({ _ in })
    private let connections: Mutex<Int64>
    private let lock: OutboxLock
    private let onDropped: @Sendable ([DroppedMessage]) -> Void
    let onTrouble: @Sendable (OutboxTrouble) -> Void
    let troubles = Mutex(OutboxTrouble())
    private let damage: OutboxDamage

    /// So many operations that nobody waits for are written without waiting longer: as many messages as come a second time
    /// after a crash, at the most.
    static let mostUnwritten = 64

    /// The parts that work on the queue, one at a time.
    private struct Desk: Sendable {
        var writer: OutboxWriter
        var reader: OutboxReader
    }

    struct Account {
        /// As of the last commit.
        var written: OutboxBooks
        /// Messages that are on disk, and not in the database.
        var staged: (messages: Int64, bytes: Int64) = (0, 0)
        /// Messages that have left, which is not yet written.
        var leaving: [Int64: (departure: Departure, cost: Int64)] = [:]

        /// With all that is on disk.
        var stored: OutboxBooks {
            var books = written
            books.accepted(staged.messages, bytes: staged.bytes)
            return books
        }

        var books: OutboxBooks {
            var books = stored
            for (departure, cost) in leaving.values { books.left(departure, bytes: cost) }
            return books
        }
    }

    struct Gathering {
        var operations: [OutboxOperation] = []
        var isScheduled = false
        /// Sweeps that found operations here, and staged messages, since the last transaction.
        var sweeps = 0
        var isClosed = false
        var retryIsDue = false
        /// The last transaction left something to be tried again.
        var isFailing = false
        /// Seconds until the next try.
        var retryDelay = 1
        /// Operations given and not yet completed.
        var unfinished = 0
        /// Appends among the operations, and in the transaction that is under way, until their completions have run.
        var appends = 0
        var staging = Staging()
        /// What stands in the staging file must not count any more, once the database has what is staged.
        var endsStaging = false
    }

    /// Opens the outbox, or begins one; blocks.
    ///
    /// - Parameter onDropped: told of messages given up for lack of room or of time, after the
    ///   commit, on the outbox's queue.
    /// - Parameter onDamaged: told once, in SQLite's words, when the file turns out to be damaged: opened anew, it is set
    ///   aside, and what can be read is brought over.
    /// - Parameter onTrouble: told when ``trouble`` comes or goes, on the outbox's queue.
    public init(
        path: String, limits: OutboxLimits, onDamaged: @escaping @Sendable (String) -> Void = { _ in },
        onTrouble: @escaping @Sendable (OutboxTrouble) -> Void = { _ in },
        onDropped: @escaping @Sendable ([DroppedMessage]) -> Void = { _ in }
    ) throws(OutboxError) {
        guard let lock = try OutboxLock(databasePath: path, patience: .seconds(2)) else {
            throw .cannotOpen(path: path, detail: "another espbridged works with it")
        }
        self.lock = lock
        self.path = path
        let opened = try OutboxFile.open(path: path, limits: limits)
        self.limits = Mutex(limits)
        self.onDropped = onDropped
        self.onTrouble = onTrouble
        damage = OutboxDamage(path: path, tell: onDamaged)
        notices = opened.notices
        queue = opened.queue
        let staged = opened.staged
        // What of a worn file counts is counted once, and the file is void then. Not on the word of a log that may be gone.
        let endsStaging = opened.inheritance.isStagingWorn && !opened.inheritance.isLogDoubtful
        gathering = Mutex(Gathering(staging: Staging(staged: staged), endsStaging: endsStaging))
        account = Mutex(
            Account(
                written: opened.books,
                staged: (Int64(staged.count), staged.reduce(0) { $0 + $1.message.cost })))
        inheritance = opened.inheritance
        connections = Mutex(opened.inheritance.used.lastConnection)
        desk = Mutex(
            Desk(
                writer: OutboxWriter(path: path, inheritance: opened.inheritance),
                reader: OutboxReader(
                    turns: FairTurns(epoch: opened.inheritance.lastEpoch, drain: limits.drain))))
        queue.writeWithoutTransaction { db in drain(db) }
    }

    /// ``AlinkIDs/upcoming`` as the last stored message left it; nil when none had an id of the daemon's.
    public var upcomingID: Int64? { inheritance.used.upcomingID }

    /// What may have broken with the process before; nil when that ended in order.
    public var crash: BrokenConnections.Suspects.Crash? { inheritance.crash }

    /// A number for a connection that no other one has had, for ``Sender/connection``.
    public func newConnection() -> Int64 {
        connections.withLock { connections in
            connections += 1
            return connections
        }
    }

    /// The accounts: appends as of the last commit, and everything that has left.
    public var books: OutboxBooks { account.withLock { $0.books } }

    /// Operations that are not on disk yet.
    public var pendingCount: Int { gathering.withLock { $0.unfinished } }

    /// Stores a message; `completion` is given its receipt once it is on disk.
    public func append(
        _ message: NewMessage, completion: @escaping @Sendable (Result<Appended, OutboxRefusal>) -> Void
    ) {
        let limits = limits.withLock { $0 }
        let (isTaken, due) = gathering.withLock { gathering -> (Bool, Due) in
            guard !gathering.isClosed else { return (false, Due()) }
            gathering.unfinished += 1
            guard !gathering.staging.isBusy else {
                gathering.staging.queue((message, completion))
                return (true, Due())
            }
            return (true, route([(message, completion)], limits, &gathering))
        }
        if !isTaken { completion(.failure(.closed)) }
        see(to: due)
    }

    /// Takes a message out; removing one that is not there changes nothing.
    ///
    /// A removal that fails is kept and tried again with the next transaction; until then
    /// ``next(limitBytes:limitCount:now:completion:)`` leaves the message out.
    /// - Parameters:
    ///   - cost: the message's ``WaitingMessage/cost``, which lets the books show at once that it has left.
    ///   - now: wall clock, milliseconds since 1970.
    ///   - completion: told after the commit whether the message was there; with one, the commit is not delayed.
    public func remove(
        _ sequence: Int64, as departure: Departure, cost: Int64? = nil, at now: Int64,
        completion: (@Sendable (Bool) -> Void)? = nil
    ) {
        taken.withLock { _ = $0.insert(sequence) }
        if let cost { account.withLock { $0.leaving[sequence] = (departure, cost) } }
        if !gather(.remove(sequence, departure, at: now, completion)) { completion?(false) }
    }

    /// Notes the cloud's answer to a message, for ``receipt(_:completion:)``.
    public func confirm(_ reply: CloudReply, at now: Int64) { _ = gather(.confirm(reply, at: now)) }

    /// Nobody waits for the cloud's reply to these any longer: their receipts say `no-reply`, unless one has come.
    public func gaveUpWaiting(for sequences: [Int64]) { _ = gather(.unanswered(sequences)) }

    /// Says where a message stands; nil when nothing is known of it, or no longer (``OutboxLimits/maxAge``).
    public func receipt(
        _ query: ReceiptQuery, completion: @escaping @Sendable (Result<Receipt?, OutboxRefusal>) -> Void
    ) {
        let isOpen = onQueue { outbox, db in
            outbox.drain(db)
            do {
                // What the disk does not take into the database is still promised.
                completion(.success(try outbox.stagedReceipt(query) ?? ReceiptStore.find(query, db)))
            } catch {
                _ = outbox.damage.failed(error)
                completion(.failure(OutboxWriter.refusal(for: error)))
            }
        }
        if !isOpen { completion(.failure(.closed)) }
    }

    /// Puts changed limits in force; messages already stored stay.
    public func change(limits new: OutboxLimits) {
        limits.withLock { $0 = new }
        onQueue { outbox, _ in outbox.atDesk { $0.reader.turns.change(drain: new.drain) } }
    }

    /// The link has come up: with `drain = "fresh-first"`, what comes from now on goes before what waits.
    public func linkCameUp() {
        let backlog = books.waiting > 0
        onQueue { outbox, db in
            // What is staged came before.
            if outbox.limits.withLock({ $0.drain }) == .freshFirst { outbox.file(db) }
            outbox.atDesk { $0.reader.turns.linkCameUp(backlog: backlog) }
        }
    }

    /// Hands out waiting messages in the order in which they are to go.
    ///
    /// Reading ends once the messages read make up `limitBytes` (at least one is returned) or are
    /// `limitCount`. Messages whose time is over are dropped instead. An empty result: nothing waits. What was handed out is
    /// the caller's until it is removed or put back.
    public func next(
        limitBytes: Int, limitCount: Int, now: Int64,
        completion: @escaping @Sendable (Result<[WaitingMessage], OutboxRefusal>) -> Void
    ) {
        let isOpen = onQueue { outbox, db in
            repeat {
                var request = OutboxReader.Request(
                    bytes: limitBytes, count: limitCount, now: now, limits: outbox.limits.withLock { $0 },
                    taken: outbox.taken.withLock { $0 })
                switch outbox.stagedTurn(request) {
                case .none: break
                case .theirs(let messages): return completion(.success(outbox.take(messages)))
                case .open where outbox.gathering.withLock { $0.isFailing }: break
                case .open:
                    // Whose turn it is, the database tells.
                    outbox.drain(db)
                    request.taken = outbox.taken.withLock { $0 }
                }
                do {
                    let result = try outbox.atDesk { desk in try desk.reader.read(request, db) }
                    outbox.note { $0.reading = nil }
                    outbox.taken.withLock { $0.formUnion(result.messages.lazy.map(\.sequence)) }
                    let dropped = result.expired.isEmpty ? 0 : outbox.drop(result.expired, as: .expired, at: now, db)
                    if result.messages.isEmpty, result.expired.isEmpty {
                        return completion(.success(outbox.take(outbox.stagedInAnyCase(request))))
                    }
                    if !result.messages.isEmpty { return completion(.success(result.messages)) }
                    // Nothing but messages whose time is over, and perhaps more behind them. When a failing disk keeps
                    // them, the next reading would find the same.
                    if dropped == 0 { return completion(.failure(.diskFailed(detail: "expired messages stay"))) }
                } catch {
                    let failure = outbox.damage.failed(error) ?? QueueInspector.words(error)
                    outbox.note { $0.reading = failure }
                    return completion(.failure(OutboxWriter.refusal(for: error)))
                }
            } while true
        }
        if !isOpen { completion(.failure(.closed)) }
    }

    /// Messages that were handed out wait again.
    public func putBack(_ sequences: some Sequence<Int64>) { taken.withLock { $0.subtract(sequences) } }

    /// Commits what was given so far and closes the file; blocks. Later appends are refused.
    ///
    /// - Parameter inOrder: every program has been given its answers, or the crash before is still to be noticed.
    public func close(inOrder: Bool = true) {
        let wasOpen = gathering.withLock { gathering in
            defer { gathering.isClosed = true }
            return !gathering.isClosed
        }
        while gathering.withLock({ $0.staging.isWriting }) { stagingMayBeDone(patience: 10) }
        gathering.withLock { gathering in
            // This may be within a completion, or beside one.
            let queued = gathering.staging.answered()
            gathering.operations += queued.map { .append($0.message, $0.completion) }
            gathering.appends += queued.count
        }
        stagingChannel.withLock { $0 }?.close(promise: nil)
        queue.writeWithoutTransaction { db in
            drain(db)
            // What cannot be written leaves the next process to suppose a crash, which costs nothing but a look.
            if wasOpen { try? OutboxStore.save(endedInOrder: inOrder, db) }
        }
        try? queue.close()
        lock.release()
    }

    /// Whether each commit waits for the medium (`PRAGMA synchronous` is FULL); blocks.
    var isSynchronous: Bool {
        let level = try? queue.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
        return level == 2
    }

    // MARK: On the outbox's queue

    /// Has something done on the queue; false when the outbox is closed.
    @discardableResult
    func onQueue(_ body: @escaping @Sendable (Outbox, Database) -> Void) -> Bool {
        let closed = gathering.withLock { $0.isClosed }
        guard !closed else { return false }
        queue.asyncWriteWithoutTransaction { [self] db in body(self, db) }
        return true
    }

    /// Works with the parts that are used on the queue only.
    ///
    /// They are taken out of their lock meanwhile: what they return may hold callers' closures, which must not be made there.
    private func atDesk<Result>(_ body: (inout Desk) throws -> Result) rethrows -> Result {
        var desk = desk.withLock { $0 }
        defer { self.desk.withLock { [desk] in $0 = desk } }
        return try body(&desk)
    }

    /// Takes an operation for the next transaction; false when the outbox is closed.
    private func gather(_ operation: OutboxOperation) -> Bool {
        let (isTaken, isDue) = gathering.withLock { gathering in
            if gathering.isClosed { return (false, false) }
            gathering.operations.append(operation)
            gathering.unfinished += 1
            guard operation.isUrgent || gathering.operations.count >= Self.mostUnwritten else { return (true, false) }
            defer { gathering.isScheduled = true }
            return (true, !gathering.isScheduled)
        }
        if isDue { queue.asyncWriteWithoutTransaction { [self] db in drain(db) } }
        return isTaken
    }

    /// Whether places in the queue that may have been given out are still free.
    var hasHidden: Bool { atDesk { $0.writer.hidden > 0 } }

    /// Commits all that has gathered, in one transaction.
    func drain(_ db: Database) {
        let operations = gathering.withLock { gathering in
            gathering.isScheduled = false
            gathering.sweeps = 0
            defer { gathering.operations = [] }
            return gathering.operations
        }
        perform(operations, db)
    }

    func perform(_ operations: [OutboxOperation], _ db: Database) {
        let (staged, endsStaging) = gathering.withLock { ($0.staging.staged, $0.endsStaging) }
        let before = account.withLock { $0.written }
        let report = atDesk { desk in
            let situation = OutboxWriter.Situation(
                books: before, limits: limits.withLock { $0 },
                taken: taken.withLock { $0 }, epoch: desk.reader.turns.epoch, staged: staged, endsStaging: endsStaging)
            return desk.writer.perform(operations, situation, db)
        }
        gathering.withLock { gathering in
            account.withLock { account in
                account.written = report.books
                for sequence in report.departed { account.leaving[sequence] = nil }
                if report.filed != nil {
                    account.staged.messages -= Int64(staged.count)
                    account.staged.bytes -= staged.reduce(0) { $0 + $1.message.cost }
                }
            }
            if let last = report.filed { gathering.staging.filed(upTo: last) }
            if report.hasEndedStaging { gathering.endsStaging = false }
            if report.mayHaveLeftTraces {
                gathering.staging.isSuspended = true
            } else if report.books != before {
                gathering.staging.isSuspended = false
            }
            gathering.isFailing = report.mustRetry
            if !report.mustRetry { gathering.retryDelay = 1 }
            gathering.unfinished -= report.finished
        }
        if report.hasEndedStaging { StagingFile.remove(database: path) }
        taken.withLock { taken in
            taken.formUnion(report.taken)
            taken.subtract(report.departed)
        }
        if let error = report.error {
            let failure = damage.failed(error).map(OutboxRefusal.diskFailed) ?? OutboxWriter.refusal(for: error)
            note { $0.writing = failure }
        } else if report.books != before {
            note { $0.writing = nil }
        }
        for completion in report.completions { completion() }
        // Only now may the next one go the short way: its completion runs on another thread.
        gathering.withLock { $0.appends -= operations.count(where: \.isAppend) }
        if !report.dropped.isEmpty { onDropped(report.dropped) }
        if report.mustRetry { retryLater() }
        lookForRoom()
    }

    /// Drops messages in a transaction of their own; returns how many were there.
    @discardableResult
    func drop(_ sequences: [Int64], as reason: DropReason, at now: Int64, _ db: Database) -> Int {
        let before = account.withLock { $0.written.droppedInTotal }
        perform([.giveUp(sequences, reason, at: now)], db)
        return Int(account.withLock { $0.written.droppedInTotal } - before)
    }

    /// Has what was kept tried again, in a second at first, and later each minute: each try wears a failing disk out.
    private func retryLater() {
        let delay = gathering.withLock { gathering -> Int? in
            guard !gathering.retryIsDue else { return nil }
            gathering.retryIsDue = true
            defer { gathering.retryDelay = min(60, 2 * gathering.retryDelay) }
            return gathering.retryDelay
        }
        guard let delay else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(delay)) { [weak self] in
            guard let self else { return }
            gathering.withLock { $0.retryIsDue = false }
            onQueue { outbox, db in outbox.drain(db) }
        }
    }
}
