import BridgeCore
import DequeModule
import NIOCore

/// Moves messages from the outbox onto the line, in the order the outbox hands them out, as far as the window in flight
/// allows.
///
/// It holds a small stretch of the outbox in memory, never all of it; a message leaves the outbox
/// when the broker has it.
final class Dispatcher {
    /// How many bytes of payload, and how many messages, are read ahead.
    ///
    /// Little, because what comes meanwhile waits behind it.
    private static let readAheadBytes = 8_192
    private static let readAheadCount = 64
    /// How soon a failed read is tried again.
    private static let retry = TimeAmount.seconds(1)

    /// The attempt that is online.
    var attempt: Attempt?
    private let outbox: Outbox
    private let eventLoop: any EventLoop
    private var loaded: Deque<OutgoingMessage> = []
    private var isReading = false
    /// How fast the other side takes messages; nil for as fast as they come.
    var pace: PublishPace?
    private var isPausing = false
    private var mayHoldMore = true
    /// What was published and has not left, in the order of publishing.
    private(set) var inFlight: [Int64] = []
    /// How many of ``loaded``, at its beginning, overtake the others.
    private var loadedAhead = 0
    /// Of what was loaded and has not left.
    private var costs: [Int64: Int64] = [:]

    init(outbox: Outbox, eventLoop: any EventLoop) {
        self.outbox = outbox
        self.eventLoop = eventLoop
    }

    var waiting: Int64 { outbox.books.waiting }

    /// Messages were added behind what has been read.
    func moreWaiting() { mayHoldMore = true }

    /// A message that was handed out as it was stored (``NewMessage/isTaken``) goes before all that waits.
    func sendAhead(_ message: WaitingMessage) {
        load(message, at: loadedAhead)
        loadedAhead += 1
    }

    /// Puts back what was read ahead and is not with the session.
    func unload() {
        for message in loaded { costs[message.sequence] = nil }
        outbox.putBack(loaded.lazy.map(\.sequence))
        loaded = []
        loadedAhead = 0
        mayHoldMore = true
    }

    /// A session has begun.
    func linkCameUp() { outbox.linkCameUp() }

    /// Publishes what may go now, and reads on when nothing is left in memory.
    func pump() {
        guard let attempt else { return }
        while let next = loaded.first, attempt.canPublish(next) {
            if let due = pace?.wait(next.qos, for: next.sequence, now: .now) {
                pumpLater(due)
                break
            }
            loaded.removeFirst()
            loadedAhead = max(0, loadedAhead - 1)
            inFlight.append(next.sequence)
            attempt.publish(next)
        }
        readOn()
    }

    /// The broker has the message, or QoS 0 put it on the line: it leaves the outbox.
    func delivered(_ sequence: Int64) { remove(sequence, as: .delivered) }

    /// The message is given up: it leaves the outbox.
    func dropped(_ sequence: Int64, as reason: DropReason) { remove(sequence, as: .dropped(reason)) }

    private func remove(_ sequence: Int64, as departure: Departure) {
        if let place = inFlight.firstIndex(of: sequence) { inFlight.remove(at: place) }
        pace?.left(sequence, now: .now)
        outbox.remove(
            sequence, as: departure, cost: costs.removeValue(forKey: sequence), at: WallTime.now.stamp)
    }

    /// The platform takes no more at present.
    private func pumpLater(_ due: Moment) {
        guard !isPausing else { return }
        isPausing = true
        eventLoop.assumeIsolated().scheduleTask(deadline: due.deadline) { [weak self] in
            self?.isPausing = false
            self?.pump()
        }
    }

    private func load(_ message: WaitingMessage, at place: Int) {
        costs[message.sequence] = message.cost
        loaded.insert(
            OutgoingMessage(
                sequence: message.sequence, topic: message.topic, payload: message.payload,
                qos: message.qos == 0 ? .atMostOnce : .atLeastOnce),
            at: place)
    }

    private func readOn() {
        guard loaded.isEmpty, mayHoldMore, !isReading else { return }
        isReading = true
        mayHoldMore = false
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        outbox.next(
            limitBytes: Self.readAheadBytes, limitCount: Self.readAheadCount,
            now: WallTime.now.milliseconds
        ) { result in
            eventLoop.execute { me.value.read(result) }
        }
    }

    private func read(_ result: Result<[WaitingMessage], OutboxRefusal>) {
        isReading = false
        switch result {
        case .success(let messages):
            guard !messages.isEmpty else { break }
            mayHoldMore = true
            for message in messages { load(message, at: loaded.count) }
        case .failure:
            eventLoop.assumeIsolated().scheduleTask(in: Self.retry) { [weak self] in
                self?.mayHoldMore = true
                self?.pump()
            }
        }
        pump()
    }
}
