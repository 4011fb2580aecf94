/// The outbox's accounts over its whole life, restarts included.
///
/// What came in is what was delivered, what waits and what was dropped, at every moment
/// (``balance``). The value is changed in memory and on disk by the same transaction.
public struct OutboxBooks: Equatable, Sendable {
    /// Messages ever accepted.
    public private(set) var received: Int64
    /// Messages acknowledged by the broker (QoS 1) or written to the line (QoS 0).
    public private(set) var delivered: Int64
    /// Messages accepted and still here, those in flight among them.
    public private(set) var waiting: Int64
    /// Messages given up, by reason; a reason that never occurred is missing.
    public private(set) var dropped: [DropReason: Int64]
    /// Space taken by what waits, as ``OutboxLimits/cost(topicBytes:payloadBytes:)`` counts it.
    public private(set) var bytes: Int64

    public init(
        received: Int64 = 0, delivered: Int64 = 0, waiting: Int64 = 0, dropped: [DropReason: Int64] = [:],
        bytes: Int64 = 0
    ) {
        self.received = received
        self.delivered = delivered
        self.waiting = waiting
        self.dropped = dropped
        self.bytes = bytes
    }

    /// All messages given up, whatever the reason.
    public var droppedInTotal: Int64 { dropped.values.reduce(0, &+) }

    /// What came in less what is accounted for: always 0.
    public var balance: Int64 { received &- delivered &- waiting &- droppedInTotal }

    /// Messages were stored.
    public mutating func accepted(_ messages: Int64 = 1, bytes count: Int64) {
        received &+= messages
        waiting &+= messages
        bytes &+= count
    }

    /// Messages that had been stored are not there any more, and nothing is known of them but their places in the queue.
    public mutating func missed(_ messages: Int64) {
        received &+= messages
        dropped[.damaged, default: 0] &+= messages
    }

    /// A stored message left.
    public mutating func left(_ departure: Departure, bytes count: Int64) {
        waiting &-= 1
        bytes &-= count
        switch departure {
        case .delivered: delivered &+= 1
        case .dropped(let reason): dropped[reason, default: 0] &+= 1
        }
    }

    /// A delivered message whose sender waits for the cloud's reply got none in time.
    public mutating func wentUnanswered() {
        delivered &-= 1
        dropped[.noReply, default: 0] &+= 1
    }

    /// The reply came after all.
    public mutating func wasAnsweredLate() {
        delivered &+= 1
        dropped[.noReply, default: 0] &-= 1
    }
}

/// How a message leaves the outbox.
public enum Departure: Equatable, Sendable {
    case delivered
    case dropped(DropReason)
}
