import BridgeCore
import Logging
import NIOCore

/// What local programs can ask of the daemon: takes messages into the outbox, and reports how they get on.
///
/// All of it runs on the event loop.
final class MessageServices: LocalServices {
    /// Asks for the answers that only the daemon as a whole can give.
    struct Questions {
        var hello: () -> JSONValue
        var status: () -> JSONValue
        var linkEvent: () -> [UInt8]
        /// Messages were added to the outbox.
        var added: () -> Void
        /// Messages are about to be removed from it.
        var purging: () -> Void
        /// One was added that is over then: wall clock, milliseconds since 1970.
        var expires: (Int64) -> Void
        /// Messages that were published and not yet acknowledged, in that order.
        var inFlight: () -> [Int64]
    }

    private struct Watcher {
        var until: Until
        var client: ObjectIdentifier?
        var report: (SubmissionReport) -> Void
    }

    private struct Client {
        var sender: Sender
        /// The receipts that it watches.
        var watched: Set<Int64> = []
    }

    /// The quality of publishes that do not say.
    var defaultQoS: QoS
    private let outbox: Outbox
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let questions: Questions
    private let desk: CloudDesk
    /// By receipt; a message that came twice has several.
    private var watchers: [Int64: [Watcher]] = [:]
    /// What is known of each connected client that has sent a message.
    private var clients: [ObjectIdentifier: Client] = [:]
    private var broken = BrokenConnections()
    private var refusals = RecurringNews<RequestError>()
    private var drops = RecurringNews<DropReason>()
    /// Codes other than 200.
    private var codes = RecurringNews<Int>()
    private var replies = ReplyMatcher()
    /// When the last session ended.
    private var sessionEndedAt = WallTime.now.milliseconds
    private lazy var timer = DeadlineTimer(eventLoop: eventLoop) { [unowned self] in expire() }

    init(
        outbox: Outbox, desk: CloudDesk, defaultQoS: QoS, eventLoop: any EventLoop, logger: Logger,
        questions: Questions
    ) {
        self.desk = desk
        self.outbox = outbox
        self.defaultQoS = defaultQoS
        self.eventLoop = eventLoop
        self.logger = logger
        self.questions = questions
        if let crash = outbox.crash { broken.started(after: crash, now: .now) }
    }

    func hello() -> JSONValue { questions.hello() }

    func status() -> JSONValue { questions.status() }

    func linkEvent() -> [UInt8] { questions.linkEvent() }

    func subscribed(client: ObjectIdentifier) { desk.subscribed(client: client) }

    func answer(id: String, payload: [UInt8], from peer: Peer, report: @escaping (SubmissionReport) -> Void) {
        desk.answer(id: id, payload: payload, qos: defaultQoS, report: report)
    }

    /// A link may be down for days: what is remembered for a client goes when it goes.
    func left(client: ObjectIdentifier, settled: Int64?) {
        guard let gone = clients.removeValue(forKey: client) else { return }
        if let settled { broken.broke(gone.sender.connection, settled: settled, now: .now) }
        for receipt in gone.watched {
            watchers[receipt]?.removeAll { $0.client == client }
            guard watchers[receipt]?.isEmpty == true else { continue }
            watchers[receipt] = nil
            replies.forget(receipt: receipt)
        }
    }

    /// Whether programs may send messages again after a restart, because their connections broke a short while ago.
    var mayBeRepeated: Bool { broken.suspects(now: .now) != nil }

    func receipt(_ query: ReceiptQuery, found: @escaping (Result<Receipt?, OutboxRefusal>) -> Void) {
        let found = NIOLoopBound(found, eventLoop: eventLoop)
        let eventLoop = eventLoop
        outbox.receipt(query) { result in
            eventLoop.execute { found.value(result) }
        }
    }

    func purge(_ selection: Int64?, by peer: Peer, done: @escaping (Int) -> Void) {
        questions.purging()
        let bound = NIOLoopBound((self, done), eventLoop: eventLoop)
        let eventLoop = eventLoop
        outbox.purge(selection, at: WallTime.now.stamp) { count in
            eventLoop.execute {
                let (me, done) = bound.value
                if count > 0 {
                    me.logger.event(
                        .outboxNotice, level: .warning, "\(count) waiting messages were purged by a person",
                        peer.metadata)
                }
                me.questions.added()
                done(count)
            }
        }
    }

    func submit(_ submission: Submission, report: @escaping (SubmissionReport) -> Void) {
        let now = WallTime.now
        let request = submission.request
        var message = NewMessage(
            topic: request.topic, payload: request.payload, qos: request.qos ?? defaultQoS.rawValue,
            alinkID: request.alinkID, key: request.key,
            expiresAt: now.isPlausible ? request.expires.map { now.milliseconds &+ $0 } : nil, queuedAt: now.stamp)
        message.sender = sender(of: submission)
        message.awaitsReply = request.until == .confirmed
        message.upcomingID = request.upcomingID
        message.suspects = broken.suspects(now: .now)
        let stored = NIOLoopBound((self, submission, report), eventLoop: eventLoop)
        let eventLoop = eventLoop
        outbox.append(message) { result in
            let tell: @Sendable () -> Void = {
                let (me, submission, report) = stored.value
                me.stored(result, submission, report)
            }
            if eventLoop.inEventLoop { tell() } else { eventLoop.execute(tell) }
        }
    }

    /// Says how often happened again what the journal has once; to be called about once a minute.
    func tellRecurringNews() {
        for (error, messages) in refusals.takeCounts() {
            logger.event(
                .requestRefused, level: .warning, "\(messages) more messages were refused: \(error.rawValue)",
                ["reason": "\(error.rawValue)", "messages": "\(messages)"])
        }
        for (reason, messages) in drops.takeCounts() {
            logger.event(
                .outboxNotice, level: .warning, "\(messages) more messages were dropped: \(reason.rawValue)",
                ["reason": "\(reason.rawValue)", "messages": "\(messages)"])
        }
        for (code, messages) in codes.takeCounts() {
            logger.event(
                .cloudMessage, level: .warning, "the cloud answered \(messages) more messages with code \(code)",
                ["code": "\(code)", "messages": "\(messages)"])
        }
        desk.tellRecurringNews()
    }

    private func sender(of submission: Submission) -> Sender {
        if let client = submission.client, let known = clients[client] { return known.sender }
        let sender = Sender(program: submission.peer.program, connection: outbox.newConnection())
        if let client = submission.client { clients[client] = Client(sender: sender) }
        return sender
    }

    private func stored(
        _ result: Result<Appended, OutboxRefusal>, _ submission: Submission,
        _ report: @escaping (SubmissionReport) -> Void
    ) {
        switch result {
        case .success(let appended):
            var submission = submission
            if let original = appended.original {
                // The cloud answers what was sent, and the receipt is of that.
                submission.request.alinkID = original.alinkID
                submission.request.topic = original.topic
            }
            if appended.outcome != .repeatedGone, submission.request.until > .queued {
                watch(appended.sequence, submission, report)
            }
            report(.queued(receipt: appended.sequence, id: submission.request.alinkID))
            switch appended.outcome {
            case .stored:
                questions.added()
                if let expires = submission.request.expires, WallTime.now.isPlausible {
                    questions.expires(WallTime.now.milliseconds &+ expires)
                }
            case .repeatedWaiting: break
            case .repeatedGone: tellFate(of: appended.sequence, submission, report)
            }
        case .failure(let refusal):
            if refusals.isNews(refusal.error) {
                logger.event(
                    .requestRefused, level: .warning,
                    "a message was refused: \(refusal). Others that are refused for the same reason are counted",
                    submission.peer.metadata.merging(["reason": "\(refusal.error.rawValue)"]) { $1 })
            }
            report(.refused(refusal.error, detail: "\(refusal)"))
        }
    }

    private func watch(
        _ receipt: Int64, _ submission: Submission, _ report: @escaping (SubmissionReport) -> Void
    ) {
        let request = submission.request
        if let client = submission.client {
            // It may have gone while its message was being stored.
            guard clients[client]?.watched.insert(receipt) != nil else { return }
        }
        watchers[receipt, default: []].append(
            Watcher(until: request.until, client: submission.client, report: report))
        if request.until == .confirmed, let id = request.alinkID {
            replies.awaits(receipt: receipt, topic: request.topic, id: id)
        }
    }

    /// A message that came a second time has left meanwhile: whoever asked hears what became of it.
    private func tellFate(
        of receipt: Int64, _ submission: Submission, _ report: @escaping (SubmissionReport) -> Void
    ) {
        guard submission.request.until > .queued else { return }
        self.receipt(.number(receipt)) { [self] found in
            let state: Receipt.State?
            switch found {
            case .success(let receipt): state = receipt?.state
            case .failure(let refusal): return report(.refused(refusal.error, detail: "\(refusal)"))
            }
            switch state {
            case nil:
                report(.refused(.unknownReceipt, detail: "it was taken before, and its receipt is forgotten"))
            case .dropped(let reason): report(.dropped(receipt: receipt, reason))
            case .confirmed(let code, let data, let message):
                report(.delivered(receipt: receipt))
                report(.confirmed(receipt: receipt, code: code, data: data, message: message))
            case .delivered, .waiting:
                report(.delivered(receipt: receipt))
                guard submission.request.until == .confirmed else { return }
                watch(receipt, submission, report)
                replies.delivered(receipt: receipt, now: .now)
                timer.set(replies.deadline)
            }
        }
    }

    /// The last report about a message.
    private func finish(_ receipt: Int64, _ report: SubmissionReport) {
        for watcher in watchers.removeValue(forKey: receipt) ?? [] { end(watcher, receipt, report) }
    }

    private func end(_ watcher: Watcher, _ receipt: Int64, _ report: SubmissionReport) {
        if let client = watcher.client { clients[client]?.watched.remove(receipt) }
        watcher.report(report)
    }

    /// The broker has the message.
    func delivered(_ receipt: Int64) {
        guard let all = watchers.removeValue(forKey: receipt) else { return }
        let patient = all.filter { $0.until > .delivered }
        watchers[receipt] = patient.isEmpty ? nil : patient
        for watcher in all where watcher.until <= .delivered { end(watcher, receipt, .delivered(receipt: receipt)) }
        for watcher in patient { watcher.report(.delivered(receipt: receipt)) }
        guard !patient.isEmpty else { return }
        replies.delivered(receipt: receipt, now: .now)
        timer.set(replies.deadline)
    }

    /// The outbox gave messages up.
    func dropped(_ messages: [DroppedMessage]) {
        for message in messages {
            // What a person purged or is set aside has its own line.
            if [.expired, .queueFull].contains(message.reason), drops.isNews(message.reason) {
                logger.event(
                    .outboxNotice, level: .warning,
                    "message \(message.sequence) was dropped: \(message.reason.rawValue). Others that are dropped for the same reason are counted",
                    ["receipt": "\(message.sequence)", "reason": "\(message.reason.rawValue)"])
            }
            replies.forget(receipt: message.sequence)
            finish(message.sequence, .dropped(receipt: message.sequence, message.reason))
        }
    }

    /// A message came from the cloud: for programs that subscribed, and perhaps a reply to a post.
    func received(_ message: InboundMessage) {
        desk.received(message)
        guard message.topic.hasSuffix("_reply"), let reply = try? JSONValue(parsing: message.payload),
            let id = reply["id"]?.text
        else { return }
        let code = reply["code"]?.integer
        if let code, code != 200, codes.isNews(code) {
            logger.event(
                .cloudMessage, level: .warning,
                "the cloud answered message \(id) on \(message.topic) with code \(code): \(Self.readable(reply["message"]?.text ?? ""))",
                ["topic": "\(message.topic)", "code": "\(code)"])
        }
        var answer = CloudReply(
            topic: String(message.topic.dropLast("_reply".count)), id: id, code: code ?? 0,
            data: reply["data"].map { Array($0.serialized.utf8) }, message: reply["message"]?.text)
        answer.inFlight = questions.inFlight()
        answer.since = sessionEndedAt
        answer.receipt = replies.replied(topic: message.topic, id: id, inFlight: answer.inFlight)
        outbox.confirm(answer, at: WallTime.now.stamp)
        if let receipt = answer.receipt {
            finish(
                receipt,
                .confirmed(receipt: receipt, code: answer.code, data: answer.data, message: answer.message))
        }
        timer.set(replies.deadline)
    }

    /// Replies that have not come may never come.
    func sessionEnded() {
        replies.sessionEnded()
        sessionEndedAt = WallTime.now.milliseconds
    }

    /// The cloud's words, short and without control characters.
    private static func readable(_ text: String) -> String {
        String(text.prefix(200).map { $0.isASCII && ($0 < " " || $0 == "\u{7F}") ? " " : $0 })
    }

    private func expire() {
        let late = replies.expired(now: .now)
        if !late.isEmpty { outbox.gaveUpWaiting(for: late) }
        for receipt in late { finish(receipt, .dropped(receipt: receipt, .noReply)) }
        timer.set(replies.deadline)
    }
}
