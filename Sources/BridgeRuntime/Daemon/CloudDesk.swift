import BridgeCore
import Logging
import NIOCore

/// Brings messages of the cloud to local programs, and their answers back. Decisions are ``Downlink``'s.
///
/// All of it runs on the event loop.
final class CloudDesk {
    /// The parts of the daemon that it works with.
    struct Neighbours {
        /// Hands a message to every program that wants it, or to one; how many have taken it.
        var offer: (InboundMessage, _ only: ObjectIdentifier?) -> Int
        /// PUBACK goes to the cloud.
        var acknowledge: (UInt16) -> Void
        /// A message that is in the outbox goes before all others.
        var sendAhead: (WaitingMessage) -> Void
    }

    private let outbox: Outbox
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let neighbours: Neighbours
    private var prefix: String
    private var downlink: Downlink
    /// Messages that are no requests and that nobody wants.
    private var unwanted = RecurringNews<Bool>()
    private lazy var timer = DeadlineTimer(eventLoop: eventLoop) { [unowned self] in
        carryOut(downlink.timePassed(.now))
    }

    init(prefix: String, outbox: Outbox, eventLoop: any EventLoop, logger: Logger, neighbours: Neighbours) {
        self.prefix = prefix
        downlink = Downlink(prefix: prefix)
        self.outbox = outbox
        self.eventLoop = eventLoop
        self.logger = logger
        self.neighbours = neighbours
    }

    func received(_ message: InboundMessage) {
        carryOut(downlink.received(message, now: .now) { neighbours.offer($0, nil) })
    }

    func subscribed(client: ObjectIdentifier) {
        carryOut(downlink.subscribed(now: .now) { neighbours.offer($0, client) })
    }

    /// The device is another one from now on; what the old one was asked is nobody's any more.
    func serve(prefix new: String) {
        guard new != prefix else { return }
        prefix = new
        downlink = Downlink(prefix: new)
        timer.set(downlink.deadline)
    }

    func sessionEnded() {
        downlink.sessionEnded()
        timer.set(downlink.deadline)
    }

    /// A program answers a request of the cloud.
    func answer(id: String, payload: [UInt8], qos: QoS, report: @escaping (SubmissionReport) -> Void) {
        do throws(Downlink.AnswerError) {
            let (request, expires) = try downlink.answer(id: id, now: .now)
            send(payload, to: request.replyTopic, expires: expires, qos: expires == nil ? qos : .atMostOnce) {
                [self] outcome in
                switch outcome {
                case .success(let receipt):
                    downlink.answered(request, isStored: true)
                    report(.queued(receipt: receipt, id: nil))
                case .failure(let refusal):
                    downlink.answered(request, isStored: false)
                    logger.event(
                        .requestRefused, level: .warning, "an answer to the cloud was refused: \(refusal)",
                        ["topic": "\(request.replyTopic)"])
                    report(.refused(refusal.error, detail: "\(refusal)"))
                }
                timer.set(downlink.deadline)
            }
        } catch {
            let detail =
                switch error {
                case .unknown: "no request of the cloud with this id waits for an answer"
                case .late: "the 8 s in which the cloud takes an answer to this request are over"
                }
            report(.refused(.invalidRequest, detail: detail))
        }
    }

    private func carryOut(_ effects: [Downlink.Effect]) {
        for effect in effects {
            switch effect {
            case .acknowledge(let identifier): neighbours.acknowledge(identifier)
            case .refuse(let request, let expires): refuse(request, expires: expires)
            case .untaken(let message, let request): untaken(message, request)
            case .unanswered(let message, let request):
                logger.event(
                    .cloudMessage, level: .warning,
                    "\(Self.name(message)): no program takes it, and there was no room to answer request \(request.id)",
                    ["topic": "\(message.topic)"])
            }
        }
        timer.set(downlink.deadline)
    }

    private func refuse(_ request: CloudRequest, expires: Duration) {
        send(request.refusal, to: request.replyTopic, expires: expires, qos: .atMostOnce) { [self] outcome in
            let isStored = if case .success = outcome { true } else { false }
            carryOut(downlink.refused(request, isStored: isStored, now: .now))
        }
    }

    private static func name(_ message: InboundMessage) -> String {
        "from the cloud on \(message.topic), \(message.payload.count) bytes"
    }

    private func untaken(_ message: InboundMessage, _ request: CloudRequest?) {
        guard !message.topic.hasSuffix("_reply") else { return }
        let what = Self.name(message)
        if let request {
            logger.event(
                .cloudMessage, level: .warning,
                "\(what): no program takes it (\"subscribe\"), request \(request.id) is answered with code 503",
                ["topic": "\(message.topic)"])
        } else if unwanted.isNews(true) {
            logger.event(
                .cloudMessage, "\(what): no program subscribes to it. Others that nobody wants are counted",
                ["topic": "\(message.topic)"])
        }
    }

    func tellRecurringNews() {
        for (_, messages) in unwanted.takeCounts() {
            logger.event(
                .cloudMessage, "from the cloud, \(messages) more messages: no program subscribes to them",
                ["messages": "\(messages)"])
        }
    }

    /// Stores an answer, and sends it ahead of all that waits; calls back with its receipt once it is on disk.
    private func send(
        _ payload: [UInt8], to topic: String, expires: Duration?, qos: QoS,
        done: @escaping (Result<Int64, OutboxRefusal>) -> Void
    ) {
        let now = WallTime.now
        let expiresAt = now.isPlausible ? expires.map { now.milliseconds + $0.inMilliseconds } : nil
        var message = NewMessage(
            topic: topic, payload: payload, qos: qos.rawValue, expiresAt: expiresAt, queuedAt: now.stamp)
        message.isTaken = true
        let bound = NIOLoopBound((self, done), eventLoop: eventLoop)
        let eventLoop = eventLoop
        outbox.append(message) { result in
            eventLoop.execute {
                let (me, done) = bound.value
                done(result.map(\.sequence))
                guard case .success(let appended) = result else { return }
                me.neighbours.sendAhead(
                    WaitingMessage(
                        sequence: appended.sequence, topic: topic, payload: payload, qos: qos.rawValue,
                        alinkID: nil, queuedAt: now.stamp, expiresAt: expiresAt))
            }
        }
    }
}
