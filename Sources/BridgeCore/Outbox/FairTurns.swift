/// Whose messages go next: fair turns between programs, and between the connections of one program.
///
/// - What came on one connection keeps its order: each of its turns begins with its oldest message.
/// - No program starves another, however much it has waiting: after a turn of ``quantum`` bytes the next program has
///   its own. A program that connects anew for every message is still one program.
/// - Messages belong to an epoch. `in-order`: there is one epoch, and older ones that a change of the setting left
///   behind go first. `fresh-first`: an epoch begins whenever the link comes up while messages wait, so that what comes
///   from then on goes before them; each ``oldShare``th turn is theirs all the same, so that they go in the end.
/// - Programs' answers to the cloud have an epoch of their own that is always first.
///
/// It holds nothing for a message that waits: what there is, it asks its ``TurnSource``.
public struct FairTurns: Sendable {
    /// A turn ends with the message that makes it as many bytes, or more: what is in flight at a time.
    public static let quantum: Int64 = 2048
    /// With `fresh-first`, of so many turns one is for what has waited longest.
    public static let oldShare = 4
    /// The epoch of answers to the cloud.
    public static let answers: Int64 = -1
    /// So many programs' places are remembered; then all begin anew.
    private static let mostPlaces = 1024

    /// The messages of one connection within one epoch.
    public struct Lane: Hashable, Sendable {
        public var epoch: Int64
        public var sender: Sender

        public init(epoch: Int64, sender: Sender) {
            self.epoch = epoch
            self.sender = sender
        }
    }

    /// The epoch of messages that come now.
    public private(set) var epoch: Int64
    private var drain: OutboxLimits.Drain
    private var turns = 0
    private var lastProgram = Int64.min
    private var lastConnection: [Int64: Int64] = [:]

    /// - Parameter epoch: the greatest that a waiting message has, or 0.
    public init(epoch: Int64, drain: OutboxLimits.Drain) {
        self.epoch = max(0, epoch)
        self.drain = drain
    }

    public mutating func change(drain new: OutboxLimits.Drain) { drain = new }

    /// The link has come up.
    ///
    /// - Parameter backlog: whether messages wait.
    public mutating func linkCameUp(backlog: Bool) {
        if drain == .freshFirst, backlog { epoch += 1 }
    }

    /// The lane whose turn it is.
    ///
    /// - Parameter exhausted: lanes that have nothing more to give at present, although rows of theirs are there.
    public mutating func next(
        _ source: some TurnSource, without exhausted: Set<Lane>
    ) throws -> Lane? {
        let isOldTurn = drain == .inOrder || turns % Self.oldShare == Self.oldShare - 1
        if !isOldTurn {
            for fresh in [Self.answers, epoch] {
                if let lane = try lane(in: fresh, source, exhausted) { return took(lane) }
            }
        }
        var last = Int64.min
        while let some = try source.epoch(after: last) {
            if let lane = try lane(in: some, source, exhausted) { return took(lane) }
            last = some
        }
        return nil
    }

    private mutating func took(_ lane: Lane) -> Lane {
        turns &+= 1
        lastProgram = lane.sender.program
        if lastConnection.count >= Self.mostPlaces { lastConnection = [:] }
        lastConnection[lane.sender.program] = lane.sender.connection
        return lane
    }

    private func lane(in epoch: Int64, _ source: some TurnSource, _ exhausted: Set<Lane>) throws -> Lane? {
        try round(from: lastProgram, { try source.program(after: $0, in: epoch) }) { program in
            let place = lastConnection[program] ?? .min
            return try round(from: place, { try source.connection(after: $0, of: program, in: epoch) }) { connection in
                let lane = Lane(epoch: epoch, sender: Sender(program: program, connection: connection))
                return exhausted.contains(lane) ? nil : lane
            }
        }
    }

    /// Tries what comes behind `place`, then from the beginning, until all have been tried once.
    private func round(
        from place: Int64, _ following: (Int64) throws -> Int64?, _ attempt: (Int64) throws -> Lane?
    ) throws -> Lane? {
        var last = place
        while let candidate = try following(last) {
            if let lane = try attempt(candidate) { return lane }
            last = candidate
        }
        last = .min
        while let candidate = try following(last), candidate <= place {
            if let lane = try attempt(candidate) { return lane }
            last = candidate
        }
        return nil
    }
}

/// What waits, as far as ``FairTurns`` has to know.
public protocol TurnSource {
    /// The smallest epoch of a waiting message that is greater.
    func epoch(after epoch: Int64) throws -> Int64?
    /// The smallest program with waiting messages in that epoch that is greater.
    func program(after program: Int64, in epoch: Int64) throws -> Int64?
    /// The smallest connection of that program, with waiting messages in that epoch, that is greater.
    func connection(after connection: Int64, of program: Int64, in epoch: Int64) throws -> Int64?
}
