/// `AT+RST`, the noise of the boot, and `ready`.
struct Resetter: Sendable {
    enum Effect: Equatable {
        case say(ATCommand)
        case ready
        case failed(LinkFailure)
    }

    /// No measurement of the boot is published; drivers allow 1 to 10 s.
    private static let bootLimit = Duration.seconds(10)
    /// The first characters after `ready` may be lost.
    private static let settling = Duration.milliseconds(150)

    private enum Phase {
        case booting
        /// `ready` did not come: perhaps it was lost in the noise. AT tells.
        case probing
        case settling
    }

    private var phase = Phase.booting
    private(set) var deadline: Moment

    init(now: Moment) { deadline = now + Self.bootLimit }

    static let command = ATCommand("AT+RST")

    mutating func received(_ line: String, now: Moment) -> [Effect] {
        switch (phase, ATReply(line: line)) {
        case (.booting, .ready), (.probing, .ready), (.probing, .ok):
            phase = .settling
            deadline = now + Self.settling
        default: break
        }
        return []
    }

    mutating func timerFired(now: Moment) -> [Effect] {
        guard deadline <= now else { return [] }
        switch phase {
        case .booting:
            phase = .probing
            deadline = now + .seconds(1)
            return [.say(ATCommand("AT"))]
        case .probing: return [.failed(.noReady)]
        case .settling: return [.ready]
        }
    }
}
