/// Keeps the rate of publishes below what the platform takes; what is more it would drop without a word.
///
/// "Limits" of the IoT Platform: upstream 30 messages a second at QoS 0 and 10 at QoS 1 for one device. The span is a tenth
/// longer than a second, because the network may bring close together what was sent apart.
public struct PublishPace: Sendable {
    /// Most messages in ``span`` at each QoS.
    public struct Limits: Equatable, Sendable {
        public var atMostOnce: Int
        public var atLeastOnce: Int

        public init(atMostOnce: Int, atLeastOnce: Int) {
            self.atMostOnce = atMostOnce
            self.atLeastOnce = atLeastOnce
        }

        public static let platform = Limits(atMostOnce: 30, atLeastOnce: 10)
    }

    public static let span = Duration.milliseconds(1100)

    private let limits: Limits
    private var sent: [QoS: [Moment]] = [:]

    public init(_ limits: Limits) { self.limits = limits }

    /// Nil when a message may go now, which is noted; else from when on.
    public mutating func wait(_ qos: QoS, now: Moment) -> Moment? {
        var times = sent[qos] ?? []
        times.removeAll { $0 + Self.span <= now }
        defer { sent[qos] = times }
        let limit = qos == .atMostOnce ? limits.atMostOnce : limits.atLeastOnce
        if times.count >= limit, let first = times.first { return first + Self.span }
        times.append(now)
        return nil
    }
}
