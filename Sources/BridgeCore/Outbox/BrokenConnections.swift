/// Connections that broke a short while ago, on which a program may not have read that its message was taken.
///
/// Such a program connects again and sends the message again, with the same Alink id. For ``memory`` the second one is
/// known by program, id and content, and gets the receipt of the first. Only a message whose answer may be unread counts: what
/// a program says again although it knows of the first one is meant.
public struct BrokenConnections: Sendable {
    /// How long after the end of a connection a message of it counts as repeated.
    public static let memory = Duration.seconds(60)
    /// Most connections that are remembered; of more, the oldest are forgotten.
    static let most = 4096

    /// The messages that may come a second time.
    public struct Suspects: Equatable, Sendable {
        /// By connection: the last message whose answer its program has read for certain; 0 when there is none.
        let connections: [Int64: Int64]
        let crash: Crash?
        /// No message up to this one may come a second time.
        public let settled: Int64

        /// The daemon itself did not end in order.
        public struct Crash: Equatable, Sendable {
            /// All connections up to this one are suspected…
            public var connection: Int64
            /// …for the messages after this one.
            public var settled: Int64

            public init(connection: Int64, settled: Int64) {
                self.connection = connection
                self.settled = settled
            }
        }

        init(connections: [Int64: Int64], crash: Crash?) {
            self.connections = connections
            self.crash = crash
            settled = min(crash?.settled ?? .max, connections.values.min() ?? .max)
        }

        /// Whether a message of a connection may come a second time.
        public func contains(_ message: Int64, of connection: Int64) -> Bool {
            guard connection != 0 else { return false }
            if let crash, connection <= crash.connection { return message > crash.settled }
            return connections[connection].map { message > $0 } ?? false
        }
    }

    private var ends: [Int64: (at: Moment, settled: Int64)] = [:]
    private var crash: (what: Suspects.Crash, until: Moment)?
    /// What ``suspects(now:)`` says while nothing changes: each waiting message holds it.
    private var known: Suspects?
    /// When the next one is to be forgotten.
    private var earliest: Moment?

    public init() {}

    /// The daemon starts, and did not end in order before: nobody knows which answers were read.
    public mutating func started(after crash: Suspects.Crash, now: Moment) {
        self.crash = (crash, now + Self.memory)
        changed()
    }

    /// A connection ended, and its program did not read all answers.
    ///
    /// - Parameter settled: the last message whose answer it has read for certain; 0: none.
    public mutating func broke(_ connection: Int64, settled: Int64, now: Moment) {
        forget(now: now)
        if ends.count >= Self.most, let oldest = ends.min(by: { $0.value.at < $1.value.at }) { ends[oldest.key] = nil }
        ends[connection] = (now, settled)
        changed()
    }

    /// Nil when there is none, which is the usual case.
    public mutating func suspects(now: Moment) -> Suspects? {
        forget(now: now)
        if known == nil, !ends.isEmpty || crash != nil {
            known = Suspects(connections: ends.mapValues(\.settled), crash: crash?.what)
        }
        return known
    }

    private mutating func changed() {
        known = nil
        earliest = [ends.values.map { $0.at + Self.memory }.min(), crash?.until].compactMap { $0 }.min()
    }

    private mutating func forget(now: Moment) {
        guard let earliest, now >= earliest else { return }
        if let crash, now >= crash.until { self.crash = nil }
        ends = ends.filter { now - $0.value.at < Self.memory }
        changed()
    }
}
