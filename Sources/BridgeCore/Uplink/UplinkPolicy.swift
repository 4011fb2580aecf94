/// When the next attempt begins, and at which step: the memory that outlives attempts.
///
/// An attempt is never repaired, only replaced. After each one this policy says how long to wait
/// (``LinkFailure/patience``) and picks the cheapest repair that has not just failed to help
/// (``LinkFailure/repair``): dial again, join again, reset, pull the reset pin, reopen the port.
public struct UplinkPolicy: Sendable {
    /// A session this long was useful: waiting and repairs begin anew after it. Where the radio breaks every half minute,
    /// messages flow in between; how often CONNECT may go out is the budget's business.
    public static let usefulSession = Duration.seconds(15)

    /// What to do after an attempt has ended.
    public struct Plan: Equatable, Sendable {
        /// When the next attempt begins.
        public var at: Moment
        /// Where it begins.
        public var repair: Repair

        public init(at: Moment, repair: Repair) {
            self.at = at
            self.repair = repair
        }
    }

    /// What an attempt's end means.
    public struct Verdict: Equatable, Sendable {
        /// The cause, which may be seen only from several attempts in a row.
        public var failure: LinkFailure
        public var plan: Plan
    }

    /// Failures in a row, without a useful session between.
    public var failures: Int { backOff.failures }
    private var backOff = BackOff()
    private var budget = ConnectBudget()
    /// The weakest repair still believed in; rises when an attempt that used it got no further.
    private var floor = Repair.dial
    private var onlineSince: Moment?
    /// Whether the access point has taken these very settings, and not refused them since.
    private var hasJoined = false
    private var hasResetLine: Bool
    private var record: SessionRecord

    /// - Parameters:
    ///   - hasResetLine: whether there is a ``Repair/pulse``.
    ///   - mayRefusePlainTCP: whether the server may take only TLS, and hang up on others without a word.
    public init(hasResetLine: Bool = false, mayRefusePlainTCP: Bool = false) {
        self.hasResetLine = hasResetLine
        record = SessionRecord(mayRefusePlainTCP: mayRefusePlainTCP)
    }

    /// New settings are in force: what the sessions under the old ones have shown is forgotten, the budget is not.
    mutating func configure(hasResetLine: Bool, mayRefusePlainTCP: Bool) {
        self.hasResetLine = hasResetLine
        record = SessionRecord(mayRefusePlainTCP: mayRefusePlainTCP)
    }

    /// The access point has taken the module in, and given it an address.
    mutating func joined() { hasJoined = true }

    /// A CONNECT is going out.
    public mutating func connecting(now: Moment) {
        budget.spend(now: now)
    }

    /// CONNACK took the device in.
    public mutating func accepted(now: Moment) {
        budget.answered(now: now)
        record.accepted(now: now)
    }

    /// The port has gone away, in the middle of an attempt or a session, or cannot be opened.
    mutating func portLost(_ failure: LinkFailure, now: Moment) {
        budget.answered(now: now)
        _ = record.ended(failure, lastHeard: nil, now: now)
        sessionEnded(now: now)
    }

    /// When an attempt may begin at the earliest, whatever the last one came to; `now` when that is at once.
    func earliest(now: Moment) -> Moment { budget.earliest(now: now) }

    private mutating func sessionEnded(now: Moment) {
        if let since = onlineSince, now - since >= Self.usefulSession { backOff.reset() }
        onlineSince = nil
    }

    /// The link reached `online`.
    public mutating func online(now: Moment) {
        onlineSince = now
        floor = .dial
        record.online()
    }

    /// An attempt that began with `started` has ended.
    ///
    /// - Parameter random: 0 to 1, for the jitter.
    public mutating func failed(
        _ failure: LinkFailure, lastHeard: Moment? = nil, started: Repair, now: Moment, random: Double
    ) -> Verdict {
        budget.answered(now: now)
        let failure = doubted(record.ended(failure, lastHeard: lastHeard, now: now))
        let wasOnline = onlineSince != nil
        sessionEnded(now: now)

        let wait: Duration
        switch failure.patience {
        case .atOnce where backOff.failures == 0:
            _ = backOff.failed(random: random)
            wait = .zero
        case .atOnce, .backOff:
            wait = backOff.failed(random: random)
        case .aMinute:
            wait = BackOff.aMinute(random: random)
        case .needsPerson:
            wait = backOff.failedForGood(random: random)
        }

        // A repair that did not bring the link up is not tried a second time in a row; one that
        // did is the first choice again.
        if !wasOnline, failure.repair <= started, failure.patience.doubtsModem, started < failure.strongestRepair {
            floor = max(floor, started.stronger(hasResetLine: hasResetLine))
        }
        let repair = max(failure.repair, floor)
        return Verdict(failure: failure, plan: Plan(at: max(now + wait, budget.earliest(now: now)), repair: repair))
    }

    /// A password that has joined is not wrong because it is refused once: an access point that starts, or a handshake
    /// over a bad radio, gives the same code.
    private mutating func doubted(_ failure: LinkFailure) -> LinkFailure {
        guard case .wrongPassword(let ssid) = failure, hasJoined else { return failure }
        hasJoined = false
        return .joinFailed(ssid: ssid, code: 2)
    }

    /// The attempt was ended for new settings: the next one may begin as soon as the connection budget allows.
    mutating func restarted(keepsNetwork: Bool, now: Moment) {
        hasJoined = hasJoined && keepsNetwork
        budget.answered(now: now)
        backOff.reset()
        floor = .dial
        onlineSince = nil
    }
}

extension Patience {
    /// Whether a stronger repair of the modem may help.
    fileprivate var doubtsModem: Bool { self == .atOnce || self == .backOff }
}
