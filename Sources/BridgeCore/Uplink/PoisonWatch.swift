/// Finds the message that breaks the link: the one that was first in flight each time it broke.
///
/// A broker closes the connection upon a message that it cannot stand (a topic that is not permitted, a payload too
/// long); with the next session that message is first again, and everything behind it would wait for ever.
///
/// It counts only what a message can bring about: a session that was online and then fell silent, or was ended by its
/// peer. For its last chance a message goes alone, so that none is blamed for the one behind it.
public struct PoisonWatch: Sendable {
    /// So many times in a row a message may be first in flight when the link breaks.
    public static let limit = 3

    private var first: (message: Int64, times: Int)?

    public init() {}

    /// The message that goes alone in the next session.
    public var suspect: Int64? { first.flatMap { $0.times == Self.limit - 1 ? $0.message : nil } }

    /// A session that was online has ended.
    ///
    /// - Parameter firstInFlight: the oldest message that it sent and that was not acknowledged.
    /// - Returns: the message to be set aside.
    public mutating func broke(by failure: LinkFailure, firstInFlight: Int64?) -> Int64? {
        guard failure.canComeOfMessage else { return nil }
        guard let message = firstInFlight else {
            first = nil
            return nil
        }
        let times = first?.message == message ? (first?.times ?? 0) + 1 : 1
        guard times >= Self.limit else {
            first = (message, times)
            return nil
        }
        first = nil
        return message
    }

    /// A message was acknowledged: it is none that breaks links.
    public mutating func acknowledged(_ message: Int64) {
        if first?.message == message { first = nil }
    }
}

extension LinkFailure {
    /// Whether a broker that ends the connection because of a message can look like this.
    var canComeOfMessage: Bool {
        switch self {
        case .connectionReplaced, .connectionClosed, .sendFailed, .pingTimedOut, .publishTimedOut, .protocolViolation,
            .tls(.closedByServer):
            true
        default: false
        }
    }
}
