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
/// - A removal, which nobody waits for, costs no commit of its own: it is written with the next append, or after
///   ``removalDelay`` when none comes. A crash before that has the message delivered once more.
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
    private let account: Mutex<Account>
    /// Copied out, used and put back on the queue only.
    private let writer: Mutex<OutboxWriter>
    private let lock: OutboxLock
    private let onDropped: @Sendable ([DroppedMessage]) -> Void

    /// How long a removal may wait for an append to be written with.
    public static let removalDelay = Duration.seconds(5)
    /// So many operations are written without waiting longer.
    private static let mostGathered = 1024

    private struct Account {
        /// As of the last commit.
        var written: OutboxBooks
        /// Messages that have left, which is not yet written.
        var leaving: [Int64: (departure: Departure, cost: Int64)] = [:]

        var books: OutboxBooks {
            var books = written
            for (departure, cost) in leaving.values { books.left(departure, bytes: cost) }
            return books
        }
    }

    private struct Gathering {
        var operations: [OutboxOperation] = []
        var isScheduled = false
        var isClosed = false
        var retryIsDue = false
        var delayIsRunning = false
        /// The last message whose removal is not written.
        var lastRemoved: Int64 = 0
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
        guard let lock = try OutboxLock(databasePath: path, patience: .seconds(2)) else {
            throw .cannotOpen(path: path, detail: "another espbridged works with it")
        }
        self.lock = lock
        let opened = try OutboxFile.open(path: path, limits: limits)
        self.limits = Mutex(limits)
        self.onDropped = onDropped
        notices = opened.notices
        queue = opened.queue
        gathering = Mutex(Gathering())
        account = Mutex(Account(written: opened.books))
        writer = Mutex(OutboxWriter(path: path))
    }

    /// The accounts: appends as of the last commit, and everything that has left.
    public var books: OutboxBooks { account.withLock { $0.books } }

    /// Operations that are not on disk yet.
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
    /// - Parameters:
    ///   - cost: the message's ``WaitingMessage/cost``, which lets the books show at once that it has left.
    ///   - now: wall clock, milliseconds since 1970.
    ///   - completion: told after the commit whether the message was there; with one, the commit is not delayed.
    public func remove(
        _ sequence: Int64, as departure: Departure, cost: Int64? = nil, at now: Int64,
        completion: (@Sendable (Bool) -> Void)? = nil
    ) {
        if let cost { account.withLock { $0.leaving[sequence] = (departure, cost) } }
        if !gather(.remove(sequence, departure, at: now, completion)) { completion?(false) }
    }

    /// Notes the cloud's answer to a message, for ``receipt(_:completion:)``.
    public func confirm(_ reply: CloudReply, at now: Int64) { _ = gather(.confirm(reply, at: now)) }

    /// Says where a message stands; nil when nothing is known of it, or no longer (``OutboxLimits/maxAge``).
    public func receipt(
        _ query: ReceiptQuery, completion: @escaping @Sendable (Result<Receipt?, OutboxRefusal>) -> Void
    ) {
        let closed = gathering.withLock { $0.isClosed }
        guard !closed else { return completion(.failure(.closed)) }
        queue.asyncWriteWithoutTransaction { [self] db in
            drain(db)
            do {
                completion(.success(try ReceiptStore.find(query, db)))
            } catch {
                completion(.failure(OutboxWriter.refusal(for: error)))
            }
        }
    }

    /// Says which messages are with the session: their number, for the books, and the last of them.
    ///
    /// Neither expiry nor `drop-oldest` touches a message up to that one. `(0, 0)` at the end of a
    /// session.
    public func markInFlight(_ count: Int, through sequence: Int64) {
        gathering.withLock { $0.inFlightThrough = sequence }
        account.withLock { $0.written.inFlight = Int64(count) }
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
            // What has left must not be read again.
            if gathering.withLock({ $0.lastRemoved > sequence }) { drain(db) }
            var request = OutboxWriter.Reading(
                after: sequence, bytes: limitBytes, count: limitCount, now: now, limits: limits.withLock { $0 })
            while true {
                let (result, expired) = writer.withLock({ $0 }).read(request, db)
                if !expired.isEmpty { drop(expired, as: .expired, at: now, db) }
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
            // What has left cannot expire.
            drain(db)
            let inFlight = gathering.withLock { $0.inFlightThrough }
            var total = 0
            while let expired = try? OutboxStore.expired(
                after: inFlight, limits: limits.withLock { $0 }, now: now, count: 1000, db), !expired.isEmpty
            {
                let dropped = drop(expired, as: .expired, at: now, db)
                total += dropped
                if dropped == 0 { break }
            }
            forgetReceipts(now: now, db)
            completion?(total)
        }
    }

    /// Removes waiting messages that are not with the session, on a person's order.
    ///
    /// - Parameter selection: one message, or nil for all.
    /// - Parameter completion: told how many were removed.
    public func purge(_ selection: Int64?, at now: Int64, completion: @escaping @Sendable (Int) -> Void) {
        let closed = gathering.withLock { $0.isClosed }
        guard !closed else { return completion(0) }
        queue.asyncWriteWithoutTransaction { [self] db in
            drain(db)
            let inFlight = gathering.withLock { $0.inFlightThrough }
            var total = 0
            while let some = try? OutboxStore.waiting(after: inFlight, only: selection, count: 1000, db), !some.isEmpty
            {
                let purged = drop(some, as: .purged, at: now, db)
                total += purged
                if purged == 0 { break }
            }
            completion(total)
        }
    }

    /// ``purge(_:at:completion:)`` for a caller that may block; how many messages were removed.
    public func purgeAndWait(_ selections: [Int64?]) -> Int {
        let total = Mutex(0)
        let done = DispatchGroup()
        for selection in selections {
            done.enter()
            purge(selection, at: WallTime.now.milliseconds) { count in
                total.withLock { $0 += count }
                done.leave()
            }
        }
        done.wait()
        return total.withLock { $0 }
    }

    /// Commits what was given so far and closes the file; blocks. Later appends are refused.
    public func close() {
        gathering.withLock { $0.isClosed = true }
        queue.writeWithoutTransaction { db in drain(db) }
        try? queue.close()
        lock.release()
    }

    /// Whether each commit waits for the medium (`PRAGMA synchronous` is FULL); blocks.
    var isSynchronous: Bool {
        let level = try? queue.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
        return level == 2
    }

    // MARK: On the outbox's queue

    /// Takes an operation for the next transaction; false when the outbox is closed.
    private func gather(_ operation: OutboxOperation) -> Bool {
        let (taken, mustSchedule): (Bool, Scheduling) = gathering.withLock { gathering in
            if gathering.isClosed { return (false, .no) }
            gathering.operations.append(operation)
            gathering.unfinished += 1
            if case .remove(let sequence, _, _, _) = operation {
                gathering.lastRemoved = max(gathering.lastRemoved, sequence)
            }
            guard operation.isUrgent || gathering.operations.count >= Self.mostGathered else {
                defer { gathering.delayIsRunning = true }
                return (true, gathering.delayIsRunning ? .no : .later)
            }
            defer { gathering.isScheduled = true }
            return (true, gathering.isScheduled ? .no : .now)
        }
        switch mustSchedule {
        case .no: break
        case .now: queue.asyncWriteWithoutTransaction { [self] db in drain(db) }
        case .later: after(Self.removalDelay) { $0.delayIsRunning = false }
        }
        return taken
    }

    private enum Scheduling {
        case no
        case now
        case later
    }

    /// Has what has gathered written after a time.
    private func after(_ delay: Duration, _ note: @escaping @Sendable (inout Gathering) -> Void) {
        let seconds = Double(delay.inMilliseconds) / 1000
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            guard let self else { return }
            let isClosed = gathering.withLock { gathering in
                note(&gathering)
                return gathering.isClosed
            }
            if !isClosed { queue.asyncWriteWithoutTransaction { db in self.drain(db) } }
        }
    }

    /// Commits all that has gathered, in one transaction.
    private func drain(_ db: Database) {
        let (operations, inFlight) = gathering.withLock { gathering in
            gathering.isScheduled = false
            gathering.lastRemoved = 0
            defer { gathering.operations = [] }
            return (gathering.operations, gathering.inFlightThrough)
        }
        perform(operations, inFlightThrough: inFlight, db)
    }

    private func perform(_ operations: [OutboxOperation], inFlightThrough: Int64, _ db: Database) {
        var writer = writer.withLock { $0 }
        let report = writer.perform(
            operations, books: account.withLock { $0.written }, limits: limits.withLock { $0 },
            inFlightThrough: inFlightThrough, db)
        self.writer.withLock { [writer] in $0 = writer }
        account.withLock { account in
            let inFlight = account.written.inFlight
            account.written = report.books
            account.written.inFlight = inFlight
            for sequence in report.departed { account.leaving[sequence] = nil }
        }
        gathering.withLock { $0.unfinished -= report.finished }
        for completion in report.completions { completion() }
        if !report.dropped.isEmpty { onDropped(report.dropped) }
        if report.mustRetry { retryLater() }
    }

    /// Drops messages in a transaction of their own; returns how many were there.
    @discardableResult
    private func drop(_ sequences: [Int64], as reason: DropReason, at now: Int64, _ db: Database) -> Int {
        let before = account.withLock { $0.written.droppedInTotal }
        perform([.giveUp(sequences, reason, at: now)], inFlightThrough: 0, db)
        return Int(account.withLock { $0.written.droppedInTotal } - before)
    }

    /// Receipts are kept for as long as messages are.
    private func forgetReceipts(now: Int64, _ db: Database) {
        let limit = now &- limits.withLock { $0.maxAge }
        let received = account.withLock { $0.written.received }
        var forgotten = 1000
        while forgotten == 1000 {
            // A failing disk is met again by the next message, which has somebody to tell.
            forgotten = (try? ReceiptStore.forget(before: limit, received: received, count: 1000, db)) ?? 0
        }
    }

    /// Has kept removals tried again in a second; one such try is under way at a time.
    private func retryLater() {
        let isFirst = gathering.withLock { gathering in
            defer { gathering.retryIsDue = true }
            return !gathering.retryIsDue
        }
        if isFirst { after(.seconds(1)) { $0.retryIsDue = false } }
    }
}
