/// Connections that broke a short while ago, on which a program may not have read that its message was taken.
///
/// Such a program connects again and sends the message again, with the same Alink id. For ``memory`` the second one is
/// known by program, id and content, and gets the receipt of the first.
public struct BrokenConnections: Sendable {
    /// How long after the end of a connection a message of it counts as repeated.
    public static let memory = Duration.seconds(60)
    /// Most connections that are remembered; of more, the oldest are forgotten.
    static let most = 4096

    /// The connections whose messages may come a second time.
    public struct Suspects: Equatable, Sendable {
        var connections: Set<Int64>
        /// All connections up to this one: the daemon itself did not end in order.
        var through: Int64

        public func contains(_ connection: Int64) -> Bool {
            connection != 0 && (connection <= through || connections.contains(connection))
        }
    }

    private var ends: [Int64: Moment] = [:]
    private var crash: (through: Int64, until: Moment)?

    public init() {}

    /// The daemon starts, and did not end in order before: nobody knows which answers were read.
    ///
    /// - Parameter through: the last connection that the process before could have had.
    public mutating func startedAfterCrash(through: Int64, now: Moment) {
        crash = (through, now + Self.memory)
    }

    /// A connection ended, and its program did not read all answers.
    public mutating func broke(_ connection: Int64, now: Moment) {
        forget(now: now)
        if ends.count >= Self.most, let oldest = ends.min(by: { $0.value < $1.value }) { ends[oldest.key] = nil }
        ends[connection] = now
    }

    /// Nil when there is none, which is the usual case.
    public mutating func suspects(now: Moment) -> Suspects? {
        forget(now: now)
        guard !ends.isEmpty || crash != nil else { return nil }
        return Suspects(connections: Set(ends.keys), through: crash?.through ?? 0)
    }

    private mutating func forget(now: Moment) {
        if let crash, now >= crash.until { self.crash = nil }
        if !ends.isEmpty { ends = ends.filter { now - $0.value < Self.memory } }
    }
}
