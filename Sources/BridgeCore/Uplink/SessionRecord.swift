/// What several attempts in a row show that a single one does not.
struct SessionRecord: Equatable, Sendable {
    /// So many short sessions in a row are no accident.
    static let shortSessionsForAKick = 5
    /// A session is short when it ended within this, and
    static let shortSession = Duration.seconds(60)
    /// when the server was not heard any more so long after it had accepted it.
    static let shortLife = Duration.seconds(10)
    /// So many connections without CONNACK in a row, when there never was one.
    static let silentSignIns = 3

    /// Whether the server is one that may take only TLS.
    let mayRefusePlainTCP: Bool
    private var acceptedAt: Moment?
    private var isOnline = false
    private var wasEverAccepted = false
    private var shortSessions = 0
    private var unanswered = 0

    init(mayRefusePlainTCP: Bool) { self.mayRefusePlainTCP = mayRefusePlainTCP }

    mutating func accepted(now: Moment) {
        acceptedAt = now
        isOnline = false
        wasEverAccepted = true
        unanswered = 0
    }

    mutating func online() { isOnline = true }

    /// An attempt has ended; the cause as all of them together show it.
    ///
    /// A second login with the same device makes the platform close the first one's connection; when both come back by
    /// themselves this never ends. The module makes the closed connection anew without a word, so what is seen is a session
    /// that was accepted and falls silent within seconds, again and again. A lost radio looks the same for a while, but
    /// not so many times in a row without anything else. A message that breaks sessions does so at most twice before it has
    /// to wait until the session has lived longer (``PoisonWatch``). A session that never came online is no sign either way: a
    /// server may leave a subscription that it does not permit without an answer.
    mutating func ended(_ failure: LinkFailure, lastHeard: Moment?, now: Moment) -> LinkFailure {
        defer { acceptedAt = nil }
        if let acceptedAt {
            guard isOnline || !failure.isSilence else { return failure }
            let isShort =
                failure.isSilence && now - acceptedAt < Self.shortSession
                && (lastHeard ?? acceptedAt) - acceptedAt < Self.shortLife
            shortSessions = isShort ? shortSessions + 1 : 0
            return shortSessions >= Self.shortSessionsForAKick ? .deviceUsedElsewhere(sessions: shortSessions) : failure
        }
        switch failure {
        case .noConnectAcknowledgement, .closedWhileDialling:
            unanswered += 1
            let isRefused = mayRefusePlainTCP && !wasEverAccepted && unanswered >= Self.silentSignIns
            return isRefused ? .plainTCPRefused : failure
        default:
            shortSessions = 0
            return failure
        }
    }
}

extension LinkFailure {
    /// Whether the session ended because the server was heard no more.
    fileprivate var isSilence: Bool {
        switch self {
        case .connectionReplaced, .connectionSilent, .connectionClosed, .pingTimedOut, .publishTimedOut,
            .noSubscribeAcknowledgement, .tls(.closedByServer):
            true
        default: false
        }
    }
}
