/// What the outbox may hold, and what gives way when it is full (`[outbox]` of the configuration).
public struct OutboxLimits: Equatable, Sendable {
    /// What happens to a message for which there is no room.
    public enum WhenFull: String, CaseIterable, Sendable {
        case refuseNew = "refuse-new"
        case dropOldest = "drop-oldest"
    }

    /// In what order messages go once the link is back.
    public enum Drain: String, CaseIterable, Sendable {
        case inOrder = "in-order"
        /// What comes from then on goes before what waited.
        case freshFirst = "fresh-first"
    }

    /// Most bytes that may wait, counted with ``cost(topicBytes:payloadBytes:)``.
    public var maxBytes: Int64
    /// Milliseconds after which a waiting message is given up.
    public var maxAge: Int64
    public var whenFull: WhenFull
    public var drain: Drain
    /// Bytes that have to be free on the file system for a message to be taken; nil: a sixteenth of
    /// it, at least 256 KiB and at most 8 MiB.
    public var minFree: Int64?
    /// Most pages (of 1,024 bytes in a new file) that the file may have; nil for no limit but the disk's.
    public var maxPages: Int?

    public init(
        maxBytes: Int64 = 67_108_864, maxAge: Int64 = 604_800_000, whenFull: WhenFull = .refuseNew,
        drain: Drain = .inOrder, minFree: Int64? = nil, maxPages: Int? = nil
    ) {
        self.maxBytes = maxBytes
        self.maxAge = maxAge
        self.whenFull = whenFull
        self.drain = drain
        self.minFree = minFree
        self.maxPages = maxPages
    }

    /// The space one message is charged with: its bytes and 64 more for its row, so that a flood
    /// of empty messages counts too.
    public static func cost(topicBytes: Int, payloadBytes: Int) -> Int64 {
        Int64(topicBytes) &+ Int64(payloadBytes) &+ 64
    }

    /// So many bytes beyond ``maxBytes`` answers to the cloud may take: it waits for them, and they leave before all others.
    public static let answerAllowance: Int64 = 65_536

    /// What is to be done with a message.
    public enum Decision: Equatable, Sendable {
        case accept
        case refuse
        /// Accept it once at least so many bytes of the oldest messages are gone.
        case makeRoom(bytes: Int64)
    }

    /// Decides about a message of that cost.
    public func decision(cost: Int64, isAnswer: Bool, books: OutboxBooks) -> Decision {
        let maxBytes = isAnswer ? maxBytes &+ Self.answerAllowance : maxBytes
        if cost > maxBytes { return .refuse }
        let excess = books.bytes &+ cost &- maxBytes
        if excess <= 0 { return .accept }
        return whenFull == .dropOldest ? .makeRoom(bytes: excess) : .refuse
    }

    /// Whether a message is to be given up; all times in milliseconds of the same wall clock.
    ///
    /// A clock that was set back makes a message younger, never older.
    public func hasExpired(queuedAt: Int64, expiresAt: Int64?, now: Int64) -> Bool {
        if let expiresAt, expiresAt <= now { return true }
        let (age, overflow) = now.subtractingReportingOverflow(queuedAt)
        return overflow ? now > queuedAt : age > maxAge
    }
}
