import BridgeCore
import GRDB
import NIOCore
import NIOPosix

/// Which messages go the short way, by ``Staging``.
extension Outbox {
    /// A file system smaller than this has no bytes for a staging file.
    private static let leastDisk: Int64 = 64 << 20

    /// Messages that come by themselves are acknowledged from now on once they stand in a file beside the database; returns at
    /// once.
    ///
    /// - Parameters:
    ///   - eventLoop: completions of such messages run there.
    ///   - hindered: told why that is not done, or not any longer; then each commit is waited for, which loses nothing.
    /// - Returns: when it is known whether they are.
    @discardableResult
    public func stage(
        on eventLoop: any EventLoop, hindered: @escaping @Sendable (StagingHindrance) -> Void
    ) -> EventLoopFuture<Void> {
        let known = eventLoop.makePromise(of: Void.self)
        let isOpen = onQueue { outbox, db in
            do {
                let identity = try outbox.prepareStaging(db)
                let file = try StagingFile(
                    database: outbox.path, identity: identity, isWorn: outbox.inheritance.isStagingWorn)
                outbox.stagingHindered.withLock { $0 = hindered }
                NIOPipeBootstrap(group: eventLoop)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(StagingHandler(outbox))
                        }
                    }
                    .takingOwnershipOfDescriptor(input: file.event)
                    .whenComplete { result in
                        switch result {
                        case .success(let channel): outbox.begin(staging: file, identity: identity, channel: channel)
                        case .failure(let error):
                            file.closeEvent()
                            hindered(.unavailable("\(error)"))
                        }
                        known.succeed()
                    }
            } catch {
                hindered(.unavailable("\(error)"))
                known.succeed()
            }
        }
        if !isOpen { known.succeed() }
        return known.futureResult
    }

    /// Which identity the file has to have.
    private func prepareStaging(_ db: Database) throws -> Int64 {
        // Before anything is overwritten that has the same messages.
        try OutboxFile.fold(db, path: path)
        // And what that process left in the file has to be in the database.
        perform([], db)
        guard gathering.withLock({ $0.staging.staged.isEmpty && !$0.endsStaging }), !hasHidden else {
            throw StagingError("the database does not take what was accepted before")
        }
        let room = DiskRoom(databasePath: path, floor: limits.withLock { $0.minFree })
        guard room.total ?? 0 >= Self.leastDisk else {
            throw StagingError("the file system is smaller than \(Self.leastDisk >> 20) MiB")
        }
        if let shortage = room.shortage(spare: -Int64(StagingFile.size)) { throw StagingError(shortage) }
        return try OutboxStore.stagingIdentity(db)
    }

    private func begin(staging file: StagingFile, identity: Int64, channel: any Channel) {
        use(staging: file, identity: identity)
        stagingChannel.withLock { $0 = channel }
        if gathering.withLock({ $0.isClosed }) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { [weak self] _ in self?.stagingIsNotTold() }
    }

    /// Nobody hears from the kernel any more when a write is done.
    private func stagingIsNotTold() {
        guard !gathering.withLock({ $0.isClosed }) else { return }
        while true {
            let isDone = gathering.withLock { gathering in
                guard !gathering.staging.isWriting else { return false }
                if gathering.staging.isInUse { gathering.endStaging() }
                return true
            }
            if isDone { break }
            stagingMayBeDone(patience: 10)
        }
        stagingHindered.withLock { $0 }(.failed("the kernel's events have ended"))
    }

    /// From now on messages are staged there; somebody has to call ``stagingMayBeDone(patience:)``.
    func use(staging file: any StagingMedium, identity: Int64) {
        gathering.withLock { $0.staging.use(file, identity: identity, serial: inheritance.stagingSerial) }
    }

    /// Notes whether there is room on the disk for more messages than the file holds.
    func lookForRoom() {
        guard gathering.withLock({ $0.staging.isInUse }) else { return }
        let shortage = DiskRoom(databasePath: path, floor: limits.withLock { $0.minFree }).shortage(spare: 0)
        gathering.withLock { $0.staging.hasRoom = shortage == nil }
    }

    // MARK: The way of a message

    /// What is to be done once the lock is released.
    struct Due {
        var drains = false
        /// A message by itself is being written to the staging file.
        var polls = false
        /// Why nothing is staged any more.
        var hindrance: StagingError?
    }

    /// Sends messages on the short way, if it is open, or into the database.
    func route(_ appends: [Staging.Append], _ limits: OutboxLimits, _ gathering: inout Gathering) -> Due {
        var due = Due()
        if gathering.appends == 0, !gathering.isClosed, gathering.staging.isInUse {
            let books = account.withLock { $0.stored }
            let last = gathering.staging.staged.last?.sequence ?? books.received
            do {
                if try gathering.staging.begin(appends, last: last, limits: limits, books: books) {
                    due.polls = appends.count == 1
                    return due
                }
            } catch {
                due.hindrance = error
                gathering.endStaging()
            }
        }
        gathering.operations += appends.map { .append($0.message, $0.completion) }
        gathering.appends += appends.count
        due.drains = !gathering.isScheduled && !gathering.isClosed
        gathering.isScheduled = gathering.isScheduled || due.drains
        return due
    }

    func see(to due: Due) {
        if let hindrance = due.hindrance { stagingHindered.withLock { $0 }(.failed("\(hindrance)")) }
        if due.drains { onQueue { outbox, db in outbox.drain(db) } }
        if due.polls { poll() }
    }

    /// Waits for the write that has begun, behind what the loop has been given to do already, and unless other messages have come
    /// meanwhile.
    private func poll() {
        guard let channel = stagingChannel.withLock({ $0 }) else { return }
        channel.eventLoop.execute { [self] in
            guard let file = gathering.withLock({ $0.staging.fileToPoll }), file.poll() else { return }
            stagingMayBeDone()
            // Under the lock, or the event could be that of another write.
            gathering.withLock { if !$0.staging.isWriting, channel.isActive { file.forgetEvent() } }
        }
    }

    /// The kernel may be done with a write to the staging file.
    ///
    /// - Parameter patience: milliseconds to wait for it.
    func stagingMayBeDone(patience: UInt32 = 0) {
        let limits = limits.withLock { $0 }
        var due = Due()
        let outcome = gathering.withLock { gathering -> Staging.Outcome? in
            let outcome = gathering.staging.finish(patience: patience)
            switch outcome {
            case nil: break
            case .written(let messages, _):
                gathering.unfinished -= messages.count
                account.withLock {
                    $0.staged.messages += Int64(messages.count)
                    $0.staged.bytes += messages.reduce(0) { $0 + $1.message.cost }
                }
                taken.withLock { $0.formUnion(messages.lazy.filter(\.message.isTaken).map(\.sequence)) }
            case .failed(let appends, let error):
                gathering.endStaging()
                due = route(appends, limits, &gathering)
                due.hindrance = error
            }
            return outcome
        }
        guard case .written(let messages, let completions) = outcome else { return see(to: due) }
        for (message, completion) in zip(messages, completions) {
            completion(.success(Appended(sequence: message.sequence, outcome: .stored)))
        }
        // Only now: whoever came later is answered later, whichever way.
        due = gathering.withLock { gathering in
            let queued = gathering.staging.answered()
            if !queued.isEmpty { return route(queued, limits, &gathering) }
            guard gathering.staging.isDue, !gathering.isScheduled, !gathering.isFailing, !gathering.isClosed else {
                return Due()
            }
            gathering.isScheduled = true
            return Due(drains: true)
        }
        see(to: due)
    }

    // MARK: Staged messages, for those who ask the database

    /// Has what is staged written into the database; to be called on the queue.
    func file(_ db: Database) {
        if gathering.withLock({ !$0.staging.staged.isEmpty }) { perform([], db) }
    }

    /// Whose turn it is.
    enum StagedTurn {
        /// Nothing that is staged waits.
        case none
        /// These, before whatever else waits.
        case theirs([StagedMessage])
        /// Both the database and the staging file have some.
        case open
    }

    /// Messages that nothing else competes with are handed out without a detour through the database.
    func stagedTurn(_ request: OutboxReader.Request) -> StagedTurn {
        let free = freeStaged()
        guard let first = free.first else { return .none }
        let written = account.withLock { $0.written }
        let handedOut = request.taken.count { $0 <= written.received }
        guard written.waiting <= handedOut, free.allSatisfy({ $0.message.sender == first.message.sender }),
            !free.contains(where: { $0.hasExpired(request) })
        else { return .open }
        return .theirs(Self.portion(of: free, request))
    }

    /// When the database has nothing that waits: what it would not take, because there is no room, or the disk fails.
    func stagedInAnyCase(_ request: OutboxReader.Request) -> [StagedMessage] {
        Self.portion(of: freeStaged().filter { !$0.hasExpired(request) }, request)
    }

    /// In this order: a message that is handed out as it is stored is in both at once.
    private func freeStaged() -> [StagedMessage] {
        let staged = gathering.withLock { $0.staging.staged }
        let taken = taken.withLock { $0 }
        return staged.filter { !taken.contains($0.sequence) }
    }

    /// The receipt of a message that is still staged.
    func stagedReceipt(_ query: ReceiptQuery) -> Receipt? {
        gathering.withLock { $0.staging.staged }.last { entry in
            switch query {
            case .number(let number): entry.sequence == number
            case .id(let id): entry.message.alinkID == id
            }
        }.map { Receipt(number: $0.sequence, alinkID: $0.message.alinkID, state: .waiting) }
    }

    private static func portion(of messages: [StagedMessage], _ request: OutboxReader.Request) -> [StagedMessage] {
        var bytes = 0
        let part = messages.prefix(request.count).prefix { message in
            defer { bytes += message.message.payload.count }
            return bytes < request.bytes
        }
        return Array(part)
    }

    /// Hands messages out.
    func take(_ messages: [StagedMessage]) -> [WaitingMessage] {
        taken.withLock { $0.formUnion(messages.lazy.map(\.sequence)) }
        return messages.map(\.waiting)
    }

    /// Whether a sweep has something to do with what is staged.
    func mustSweepStaged(now: Int64) -> Bool {
        let limits = limits.withLock { $0 }
        let isClockSet = WallTime(milliseconds: now).isPlausible
        if isClockSet, gathering.withLock({ $0.staging.staged.contains { !$0.message.isDated } }) { return true }
        return freeStaged().contains { staged in
            limits.hasExpired(
                queuedAt: staged.message.queuedAt, expiresAt: staged.message.expiresAt, now: now)
        }
    }

    /// When the first staged message with a date of its own after `now` is over.
    func nextStagedExpiry(after now: Int64) -> Int64? {
        gathering.withLock { $0.staging.staged }.compactMap(\.message.expiresAt).filter { $0 > now }.min()
    }
}

extension StagedMessage {
    fileprivate func hasExpired(_ request: OutboxReader.Request) -> Bool {
        request.limits.hasExpired(queuedAt: message.queuedAt, expiresAt: message.expiresAt, now: request.now)
    }
}

extension Outbox.Gathering {
    fileprivate mutating func endStaging() {
        staging.giveUp()
        endsStaging = true
    }
}

/// Hears from the kernel that a write is done.
private final class StagingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private weak var outbox: Outbox?

    init(_ outbox: Outbox) { self.outbox = outbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { outbox?.stagingMayBeDone() }
}
