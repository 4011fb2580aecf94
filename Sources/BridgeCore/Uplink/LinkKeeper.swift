/// Keeps the link up: has the port opened, has attempt after attempt made, and waits between them.
///
/// What happens inside an attempt is the business of ``ModemLink`` and ``MQTTConnection``; when the next one begins, and
/// with which repair, is ``UplinkPolicy``'s decision. Feed it what happened, carry out the effects in order, and set one
/// timer to ``deadline`` after each input.
public struct LinkKeeper: Sendable {
    /// How soon a port that cannot be used is looked at again.
    public static let portRetry = Duration.seconds(1)
    /// How long the line needs to settle after a change of speed.
    public static let speedSettling = Duration.milliseconds(200)
    /// How long the module's reset line is held (a millisecond is enough for the chip; an RC at the pin takes longer).
    public static let resetPulse = Duration.milliseconds(100)

    /// How long the module takes from its reset until it listens. Nobody has published a measurement; drivers wait this long.
    public static let bootTime = Duration.seconds(1)

    /// What is to be done after an input.
    public enum Effect: Equatable, Sendable {
        /// Open the port; ``portOpened(speedChanged:now:)`` or ``portFailed(_:now:)`` follows.
        case openPort
        case closePort
        /// Throw away what stands in the port's buffers.
        case flushPort
        /// Pull the module's reset line, or let it go.
        case holdReset(Bool)
        /// Begin an attempt with this repair.
        case attempt(Repair)
        /// The port cannot be used, and is looked at again.
        case lacksPort(LinkFailure)
        /// An attempt, or the session that came of it, failed on this rung; the next one begins at `next`.
        case backsOff(LinkFailure, at: Rung, next: Moment)
        /// What came to its end for this reason would begin anew now, but five CONNECTs a minute are all there may be: it
        /// begins at `next`.
        case waitsForBudget(after: LinkFailure, next: Moment)
    }

    /// What has been done since the start.
    public struct Counters: Equatable, Sendable {
        public var attempts = 0
        public var connects = 0
        /// CONNACK with another code than 0.
        public var refusals = 0
        /// Attempts by the repair that they began with.
        public var repairs: [Repair: Int] = [:]
        /// How often the port went away.
        public var portLosses = 0

        public init() {}

        /// Attempts that reset the module, one way or another.
        public var resets: Int { repairs.reduce(0) { $1.key >= .reset ? $0 + $1.value : $0 } }
    }

    private enum Phase: Equatable, Sendable {
        case idle
        case openingPort
        case waiting(until: Moment, then: Next)
        case attempting(Repair)
    }

    private enum Next: Equatable, Sendable {
        case openPort
        /// The speed of the line was changed, or the module has booted; what came meanwhile is garbage.
        case settled
        case begin
        case releaseReset
    }

    /// Whether DTR or RTS is wired to the module's reset pin.
    private var hasResetLine: Bool
    private var policy: UplinkPolicy
    private var phase = Phase.idle
    private var isPortOpen = false
    private var repair = Repair.reset
    private var rung = Rung.noPort
    /// What ended the last attempt.
    private var ending = LinkFailure.settingsChanged
    public private(set) var counters = Counters()
    /// The speed that the module was found at, when it was not the configured one.
    public private(set) var bootSpeed: Int?

    /// - Parameters:
    ///   - hasResetLine: whether DTR or RTS is wired to the module's reset pin.
    ///   - mayRefusePlainTCP: whether the server is one that may take only TLS, and hang up on others without a word.
    public init(hasResetLine: Bool = false, mayRefusePlainTCP: Bool = false) {
        self.hasResetLine = hasResetLine
        policy = UplinkPolicy(hasResetLine: hasResetLine, mayRefusePlainTCP: mayRefusePlainTCP)
    }

    /// When ``timerFired(now:)`` wants to be called; nil while an attempt runs.
    public var deadline: Moment? {
        if case .waiting(let until, _) = phase { until } else { nil }
    }

    // MARK: Inputs

    public mutating func started(now: Moment) -> [Effect] { begin(now: now) }

    /// The port is open.
    public mutating func portOpened(speedChanged: Bool, now: Moment) -> [Effect] {
        guard phase == .openingPort else { return [] }
        isPortOpen = true
        rung = .opening
        // Opening has pulled the reset line for a moment.
        let settling = hasResetLine ? Self.bootTime : speedChanged ? Self.speedSettling : .zero
        guard settling > .zero else { return begin(now: now) }
        wait(until: now + settling, then: .settled)
        return []
    }

    /// The port could not be opened, or cannot be used any more.
    public mutating func portFailed(_ failure: LinkFailure, now: Moment) -> [Effect] {
        if isPortOpen { counters.portLosses += 1 }
        isPortOpen = false
        repair = .reset
        rung = .noPort
        ending = failure
        policy.portLost(failure, now: now)
        wait(until: now + Self.portRetry, then: .openPort)
        return [.closePort, .lacksPort(failure)]
    }

    /// An attempt reached a rung of the ladder.
    public mutating func climbed(_ rung: Rung, now: Moment) {
        self.rung = rung
        switch rung {
        case .dialling: policy.joined()
        case .connecting:
            counters.connects += 1
            policy.connecting(now: now)
        case .online: policy.online(now: now)
        default: break
        }
    }

    /// The module was found at another speed than the configured one.
    public mutating func found(at speed: Int) { bootSpeed = speed }

    /// CONNACK took the device in.
    public mutating func accepted(now: Moment) { policy.accepted(now: now) }

    /// The attempt has ended by itself.
    ///
    /// - Parameters:
    ///   - random: 0 to 1, for the jitter.
    ///   - lastHeard: when the server was last heard in this attempt.
    public mutating func failed(
        _ failure: LinkFailure, lastHeard: Moment? = nil, now: Moment, random: Double
    ) -> [Effect] {
        guard case .attempting(let started) = phase else { return [] }
        if case .refused = failure { counters.refusals += 1 }
        if case .portLost = failure { return portFailed(failure, now: now) }
        let verdict = policy.failed(failure, lastHeard: lastHeard, started: started, now: now, random: random)
        repair = verdict.plan.repair
        ending = verdict.failure
        wait(until: verdict.plan.at, then: .begin)
        return [.backsOff(verdict.failure, at: rung, next: verdict.plan.at)]
    }

    /// The attempt was ended, and new settings are in force: the next one begins as soon as it may.
    ///
    /// - Parameters:
    ///   - from: the step from which the new settings can be put into force.
    ///   - keepsPort: whether the port may stay open.
    ///   - hasResetLine: as for the beginning.
    ///   - mayRefusePlainTCP: as for the beginning.
    public mutating func restarted(
        from: Repair = .reset, keepsPort: Bool, hasResetLine: Bool, mayRefusePlainTCP: Bool, now: Moment
    ) -> [Effect] {
        self.hasResetLine = hasResetLine
        if !keepsPort { bootSpeed = nil }
        policy.configure(hasResetLine: hasResetLine, mayRefusePlainTCP: mayRefusePlainTCP)
        policy.restarted(keepsNetwork: from == .dial, now: now)
        repair = from
        ending = .settingsChanged
        wait(until: now, then: .begin)
        guard !keepsPort else { return [] }
        isPortOpen = false
        return [.closePort]
    }

    /// The attempt or the wait was ended; nothing follows until ``restarted(from:keepsPort:hasResetLine:mayRefusePlainTCP:now:)``.
    public mutating func stopped() -> [Effect] {
        defer { phase = .idle }
        if case .waiting(_, then: .releaseReset) = phase { return [.holdReset(false)] }
        return []
    }

    /// The time ``deadline`` said has come.
    public mutating func timerFired(now: Moment) -> [Effect] {
        guard case .waiting(let until, let next) = phase, now >= until else { return [] }
        phase = .idle
        switch next {
        case .openPort: return openPort()
        case .begin: return begin(now: now)
        case .settled: return [.flushPort] + begin(now: now)
        case .releaseReset: return [.holdReset(false)] + attempt()
        }
    }

    // MARK: Steps

    private mutating func begin(now: Moment) -> [Effect] {
        guard isPortOpen else { return openPort() }
        if repair == .reopen, rung != .opening {
            isPortOpen = false
            return [.closePort] + openPort()
        }
        let next = policy.earliest(now: now)
        guard next <= now else {
            wait(until: next, then: .begin)
            return [.waitsForBudget(after: ending, next: next)]
        }
        guard hasResetLine, repair >= .pulse else { return attempt() }
        wait(until: now + Self.resetPulse, then: .releaseReset)
        return [.holdReset(true)]
    }

    private mutating func openPort() -> [Effect] {
        phase = .openingPort
        return [.openPort]
    }

    private mutating func attempt() -> [Effect] {
        counters.attempts += 1
        counters.repairs[repair, default: 0] += 1
        phase = .attempting(repair)
        return [.attempt(repair)]
    }

    private mutating func wait(until moment: Moment, then next: Next) {
        phase = .waiting(until: moment, then: next)
    }
}
