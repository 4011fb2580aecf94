import BridgeCore

/// A message that is on disk, in the ``StagingFile``, and not in the database yet.
struct StagedMessage: Equatable, Sendable {
    /// Its place in the queue, and the receipt its sender was given.
    let sequence: Int64
    let message: NewMessage

    /// As ``Outbox/next(limitBytes:limitCount:now:completion:)`` hands it out.
    var waiting: WaitingMessage {
        WaitingMessage(
            sequence: sequence, topic: message.topic, payload: message.payload, qos: message.qos,
            alinkID: message.alinkID, queuedAt: message.queuedAt, expiresAt: message.expiresAt)
    }
}

extension OutboxBooks {
    /// A staged message was stored; the places before it that no message has: those are lost.
    mutating func accepted(_ staged: StagedMessage) -> Range<Int64> {
        let next = received &+ 1
        let lost = next..<max(next, staged.sequence)
        if !lost.isEmpty { missed(Int64(lost.count)) }
        accepted(bytes: staged.message.cost)
        return lost
    }
}

extension OutboxLimits {
    func decision(for message: NewMessage, _ books: OutboxBooks) -> Decision {
        decision(cost: message.cost, isAnswer: message.isTaken, books: books)
    }
}

extension NewMessage {
    /// Whether it can be stored without a look at what the database has: it cannot be a repetition of another one.
    var isPlain: Bool { key == nil && (suspects == nil || alinkID == nil || upcomingID != nil) }
}
