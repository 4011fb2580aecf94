/// How long the server takes to answer, learned from its answers as TCP learns it (RFC 6298).
///
/// What was sent twice teaches nothing, because the answer may be to the first (Karn). On the way lies the module's TCP,
/// which sends a lost segment again after about 1, 3 and 7 s and then gives the connection up: an answer that late is
/// still an answer, so nothing is given up sooner than that, and nothing is believed lost because it is a few round
/// trips late; it is only looked after (``MQTTConnection/Effect/verify``).
public struct RoundTrip: Equatable, Sendable {
    /// The module's last retransmission comes so long after the first sending.
    public static let lastRetransmission = Duration.seconds(7)

    /// The smoothed round trip; nil before the first answer.
    public private(set) var smoothed: Duration?
    private var variation = Duration.zero

    public init() {}

    mutating func sampled(_ time: Duration) {
        guard let before = smoothed else {
            smoothed = time
            variation = time / 2
            return
        }
        let difference = time > before ? time - before : before - time
        variation = variation * 3 / 4 + difference / 4
        smoothed = before * 7 / 8 + time / 8
    }

    /// No network is believed to be slower than this.
    public static let slowest = Duration.seconds(20)

    /// Within this nearly every answer comes that was not held up by a loss; zero before the first answer.
    public var expected: Duration { min((smoothed ?? .zero) + variation * 4, Self.slowest) }

    /// When nothing comes any more: the limit, or the last retransmission and its answer, whichever is later.
    public func patience(_ limit: Duration) -> Duration { max(limit, Self.lastRetransmission + expected) }
}
