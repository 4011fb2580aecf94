import BridgeCore

/// Whether it pays to look for the result of a write again and again until it is there, instead of sleeping and being woken.
///
/// A medium that syncs in a tenth of a millisecond is done before a thread that sleeps, and the processor with it, could be awake
/// again. One that takes its time, as most flash cards do, is left to its event.
struct CompletionPolling: Sendable {
    /// In nanoseconds: writes that usually take longer are not waited for in this way.
    static let worthwhile: Int64 = 250_000
    /// In microseconds: as long is looked for a result, while the event loop does nothing else.
    static let patience: UInt32 = 300
    /// In nanoseconds: a write that takes longer counts as that, lest a single one decides for the next hundred.
    private static let mostCounted = 4 * worthwhile
    /// In nanoseconds: who yields the processor to a program that computes has it back after some milliseconds; who sleeps would
    /// have been let in at once. So nothing is polled for so long after that.
    private static let pause: Int64 = 100_000_000

    /// In nanoseconds: what writes took of late until their results were seen, each counting for an eighth.
    private var usual = mostCounted
    private var pauseEnds = Moment.zero

    func isWorthwhile(now: Moment) -> Bool { usual <= Self.worthwhile && now >= pauseEnds }

    /// A write has ended, and its result was seen.
    mutating func ended(began: Moment, seen: Moment) {
        usual += (min(seen.nanoseconds - began.nanoseconds, Self.mostCounted) - usual) / 8
    }

    /// A result was looked for.
    mutating func polled(began: Moment, ended: Moment) {
        let isDelayed = ended.nanoseconds - began.nanoseconds > 2 * 1000 * Int64(Self.patience)
        if isDelayed { pauseEnds = Moment(nanoseconds: ended.nanoseconds + Self.pause) }
    }
}
