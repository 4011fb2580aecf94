/// Keeps account of when the bytes that were sent are on the wire.
///
/// A byte takes ten bit times (8N1). The kernel takes them faster than that, and `+++` has to wait
/// for the wire.
struct Wire: Sendable {
    /// Bits a second.
    let baud: Int
    /// When the last byte sent has left the serial port.
    private(set) var idleFrom = Moment.zero

    init(baud: Int) {
        self.baud = max(baud, 1)
    }

    mutating func took(_ count: Int, now: Moment) {
        let bits = 10 * min(Int64(clamping: count), 1 << 24)
        let ready = max(idleFrom, now) + .nanoseconds(bits * 1_000_000_000 / Int64(baud))
        // Past an hour the figure says nothing more than "not soon".
        idleFrom = min(ready, now + .seconds(3600))
    }

    /// How long the bytes sent so far will still take.
    func drain(now: Moment) -> Duration { max(idleFrom - now, .zero) }
}
