import BridgeCore

/// Where the link stands, for `status`, `STATUS=` and the journal.
struct LinkSituation {
    /// The word of the ladder.
    private(set) var state = Rung.noPort
    /// Since when, wall clock.
    private(set) var since = WallTime.now
    /// Why the link is not online; nil while the first attempt has not failed.
    private(set) var failure: LinkFailure?
    /// The rung that failed.
    private(set) var failedRung: Rung?
    /// When the next attempt begins, while backing off.
    private(set) var nextAttempt: WallTime?
    /// Since when there has been no service; nil while online.
    private(set) var offlineSince: WallTime? = .now
    /// Since when ``failure`` has been the reason.
    private(set) var failingSince: WallTime?
    /// Attempts that failed since ``offlineSince``.
    private(set) var failedAttempts = 0

    var firmware: String?
    var address: String?
    var mac: String?
    var signal: Int?
    var pingRoundTrip: Duration?
    /// The TLS session that stands.
    var secured: SecuredSession?
    /// From CONNECT to CONNACK.
    var signInRoundTrip: Duration?
    /// From a command whose answer takes the modem no time to that answer.
    var commandRoundTrip: Duration?
    /// The speed that the modem was found at, when it was not the configured one.
    var bootSpeed: Int?

    var counters = LinkKeeper.Counters()
    var bytesSent = 0
    var bytesReceived = 0

    /// A rung was reached; says whether that is news.
    mutating func climbed(_ rung: Rung) -> Bool {
        guard rung != state else { return false }
        enter(rung)
        nextAttempt = nil
        if rung == .online {
            failure = nil
            failedRung = nil
            offlineSince = nil
            failingSince = nil
            failedAttempts = 0
        }
        return true
    }

    /// The attempt failed on the present rung; the next one begins at `nextAttempt`.
    mutating func failed(_ failure: LinkFailure, nextAttempt: WallTime) {
        note(failure, at: state.isStep ? state : failedRung)
        failedAttempts += 1
        self.nextAttempt = nextAttempt
        enter(.backoff)
    }

    /// The next attempt may not begin before `nextAttempt`, after what ended the last one.
    mutating func waits(after failure: LinkFailure, nextAttempt: WallTime) {
        note(failure, at: failure == .settingsChanged ? nil : failedRung)
        self.nextAttempt = nextAttempt
        enter(.backoff)
    }

    /// There is no port to work on.
    mutating func lacksPort(_ failure: LinkFailure) {
        if case .portMissing = failure { note(failure, at: .noPort) } else { note(failure, at: .opening) }
        nextAttempt = nil
        if state != .noPort { enter(.noPort) }
        address = nil
    }

    /// Whether the last look at the port found none that can be used.
    var waitsForPort: Bool { state == .noPort && failure != nil }

    private mutating func note(_ failure: LinkFailure, at rung: Rung?) {
        if offlineSince == nil { offlineSince = .now }
        if self.failure?.word != failure.word || failedRung != rung { failingSince = .now }
        self.failure = failure
        failedRung = rung
    }

    private mutating func enter(_ rung: Rung) {
        state = rung
        since = .now
    }
}
