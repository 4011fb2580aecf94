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

extension NewMessage {
    /// Whether it can be stored without a look at what the database has: it cannot be a repetition of another one.
    var isPlain: Bool { key == nil && (suspects == nil || alinkID == nil || upcomingID != nil) }
}
