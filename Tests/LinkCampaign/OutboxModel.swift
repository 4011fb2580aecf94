import BridgeCore

/// What the outbox and its dispatcher do, without a disk: oldest first, no faster than the platform takes it, and a message
/// stays until it was acknowledged.
struct OutboxModel {
    private var messages: [OutgoingMessage] = []
    /// How many of them are with the session.
    private var lentCount = 0
    private(set) var waiting: Set<Int64> = []
    private var pace = PublishPace(.platform)
    private(set) var paceDeadline: Moment?

    /// The time has come to ask again.
    mutating func paceOver() { paceDeadline = nil }

    /// The next message that is not with the session.
    var next: OutgoingMessage? { lentCount < messages.count ? messages[lentCount] : nil }

    mutating func queued(_ message: OutgoingMessage) {
        messages.append(message)
        waiting.insert(message.sequence)
    }

    mutating func mayGo(_ message: OutgoingMessage, now: Moment) -> Bool {
        paceDeadline = pace.wait(message.qos, for: message.sequence, now: now)
        return paceDeadline == nil
    }

    mutating func lent() { lentCount += 1 }

    mutating func delivered(_ sequence: Int64, now: Moment) {
        waiting.remove(sequence)
        pace.left(sequence, now: now)
    }
}
