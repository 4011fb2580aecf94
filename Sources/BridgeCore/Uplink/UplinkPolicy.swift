/// When the next attempt begins, and at which step: the memory that outlives attempts.
///
/// An attempt is never repaired, only replaced. After each one this policy says how long to wait
/// (``LinkFailure/patience``) and picks the cheapest repair that has not just failed to help
/// (``LinkFailure/repair``): dial again, join again, reset, reopen the port.
public struct UplinkPolicy: Sendable {
    /// A session this long was useful: waiting and repairs begin anew after it.
    public static let usefulSession = Duration.seconds(60)

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

    /// Failures in a row, without a useful session between.
    public var failures: Int { backOff.failures }
    private var backOff = BackOff()
    private var budget = ConnectBudget()
    /// The weakest repair still believed in; rises when an attempt that used it got no further.
    private var floor = Repair.dial
    private var onlineSince: Moment?

    public init() {}

    /// A CONNECT is going out.
    public mutating func connecting(now: Moment) {
        budget.spend(now: now)
    }

    /// The link reached `online`.
    public mutating func online(now: Moment) {
        onlineSince = now
        floor = .dial
    }

    /// An attempt that began with `started` has ended.
    ///
    /// - Parameter random: 0 to 1, for the jitter.
    public mutating func failed(_ failure: LinkFailure, started: Repair, now: Moment, random: Double) -> Plan {
        let wasOnline = onlineSince != nil
        if let since = onlineSince, now - since >= Self.usefulSession {
            backOff.reset()
        }
        onlineSince = nil

        let wait: Duration
        switch failure.patience {
        case .atOnce where backOff.failures == 0:
            _ = backOff.failed(random: random)
            wait = .zero
        case .atOnce, .backOff:
            wait = backOff.failed(random: random)
        case .needsPerson:
            wait = backOff.failedForGood(random: random)
        }

        // A repair that did not bring the link up is not tried a second time in a row; one that
        // did is the first choice again.
        if !wasOnline, failure.repair <= started, started < .reset, failure.patience != .needsPerson {
            floor = max(floor, started.stronger)
        }
        let repair = max(failure.repair, floor)
        return Plan(at: max(now + wait, budget.earliest(now: now)), repair: repair)
    }

    /// The configuration changed or a person asked: the next attempt may begin as soon as the
    /// connection budget allows.
    public mutating func restarted(now: Moment) -> Plan {
        backOff.reset()
        floor = .dial
        onlineSince = nil
        return Plan(at: budget.earliest(now: now), repair: .reset)
    }
}
