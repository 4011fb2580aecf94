import BridgeCore
import Dispatch
import GRDB
import Synchronization

/// What is removed by the thousand: by age, on a person's order, receipts and keys that are old.
///
/// Each portion is a piece of work of its own on the outbox's queue: what programs wait for comes between.
extension Outbox {
    private static let portion = 1000
    /// So many sweeps, one a minute, see something unwritten before it is written: others may come, and share the commit.
    static let mostSweeps = 10

    /// Drops the messages whose time is over, those handed out excepted; gives up waiting for replies that are long overdue;
    /// forgets old receipts.
    /// - Parameter completion: told how many were dropped.
    public func sweep(now: Int64, completion: (@Sendable (Int) -> Void)? = nil) {
        onQueue { outbox, db in
            if outbox.mustSweepStaged(now: now) { outbox.file(db) }
            outbox.writeWhatIsOld(db)
        }
        guard WallTime(milliseconds: now).isPlausible else { return sweepDated(now: now, completion: completion) }
        inPortions(
            { _, db in (try? OutboxStore.date(now: now, count: Self.portion, db)) ?? 0 > 0 },
            completion: { [self] in sweepDated(now: now, completion: completion) })
    }

    /// Files messages that were staged and have left, when that has been waiting for a transaction over several sweeps: what left
    /// an hour ago should not go out again because the power fails now. It is the one commit that they cost; a message that has had
    /// its commit gets no second one.
    private func writeWhatIsOld(_ db: Database) {
        let isOld = gathering.withLock { gathering in
            if !gathering.operations.isEmpty, !gathering.staging.staged.isEmpty { gathering.sweeps += 1 }
            return gathering.sweeps >= Self.mostSweeps
        }
        if isOld { drain(db) }
    }

    private func sweepDated(now: Int64, completion: (@Sendable (Int) -> Void)?) {
        let expired: Choice = { taken, limits, db in
            try OutboxStore.expired(but: taken, limits: limits, now: now, count: Self.portion, db)
        }
        dropAll(as: .expired, at: now, expired) { [self] total in
            inPortions({ outbox, db in outbox.giveUpOverdueReplies(now: now, db) }) { [self] in
                inPortions({ outbox, db in outbox.forget(now: now, db) }) { completion?(total) }
            }
        }
    }

    /// When the first message with a date of its own after `now` is over; nil when none has one.
    public func nextExpiry(after now: Int64, completion: @escaping @Sendable (Int64?) -> Void) {
        onQueue { outbox, db in
            let stored = (try? OutboxStore.nextExpiry(after: now, db)) ?? nil
            completion([stored, outbox.nextStagedExpiry(after: now)].compactMap(\.self).min())
        }
    }

    /// Removes waiting messages that are not handed out, on a person's order.
    ///
    /// - Parameter selection: one message, or nil for all.
    /// - Parameter completion: told how many were removed.
    public func purge(_ selection: Int64?, at now: Int64, completion: @escaping @Sendable (Int) -> Void) {
        onQueue { outbox, db in outbox.file(db) }
        let chosen: Choice = { taken, _, db in
            try OutboxStore.waiting(but: taken, only: selection, count: Self.portion, db)
        }
        dropAll(as: .purged, at: now, chosen, completion: completion)
    }

    /// ``purge(_:at:completion:)`` for a caller that may block; how many messages were removed.
    public func purgeAndWait(_ selections: [Int64?]) -> Int {
        let total = Mutex(0)
        let done = DispatchGroup()
        for selection in selections {
            done.enter()
            purge(selection, at: WallTime.now.stamp) { count in
                total.withLock { $0 += count }
                done.leave()
            }
        }
        done.wait()
        return total.withLock { $0 }
    }

    /// Finds some of the messages that are to be dropped.
    private typealias Choice = @Sendable (_ taken: Set<Int64>, OutboxLimits, Database) throws -> [Int64]

    /// Drops what `choice` finds, a portion at a time, until it finds nothing more or nothing can be removed.
    ///
    /// On a full disk there is no room for the log of a large portion: then it is tried with less, down to one message.
    private func dropAll(
        as reason: DropReason, at now: Int64, _ choice: @escaping Choice, completion: @escaping @Sendable (Int) -> Void
    ) {
        let state = Mutex((total: 0, size: Self.portion))
        inPortions(
            { outbox, db in
                let taken = outbox.taken.withLock { $0 }
                guard let some = try? choice(taken, outbox.limits.withLock { $0 }, db), !some.isEmpty else {
                    return false
                }
                let size = min(some.count, state.withLock { $0.size })
                let dropped = outbox.drop(Array(some.prefix(size)), as: reason, at: now, db)
                state.withLock { state in
                    state.total += dropped
                    state.size = dropped > 0 ? min(2 * size, Self.portion) : max(1, size / 10)
                }
                return dropped > 0 || size > 1
            },
            completion: { completion(state.withLock { $0.total }) })
    }

    /// Does something on the queue until it says that nothing is left, or the outbox is closed.
    private func inPortions(
        _ portion: @escaping @Sendable (Outbox, Database) -> Bool, completion: @escaping @Sendable () -> Void
    ) {
        let isOpen = onQueue { outbox, db in
            if portion(outbox, db) { outbox.inPortions(portion, completion: completion) } else { completion() }
        }
        if !isOpen { completion() }
    }

    /// For messages whose reply nobody watches for any longer: their program has gone, or the daemon was restarted.
    private func giveUpOverdueReplies(now: Int64, _ db: Database) -> Bool {
        let since = now &- ReplyMatcher.patience.inMilliseconds
        func overdue() -> [Int64] { (try? ReceiptStore.unanswered(since: since, count: Self.portion, db)) ?? [] }
        guard !overdue().isEmpty else { return false }
        // The reply may have come, and wait for a transaction.
        drain(db)
        let some = overdue()
        guard !some.isEmpty else { return false }
        let before = books.dropped[.noReply] ?? 0
        perform([.unanswered(some)], db)
        return books.dropped[.noReply] ?? 0 > before
    }

    /// Receipts are kept for as long as messages are, and as keys are, which are asked what became of their messages. What was
    /// set aside is kept for as long as messages are.
    private func forget(now: Int64, _ db: Database) -> Bool {
        let maxAge = limits.withLock { $0.maxAge }
        let received = account.withLock { $0.written.received }
        // A failing disk is met again by the next message, which has somebody to tell.
        let forgotten = try? ReceiptStore.forget(
            before: now &- max(maxAge, OutboxStore.keyLifetime), received: received, count: Self.portion, db)
        if forgotten == Self.portion { return true }
        try? OutboxStore.forgetSetAside(before: now &- maxAge, db)
        return false
    }
}
