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

    var firmware: String?
    var address: String?
    var mac: String?
    var signal: Int?
    var pingRoundTrip: Duration?
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
        }
        return true
    }

    /// The attempt failed on the present rung; the next one begins at `nextAttempt`.
    mutating func failed(_ failure: LinkFailure, nextAttempt: WallTime) {
        if state.isStep { failedRung = state }
        self.failure = failure
        self.nextAttempt = nextAttempt
        enter(.backoff)
    }

    /// There is no port to work on.
    mutating func lacksPort(_ failure: LinkFailure) {
        self.failure = failure
        failedRung = .opening
        nextAttempt = nil
        if state != .noPort { enter(.noPort) }
        address = nil
    }

    /// Whether the last look at the port found none that can be used.
    var waitsForPort: Bool { state == .noPort && failure != nil }

    private mutating func enter(_ rung: Rung) {
        state = rung
        since = .now
    }

    /// The ladder in one line, for `systemctl status`.
    func line(waiting: Int64) -> String {
        let queue = waiting == 0 ? "" : " (\(waiting) waiting)"
        switch state {
        case .online: return "online since \(since.text)\(queue)"
        case .backoff:
            let rung = failedRung.map { " at \($0.rawValue)" } ?? ""
            let reason = failure.map { ": \($0)" } ?? ""
            let next = nextAttempt.map { "; next attempt \($0.text)" } ?? ""
            return "backoff\(rung)\(reason)\(next)\(queue)"
        case .noPort: return "no-port" + (failure.map { ": \($0)" } ?? "") + queue
        default: return state.rawValue + (failure.map { "; last failure: \($0)" } ?? "") + queue
        }
    }
}
