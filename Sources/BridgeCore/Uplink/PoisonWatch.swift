/// Finds the message that breaks the link: the one that was first in flight each time it broke.
///
/// A broker closes the connection upon a message that it cannot stand (a topic that is not permitted, a payload too
/// long); with the next session that message is first again, and everything behind it would wait for ever.
///
/// It counts only what a message can bring about: a session that was online and then fell silent, or was ended by its
/// peer. That alone proves little, because a radio that breaks and another client with the same device look the same. So a
/// message that was first twice is only a suspect. For its last chance it goes alone, in a session that has been on
/// probation (``MQTTConnection``): a session that breaks before that acquits it. It is set aside when the link breaks after
/// the whole message has left, or as soon as it has begun to leave. A break on the way of a long message shows nothing,
/// unless it comes each time.
public struct PoisonWatch: Sendable {
    /// So many times in a row a message may be first in flight when the link breaks, the last time alone.
    public static let limit = 3
    /// A server that cannot stand the beginning of a message has hung up within this, and that has been noticed.
    public static let soon = Duration.seconds(3)
    /// So many times in a row the link may break on the way of a suspect.
    public static let mostInterruptions = 10

    private var first: (message: Int64, times: Int)?
    private var interruptions = 0

    public init() {}

    /// The message that goes alone in the next session.
    public var suspect: Int64? { first.flatMap { $0.times == Self.limit - 1 ? $0.message : nil } }

    /// A session that was online has ended.
    ///
    /// - Parameter exposure: the oldest message that it sent and that was not acknowledged.
    /// - Returns: the message to be set aside.
    public mutating func broke(by failure: LinkFailure, exposure: MQTTSession.Exposure?, now: Moment) -> Int64? {
        guard failure.canComeOfMessage else { return nil }
        guard let exposure else {
            cleared()
            return nil
        }
        guard exposure.message == suspect else {
            let times = first?.message == exposure.message ? (first?.times ?? 0) + 1 : 1
            first = (exposure.message, times)
            interruptions = 0
            return nil
        }
        let hasLeft = exposure.departed.map { $0 <= now } ?? false
        let isSoon = exposure.provedAt.map { now - $0 <= Self.soon } ?? false
        interruptions += 1
        guard hasLeft || isSoon || interruptions >= Self.mostInterruptions else { return nil }
        cleared()
        return exposure.message
    }

    /// A message was acknowledged: it is none that breaks links.
    public mutating func acknowledged(_ message: Int64) {
        if first?.message == message { cleared() }
    }

    /// The link breaks for another reason.
    public mutating func cleared() {
        first = nil
        interruptions = 0
    }
}

extension LinkFailure {
    /// Whether a broker that ends the connection because of a message can look like this.
    var canComeOfMessage: Bool {
        switch self {
        case .connectionReplaced, .connectionSilent, .connectionClosed, .sendFailed, .pingTimedOut, .publishTimedOut,
            .protocolViolation, .tls(.closedByServer):
            true
        default: false
        }
    }
}
