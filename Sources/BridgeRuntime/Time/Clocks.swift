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

    public var isPlausible: Bool { calendar.isPlausible }

    var calendar: CalendarTime { CalendarTime(seconds: milliseconds / 1000) }

    /// When something was, for what has an age: milliseconds since 1970, or the far future while the clock is not set. What is
    /// stamped so has no age, or the first answer of NTP would make it fifty years old.
    public var stamp: Int64 { isPlausible ? milliseconds : .max }

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
