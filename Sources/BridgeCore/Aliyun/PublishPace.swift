/// Keeps the rate of publishes below what the platform takes; what is more it would drop without a word, after PUBACK.
///
/// "Limits" of the IoT Platform: upstream 30 messages a second at QoS 0 and 10 at QoS 1 for one device. The platform counts
/// arrivals, and a stalled network delivers at once what was sent over seconds. So a message of QoS 1 counts from its
/// sending until ``span`` after its PUBACK: of those that arrive within any second, all but the last sent were not
/// acknowledged, or not for longer than a second, when that one was sent. QoS 0 has no PUBACK and counts from its sending.
/// The span is a tenth longer than a second.
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
    /// Of QoS 0: when each was sent.
    private var sent: [Moment] = []
    /// Of QoS 1: those without PUBACK, and when PUBACK came for the others.
    private var unacknowledged: Set<Int64> = []
    private var acknowledged: [Moment] = []

    public init(_ limits: Limits) { self.limits = limits }

    /// Nil when a message may go now, which is noted; else when to ask again.
    public mutating func wait(_ qos: QoS, for sequence: Int64, now: Moment) -> Moment? {
        guard qos != .atMostOnce else {
            sent.removeAll { $0 + Self.span <= now }
            guard sent.count < limits.atMostOnce else { return sent[0] + Self.span }
            sent.append(now)
            return nil
        }
        acknowledged.removeAll { $0 + Self.span <= now }
        guard unacknowledged.count + acknowledged.count < limits.atLeastOnce else {
            return (acknowledged.first ?? now) + Self.span
        }
        unacknowledged.insert(sequence)
        return nil
    }

    /// PUBACK came for the message, or it was given up.
    public mutating func left(_ sequence: Int64, now: Moment) {
        guard unacknowledged.remove(sequence) != nil else { return }
        acknowledged.append(now)
    }
}
