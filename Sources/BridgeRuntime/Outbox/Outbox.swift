import BridgeCore
import Dispatch
import GRDB
import Synchronization

/// The messages that wait for the link, on disk.
///
/// - What is promised is kept: the completion of ``append(_:completion:)`` runs after the
///   transaction with the message was committed and synced (`synchronous=FULL`).
/// - One commit serves all that waits: while a transaction is on its way, further appends and
///   removals gather, and the next transaction takes them all. Completions run in order.
/// - The books change in the same transaction as the rows, so they balance after a power cut.
/// - Nothing is held in memory for a waiting row.
///
/// All methods return at once and may be called from any thread; completions run on the outbox's
/// own serial queue and must not block it. Except at opening it reads no clock: callers say what time it is
/// (wall clock, milliseconds since 1970).
public final class Outbox: Sendable {
    /// What a person should know about the opening, for the journal.
    public let notices: [OutboxNotice]
    private let limits: Mutex<OutboxLimits>
    private let queue: DatabaseQueue
    private let gathering: Mutex<Gathering>
    private let account: Mutex<OutboxBooks>
    /// Copied out, used and put back on the queue only.
    private let writer: Mutex<OutboxWriter>
    private let onDropped: @Sendable ([DroppedMessage]) -> Void

    private struct Gathering {
        var operations: [OutboxOperation] = []
        var isScheduled = false
        var isClosed = false
        var retryIsDue = false
        /// Operations given and not yet completed.
        var unfinished = 0
        /// Messages up to this one are with the present session and are not given up meanwhile.
        var inFlightThrough: Int64 = 0
    }

    /// Opens the outbox, or begins one; blocks.
    ///
    /// - Parameter onDropped: told of messages given up for lack of room or of time, after the
    ///   commit, on the outbox's queue.
    public init(
        path: String, limits: OutboxLimits, onDropped: @escaping @Sendable ([DroppedMessage]) -> Void = { _ in }
    ) throws(OutboxError) {
        let opened = try OutboxFile.open(path: path, limits: limits)
        self.limits = Mutex(limits)
        self.onDropped = onDropped
        notices = opened.notices
        queue = opened.queue
        gathering = Mutex(Gathering())
        account = Mutex(opened.books)
        writer = Mutex(OutboxWriter(path: path))
    }

    /// The accounts as of the last commit.
    public var books: OutboxBooks { account.withLock { $0 } }

    /// Appends and removals that are not on disk yet.
    public var pendingCount: Int { gathering.withLock { $0.unfinished } }

    /// Stores a message; `completion` is given its receipt once it is on disk.
    public func append(
        _ message: NewMessage, completion: @escaping @Sendable (Result<Appended, OutboxRefusal>) -> Void
    ) {
        if !gather(.append(message, completion)) { completion(.failure(.closed)) }
    }

    /// Takes a message out; removing one that is not there changes nothing.
    ///
    /// A removal that fails is kept and tried again with the next transaction; until then
    /// ``next(after:limitBytes:limitCount:now:completion:)`` leaves the message out.
    /// - Parameter completion: told after the commit whether the message was there.
    public func remove(
        _ sequence: Int64, as departure: Departure, completion: (@Sendable (Bool) -> Void)? = nil
    ) {
        if !gather(.remove(sequence, departure, completion)) { completion?(false) }
    }

    /// Says which messages are with the session: their number, for the books, and the last of them.
    ///
    /// Neither expiry nor `drop-oldest` touches a message up to that one. `(0, 0)` at the end of a
    /// session.
    public func markInFlight(_ count: Int, through sequence: Int64) {
        gathering.withLock { $0.inFlightThrough = sequence }
        account.withLock { $0.inFlight = Int64(count) }
    }

    /// Puts changed limits in force; messages already stored stay.
    public func change(limits new: OutboxLimits) { limits.withLock { $0 = new } }

    /// Reads waiting messages behind `sequence` in the order they came.
    ///
    /// Reading ends once the messages read make up `limitBytes` (at least one is returned) or are
    /// `limitCount`. Messages whose time is over are dropped instead. An empty result: nothing waits.
    public func next(
        after sequence: Int64, limitBytes: Int, limitCount: Int, now: Int64,
        completion: @escaping @Sendable (Result<[WaitingMessage], OutboxRefusal>) -> Void
    ) {
        let closed = gathering.withLock { $0.isClosed }
        guard !closed else { return completion(.failure(.closed)) }
        queue.asyncWriteWithoutTransaction { [self] db in
            var request = OutboxWriter.Reading(
                after: sequence, bytes: limitBytes, count: limitCount, now: now, limits: limits.withLock { $0 })
            while true {
                let (result, expired) = writer.withLock({ $0 }).read(request, db)
                if !expired.isEmpty { drop(expired, as: .expired, db) }
                // Nothing but messages whose time is over, and perhaps more behind them.
                if case .success([]) = result, let last = expired.last {
                    request.after = last
                } else {
                    return completion(result)
                }
            }
        }
    }

    /// Drops the messages whose time is over, those in flight excepted.
    /// - Parameter completion: told how many were dropped.
    public func sweep(now: Int64, completion: (@Sendable (Int) -> Void)? = nil) {
        let closed = gathering.withLock { $0.isClosed }
        guard !closed else {
            completion?(0)
            return
        }
        queue.asyncWriteWithoutTransaction { [self] db in
            let inFlight = gathering.withLock { $0.inFlightThrough }
            var total = 0
            while let expired = try? OutboxStore.expired(
                after: inFlight, limits: limits.withLock { $0 }, now: now, count: 1000, db), !expired.isEmpty
            {
                let dropped = drop(expired, as: .expired, db)
                total += dropped
                if dropped == 0 { break }
            }
            completion?(total)
        }
    }

    /// Commits what was given so far and closes the file; blocks. Later appends are refused.
    public func close() {
        gathering.withLock { $0.isClosed = true }
        queue.writeWithoutTransaction { db in drain(db) }
        try? queue.close()
    }

    /// Whether each commit waits for the medium (`PRAGMA synchronous` is FULL); blocks.
    var isSynchronous: Bool {
        let level = try? queue.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
        return level == 2
    }

    // MARK: On the outbox's queue

    /// Takes an operation for the next transaction; false when the outbox is closed.
    private func gather(_ operation: OutboxOperation) -> Bool {
        let (taken, mustSchedule) = gathering.withLock { gathering in
            if gathering.isClosed { return (false, false) }
            gathering.operations.append(operation)
            gathering.unfinished += 1
            defer { gathering.isScheduled = true }
            return (true, !gathering.isScheduled)
        }
        if mustSchedule { queue.asyncWriteWithoutTransaction { [self] db in drain(db) } }
        return taken
    }

    /// Commits all that has gathered, in one transaction.
    private func drain(_ db: Database) {
        let (operations, inFlight) = gathering.withLock { gathering in
            gathering.isScheduled = false
            defer { gathering.operations = [] }
            return (gathering.operations, gathering.inFlightThrough)
        }
        perform(operations, inFlightThrough: inFlight, db)
    }

    private func perform(_ operations: [OutboxOperation], inFlightThrough: Int64, _ db: Database) {
        var writer = writer.withLock { $0 }
        let report = writer.perform(
            operations, books: books, limits: limits.withLock { $0 }, inFlightThrough: inFlightThrough, db)
        self.writer.withLock { [writer] in $0 = writer }
        account.withLock { account in
            let inFlight = account.inFlight
            account = report.books
            account.inFlight = inFlight
        }
        gathering.withLock { $0.unfinished -= report.finished }
        for completion in report.completions { completion() }
        if !report.dropped.isEmpty { onDropped(report.dropped) }
        if report.mustRetry { retryLater() }
    }

    /// Drops messages in a transaction of their own; returns how many were there.
    @discardableResult
    private func drop(_ sequences: [Int64], as reason: DropReason, _ db: Database) -> Int {
        let before = books.droppedInTotal
        perform([.giveUp(sequences, reason)], inFlightThrough: 0, db)
        return Int(books.droppedInTotal - before)
    }

    /// Has kept removals tried again in a second; one such try is under way at a time.
    private func retryLater() {
        let isFirst = gathering.withLock { gathering in
            defer { gathering.retryIsDue = true }
            return !gathering.retryIsDue
        }
        guard isFirst else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + 1) { [weak self] in
            guard let self else { return }
            let isClosed = gathering.withLock { gathering in
                gathering.retryIsDue = false
                return gathering.isClosed
            }
            if !isClosed { queue.asyncWriteWithoutTransaction { db in self.drain(db) } }
        }
    }
}
