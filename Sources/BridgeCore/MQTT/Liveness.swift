/// Whether the other side lives: keep-alive, PINGREQ and PINGRESP, in terms of a slow line.
///
/// A PINGREQ goes out when nothing was sent for the keep-alive interval less a margin, so that the server
/// hears something within the interval [MQTT-3.1.2-23], and when nothing was received for as long.
struct Liveness: Sendable {
    enum Verdict: Equatable {
        case nothing
        case ping
        case dead
    }

    /// When the last byte handed over will have left the line.
    private(set) var lineFree = Moment.zero
    private let interval: Duration?
    private let pingTimeout: Duration
    private let bytesPerSecond: Int
    private var lastSent = Moment.zero
    private var lastReceived = Moment.zero
    /// When the PINGREQs in flight were sent, and when the first of them is due to be answered.
    private var pings: [(sent: Moment, due: Moment)] = []

    /// - Parameters:
    ///   - keepAlive: 0 switches the pings off.
    ///   - bytesPerSecond: what the line carries.
    init(keepAlive: Duration, pingTimeout: Duration, bytesPerSecond: Int) {
        let margin = max(.seconds(2), keepAlive / 20)
        interval = keepAlive == .zero ? nil : max(keepAlive - margin, keepAlive / 2)
        self.pingTimeout = pingTimeout
        self.bytesPerSecond = bytesPerSecond
    }

    var deadline: Moment? {
        if let first = pings.first { return first.due }
        return interval.map { min(lastSent, lastReceived) + $0 }
    }

    mutating func sent(bytes: Int, isPing: Bool, now: Moment) {
        lastSent = now
        lineFree = max(now, lineFree) + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(bytesPerSecond))
        if isPing { pings.append((now, lineFree + pingTimeout)) }
    }

    mutating func received(now: Moment) { lastReceived = now }

    /// PINGRESP: the round trip, when a ping was on its way.
    mutating func pingAnswered(now: Moment) -> Duration? {
        guard !pings.isEmpty else { return nil }
        return now - pings.removeFirst().sent
    }

    mutating func timerFired(now: Moment) -> Verdict {
        if let first = pings.first { return first.due <= now ? .dead : .nothing }
        guard let deadline, deadline <= now else { return .nothing }
        return .ping
    }
}
