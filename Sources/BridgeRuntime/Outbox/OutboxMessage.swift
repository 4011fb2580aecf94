import BridgeCore

/// A message to be stored.
public struct NewMessage: Equatable, Sendable {
    public var topic: String
    public var payload: [UInt8]
    /// 0 or 1.
    public var qos: UInt8
    /// The `id` of the Alink envelope, by which the cloud's reply is found.
    public var alinkID: String?
    /// A second message with the same key is not stored for a day.
    public var key: String?
    /// Wall clock, milliseconds since 1970.
    public var expiresAt: Int64?
    /// ``WallTime/stamp``.
    public var queuedAt: Int64
    public var sender = Sender.daemon
    /// Whether somebody wants to know of the cloud's reply, and that none came.
    public var awaitsReply = false
    /// ``AlinkIDs/upcoming`` behind ``alinkID``, when that was given out by the daemon.
    public var upcomingID: Int64?
    /// Connections of which this message may be a repetition, known by sender, id and content.
    public var suspects: BrokenConnections.Suspects?
    /// It is handed out at once, to the caller (see ``Outbox/next(limitBytes:limitCount:now:completion:)``).
    public var isTaken = false

    public init(
        topic: String, payload: [UInt8], qos: UInt8, alinkID: String? = nil, key: String? = nil,
        expiresAt: Int64? = nil, queuedAt: Int64
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.alinkID = alinkID
        self.key = key
        self.expiresAt = expiresAt
        self.queuedAt = queuedAt
    }

    var cost: Int64 { OutboxLimits.cost(topicBytes: topic.utf8.count, payloadBytes: payload.count) }

    /// Whether it came while the clock was set.
    var isDated: Bool { queuedAt != .max }

    /// By which a repetition is known.
    var fingerprint: Int64? {
        guard alinkID != nil, upcomingID == nil else { return nil }
        return Int64(bitPattern: Fingerprint.of([Array(topic.utf8), payload]))
    }
}

/// A stored message that waits to be delivered.
public struct WaitingMessage: Equatable, Sendable {
    /// Place in the queue, and the receipt its sender was given.
    public let sequence: Int64
    public let topic: String
    public let payload: [UInt8]
    public let qos: UInt8
    public let alinkID: String?
    /// Wall clock, milliseconds since 1970.
    public let queuedAt: Int64
    /// When it becomes worthless, wall clock, milliseconds since 1970.
    public let expiresAt: Int64?

    /// What it takes of ``OutboxLimits/maxBytes``.
    public var cost: Int64 { OutboxLimits.cost(topicBytes: topic.utf8.count, payloadBytes: payload.count) }
}

/// The promise given for a message.
public struct Appended: Equatable, Sendable {
    /// The receipt.
    public let sequence: Int64
    /// How the message stands.
    public let outcome: Outcome
    /// Of the message that this one repeats; nil when nothing is known of it any longer, and when it is no repetition.
    public var original: Identity?

    /// By what the cloud's reply to a message is found.
    public struct Identity: Equatable, Sendable {
        public let alinkID: String?
        public let topic: String
    }

    public enum Outcome: Equatable, Sendable {
        /// It is on disk now.
        case stored
        /// The same message was stored before and still waits: it has the same key, or it came again after its connection broke.
        case repeatedWaiting
        /// The same message was stored before and has left since.
        case repeatedGone
    }
}

/// A message that the outbox gave up by itself.
public struct DroppedMessage: Equatable, Sendable {
    public let sequence: Int64
    public let reason: DropReason
}
