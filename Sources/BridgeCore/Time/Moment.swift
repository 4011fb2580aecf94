/// A point on a monotonic time line, in nanoseconds since an arbitrary start.
///
/// Decisions in this target never read a clock: whoever calls them says what time it is. The
/// daemon counts on `CLOCK_MONOTONIC`; tests make hours pass by adding to a number.
public struct Moment: Comparable, Hashable, Sendable {
    /// Nanoseconds since the start of the time line.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The start of the time line.
    public static let zero = Moment(nanoseconds: 0)

    public static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds + duration.inNanoseconds)
    }

    public static func - (moment: Moment, duration: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds - duration.inNanoseconds)
    }

    /// The time from `earlier` to `later`; negative when they stand the other way round.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    /// The whole duration in nanoseconds (an `Int64` holds 292 years of them).
    public var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The whole duration in milliseconds, rounded towards zero.
    public var inMilliseconds: Int64 { inNanoseconds / 1_000_000 }

    /// The whole duration in seconds, with the fraction.
    public var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}
