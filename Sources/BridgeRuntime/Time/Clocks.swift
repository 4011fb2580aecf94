import BridgeCore
import Glibc
import NIOCore

/// A point on the wall clock, in milliseconds since 1970, UTC.
///
/// For what people read and for what has to mean the same after a restart (ages in the outbox);
/// everything else counts in ``Moment``.
public struct WallTime: Comparable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Whether the clock shows 2025 or later; a board without a battery begins in 1970.
    public var isPlausible: Bool { milliseconds >= 1_735_689_600_000 }

    public static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }

    static func + (time: WallTime, duration: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds + duration.inMilliseconds)
    }

    /// RFC 3339, UTC, with milliseconds.
    public var text: String {
        RFC3339.string(seconds: milliseconds / 1000, milliseconds: Int(milliseconds % 1000))
    }
}

extension Moment {
    /// The event loops' clock: CLOCK_MONOTONIC.
    static var now: Moment { Moment(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    /// The same point for an event loop's timer.
    var deadline: NIODeadline { .uptimeNanoseconds(UInt64(max(0, nanoseconds))) }
}
