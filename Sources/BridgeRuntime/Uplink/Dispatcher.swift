import BridgeCore
import DequeModule
import NIOCore

/// The way onto the line while a session is online.
protocol Publisher: AnyObject {
    /// Whether the window has room for the message.
    func canPublish(_ message: OutgoingMessage) -> Bool

    func publish(_ message: OutgoingMessage)
}

extension Attempt: Publisher {}

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
    var attempt: (any Publisher)?
    private let outbox: Outbox
    private let eventLoop: any EventLoop
    private let onExpired: (Int64) -> Void
    private var loaded: Deque<Loaded> = []
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

    private struct Loaded {
        var message: OutgoingMessage
        var expiresAt: Int64?
    }

    /// - Parameter onExpired: told of each message whose time was over when it was to be sent.
    init(outbox: Outbox, eventLoop: any EventLoop, onExpired: @escaping (Int64) -> Void) {
        self.outbox = outbox
        self.eventLoop = eventLoop
        self.onExpired = onExpired
    }

    var waiting: Int64 { outbox.books.waiting }

    /// Messages were added behind what has been read.
    func moreWaiting() { mayHoldMore = true }

    /// A message that was handed out as it was stored (``NewMessage/isTaken``) goes before all that waits.
    ///
    /// While nothing can be sent it waits in the outbox, where its time may end; it will be the first to be read.
    func sendAhead(_ message: WaitingMessage) {
        guard attempt != nil else { return putBack(CollectionOfOne(message.sequence)) }
        load(message, at: loadedAhead)
        loadedAhead += 1
    }

    /// Puts back what was read ahead and is not with the session.
    func unload() {
        for entry in loaded { costs[entry.message.sequence] = nil }
        putBack(loaded.lazy.map(\.message.sequence))
        loaded = []
        loadedAhead = 0
    }

    private func putBack(_ sequences: some Sequence<Int64>) {
        outbox.putBack(sequences)
        mayHoldMore = true
    }

    /// A session has begun.
    func linkCameUp() { outbox.linkCameUp() }

    /// Publishes what may go now, and reads on when nothing is left in memory.
    func pump() {
        guard let attempt else { return }
        while let entry = loaded.first {
            let next = entry.message
            if let end = entry.expiresAt, end <= WallTime.now.milliseconds {
                takeFirst()
                leave(next.sequence, as: .dropped(.expired))
                onExpired(next.sequence)
                continue
            }
            guard attempt.canPublish(next) else { break }
            if let due = pace?.wait(next.qos, for: next.sequence, now: .now) {
                pumpLater(due)
                break
            }
            takeFirst()
            inFlight.append(next.sequence)
            attempt.publish(next)
        }
        readOn()
    }

    /// The broker has the message, or QoS 0 put it on the line: it leaves the outbox.
    func delivered(_ sequence: Int64) { remove(sequence, as: .delivered) }

    /// The message is given up: it leaves the outbox.
    func dropped(_ sequence: Int64, as reason: DropReason) { remove(sequence, as: .dropped(reason)) }

    private func takeFirst() {
        loaded.removeFirst()
        loadedAhead = max(0, loadedAhead - 1)
    }

    private func remove(_ sequence: Int64, as departure: Departure) {
        if let place = inFlight.firstIndex(of: sequence) { inFlight.remove(at: place) }
        pace?.left(sequence, now: .now)
        leave(sequence, as: departure)
    }

    private func leave(_ sequence: Int64, as departure: Departure) {
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
            Loaded(
                message: OutgoingMessage(
                    sequence: message.sequence, topic: message.topic, payload: message.payload,
                    qos: message.qos == 0 ? .atMostOnce : .atLeastOnce),
                expiresAt: message.expiresAt),
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
            // The session ended meanwhile: in the outbox their time may end, and what comes ahead of them goes first.
            guard attempt != nil else { return putBack(messages.lazy.map(\.sequence)) }
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
