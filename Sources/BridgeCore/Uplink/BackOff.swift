/// Exponential waiting with jitter: 2 s, doubled after each failure up to 120 s, each ±50 %.
///
/// The jitter keeps many gateways that lost the same access point from coming back in step. The
/// upper end is what the platform's own SDKs use (Link SDK C 4.2: 2 s times the failures, capped
/// at about 122 s).
public struct BackOff: Equatable, Sendable {
    /// The wait after the first failure, before jitter.
    public static let first = Duration.seconds(2)
    /// The longest wait, before jitter.
    public static let longest = Duration.seconds(120)

    /// Failures since the last reset.
    public private(set) var failures = 0

    public init() {}

    /// The wait after one more failure.
    ///
    /// - Parameter random: 0 to 1; 0.5 gives the wait without jitter.
    public mutating func failed(random: Double) -> Duration {
        failures += 1
        let doublings = min(failures - 1, 16)
        let plain = min(Self.first * (1 << doublings), Self.longest)
        return Self.jittered(plain, random: random)
    }

    /// The longest wait at once, for what only a person can change; it counts as a failure.
    public mutating func failedForGood(random: Double) -> Duration {
        failures += 1
        return Self.jittered(Self.longest, random: random)
    }

    /// About a minute, for what mends itself without anything on the way being to blame; it does not count as a failure.
    static func aMinute(random: Double) -> Duration { jittered(.seconds(60), random: random) }

    /// Begins anew, after a session that was useful.
    public mutating func reset() {
        failures = 0
    }

    private static func jittered(_ plain: Duration, random: Double) -> Duration {
        plain * (0.5 + min(max(random, 0), 1))
    }
}
