/// Keeps account of when the bytes of the tunnel are on the wire.
///
/// A byte takes ten bit times (8N1). The kernel takes them faster than that.
struct Tunnel: Sendable {
    /// Bits a second.
    let baud: Int
    /// When the last byte written has left the serial port.
    private(set) var idleFrom = Moment.zero

    init(baud: Int) {
        self.baud = max(baud, 1)
    }

    mutating func wrote(_ count: Int, now: Moment) {
        let bits = Int64(clamping: count).multipliedReportingOverflow(by: 10_000_000_000)
        let time = bits.overflow ? Int64.max / 4 : bits.partialValue / Int64(baud)
        idleFrom = max(idleFrom, now) + .nanoseconds(min(time, Int64.max / 4))
    }

    /// How long the bytes written so far will still take.
    func drain(now: Moment) -> Duration { max(idleFrom - now, .zero) }
}
