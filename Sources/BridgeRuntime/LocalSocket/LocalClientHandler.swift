import BridgeCore
import Glibc
import Logging
import NIOCore

/// One local program: its stream is cut into requests, and each is answered in its turn.
///
/// Reading pauses while the client has too much waiting for its commit, or while it does not take its
/// answers; a client that takes none at all is read on for until ``maxWaitingOutput`` waits for
/// it, and then disconnected. What a client wrote before it went away is carried out.
final class LocalClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Most requests without an answer, or with one that waits for the answer to an earlier one.
    static let maxPendingRequests = 256
    /// Bytes of requests that wait for their commit, above which no more are read.
    static let maxPendingBytes = 1 << 20
    /// Bytes of answers that wait for an earlier one, above which no more requests are read; they will go out at once.
    static let maxHeldBytes = maxWaitingOutput / 2
    /// A client with less than this is read on when the server as a whole has too much waiting.
    static let fairShare = 64 << 10
    /// Most bytes of unread answers.
    static let maxWaitingOutput = 1 << 20
    /// Most memory for requests of which further lines are awaited (`until`); the next such one waits.
    static let maxWatchedBytes = 8 << 20
    /// Answers are passed on in portions of about this size.
    static let portion = 32 << 10
    /// A client that takes no byte for so long does not read.
    static let patience = TimeAmount.seconds(1)

    private let server: LocalServer
    private var context: ChannelHandlerContext?
    private var peer = Peer(pid: 0, uid: 0)
    private var splitter: JSONDocumentSplitter
    /// Received, not yet split.
    private var unread: ArraySlice<UInt8> = []
    private var inputHasEnded = false
    private var answers = AnswerQueue()
    private var pendingBytes = 0
    private var watchedBytes = 0
    /// A request with `until` for which there is no room at present.
    private var parked: (request: PublishRequest, ticket: AnswerQueue.Ticket)?
    /// Lines that go out at the end of this turn of the loop.
    private var output: [UInt8] = []
    private var flushIsDue = false
    private var isWriting = false
    private var bytesWritten = 0
    private var readIsOwed = false
    private var isProceeding = false
    /// It has had its turn, and goes on in the next one.
    private var waitsForTurn = false
    private var isStopping = false
    private var isClosing = false
    private var takesNothing = false
    private var isObserved = false
    /// The kernel says that the program went away and left answers unread (unix(7)), or that they could not be written.
    private var wasReset = false
    private var reading = AnswersRead()
    /// As long as the channel is active.
    private var socket: NIOBSDSocket.Handle?
    /// The connection has ended; what it left in the input is still carried out.
    private var isGone = false
    private var hasLeft = false
    private(set) var subscription: LocalSubscription?
    private var isCapturing = false

    init(server: LocalServer, maxMessage: Int) {
        self.server = server
        splitter = JSONDocumentSplitter(maxLength: maxMessage)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        peer = Peer.connected(to: context.channel)
        socket = try? context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { $0 }
        server.logger.debug("a program connected", metadata: peer.metadata)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        server.logger.debug("a program disconnected", metadata: peer.metadata)
        self.context = nil
        socket = nil
        if !wasReset, output.isEmpty, answers.isEmpty { reading.ended() }
        output = []
        inputHasEnded = true
        isGone = true
        proceed()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        unread.append(contentsOf: buffer.readableBytesView)
        proceed()
        // What it has read is looked after while something new is being stored: there is time for it.
        if let socket, Peer.hasReadAll(of: socket), waitingBytes(context) == 0 { reading.readAll() }
    }

    func read(context: ChannelHandlerContext) {
        // A read asked for while writing: the peer is gone, and NIO takes what it left before it closes.
        if isPaused, !isWriting { readIsOwed = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        inputHasEnded = true
        proceed()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            takesNothing = false
            proceed()
        } else {
            observe()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.logger.debug("connection to a program failed: \(error)", metadata: peer.metadata)
        wasReset = true
        context.close(promise: nil)
    }

    // MARK: From the server

    /// Goes on with what was received, as far as the limits permit.
    func proceed() {
        guard !isProceeding else { return }
        isProceeding = true
        if let (request, ticket) = parked, mayWatch {
            parked = nil
            submit(request, ticket)
        }
        let began = Moment.now
        while !isPaused, let piece = splitter.next(from: &unread) {
            take(piece)
            if output.count >= Self.portion { flush() }
            if !unread.isEmpty, Moment.now - began > ClientTurns.length { endTurn() }
        }
        if inputHasEnded, unread.isEmpty, parked == nil, let rest = splitter.finish() { take(rest) }
        isProceeding = false
        if isGone, !hasLeft, unread.isEmpty {
            hasLeft = true
            server.left(self, settled: reading.settled)
        }
        if readIsOwed, !isPaused, let context {
            readIsOwed = false
            context.read()
        }
        closeIfDone()
    }

    private func endTurn() {
        waitsForTurn = true
        server.turns.wait { [self] in
            waitsForTurn = false
            proceed()
        }
    }

    /// The daemon is stopping: new requests are refused, and the connection ends with the last answer.
    func stop() {
        isStopping = true
        proceed()
    }

    /// Closes at once.
    func abandon() {
        isClosing = true
        context?.close(promise: nil)
    }

    // MARK: Requests

    private var isPaused: Bool {
        if waitsForTurn || parked != nil || answers.count >= Self.maxPendingRequests
            || answers.heldBytes >= Self.maxHeldBytes
        {
            return true
        }
        if isStopping { return false }
        if pendingBytes >= Self.maxPendingBytes { return true }
        guard let context else { return false }
        return isClosing || server.isFull && pendingBytes >= Self.fairShare
            || !context.channel.isWritable && !takesNothing
    }

    private var mayWatch: Bool { watchedBytes < Self.maxWatchedBytes || isStopping || context == nil }

    private func take(_ piece: JSONDocumentSplitter.Output) {
        let ticket = answers.open()
        switch piece {
        case .fault(let fault, let offset):
            refuse(LocalRefusal(fault, offset: offset), ticket)
        case .document(let bytes):
            do {
                switch try LocalRequest.parse(bytes, rules: server.settings.topics, ids: &server.ids) {
                case .hello(let tag): answer(LocalAnswer.object(server.services.hello(), tag: tag), ticket)
                case .status(let tag): answer(LocalAnswer.object(server.services.status(), tag: tag), ticket)
                case .subscribe(let subscription, let tag): subscribe(subscription, tag: tag, ticket)
                case .capture(let stream, let tag): capture(stream: stream, tag: tag, ticket)
                case .purge(let selection, let tag): purge(selection, tag: tag, ticket)
                case .answer(let id, let payload): answerCloud(id: id, payload, ticket)
                case .receipt(let query, let tag): look(for: query, tag: tag, ticket)
                case .publish(let request): submit(request, ticket)
                }
            } catch {
                refuse(error, ticket)
            }
        }
    }

    private func look(for query: ReceiptQuery, tag: [UInt8]?, _ ticket: AnswerQueue.Ticket) {
        server.services.receipt(query) { [self] found in
            var identity = LocalAnswer.Identity(tag: tag)
            if case .id(let id) = query { identity.alinkID = id }
            switch found {
            case .success(let receipt?): answer(LocalAnswer.receipt(receipt, tag: tag), ticket)
            case .success(nil):
                refuse(
                    LocalRefusal(.unknownReceipt, "nothing is known of this message, or no longer", identity), ticket)
            case .failure(let reason): refuse(LocalRefusal(reason.error, "\(reason)", identity), ticket)
            }
            proceed()
        }
    }

    private func subscribe(_ wanted: LocalSubscription, tag: [UInt8]?, _ ticket: AnswerQueue.Ticket) {
        let isFirst = subscription?.link != true
        subscription = wanted
        answer(LocalAnswer.subscribed(tag: tag), ticket)
        if wanted.link, isFirst { tell(server.services.linkEvent()) }
        server.services.subscribed(client: ObjectIdentifier(self))
    }

    /// Whether the program belongs to root or the daemon's own user; if not, it is told so.
    private func mayMeddle(_ doing: String, tag: [UInt8]?, _ ticket: AnswerQueue.Ticket) -> Bool {
        if peer.uid == 0 || peer.uid == getuid() { return true }
        var refusal = LocalRefusal(.notPermitted, "only root and the daemon's own user may \(doing)")
        refusal.tag = tag
        refuse(refusal, ticket)
        return false
    }

    /// Others could read the messages of programs that are none of their business.
    private func capture(stream: Bool, tag: [UInt8]?, _ ticket: AnswerQueue.Ticket) {
        guard mayMeddle("record the line", tag: tag, ticket) else { return }
        isCapturing = true
        server.logger.event(
            .captureBegan, level: .notice, "a program records the serial line, passwords masked", peer.metadata)
        answer(LocalAnswer.capturing(tag: tag), ticket)
        server.capture(self, stream: stream)
    }

    /// Others could throw away what is not theirs.
    private func purge(_ selection: Int64?, tag: [UInt8]?, _ ticket: AnswerQueue.Ticket) {
        guard mayMeddle("purge", tag: tag, ticket) else { return }
        server.services.purge(selection, by: peer) { [self] messages in
            answer(LocalAnswer.purged(messages, tag: tag), ticket)
            proceed()
        }
    }

    /// A line that answers no request.
    func tell(_ line: [UInt8]) {
        guard !isClosing else { return }
        output += line
        flushSoon()
    }

    private func answerCloud(id: String, _ payload: [UInt8], _ ticket: AnswerQueue.Ticket) {
        let identity = LocalAnswer.Identity(alinkID: id)
        guard !isStopping else {
            return refuse(LocalRefusal(.shuttingDown, "the daemon is stopping", identity), ticket)
        }
        begin(payload.count)
        let watch = RequestWatch(until: .queued, identity: identity)
        server.services.answer(id: id, payload: payload, from: peer) { report in
            self.reported(report, size: payload.count, watch, ticket)
        }
    }

    /// A request of so many bytes waits for its commit.
    private func begin(_ size: Int) {
        pendingBytes += size
        server.hold(bytes: size)
    }

    private func submit(_ request: PublishRequest, _ ticket: AnswerQueue.Ticket) {
        guard !isStopping else {
            return refuse(LocalRefusal(.shuttingDown, "the daemon is stopping", request.identity), ticket)
        }
        guard request.until == .queued || mayWatch else {
            parked = (request, ticket)
            return
        }
        let size = request.payload.count + request.topic.utf8.count
        begin(size)
        let watch = RequestWatch(until: request.until, identity: request.identity)
        server.services.submit(Submission(request: request, peer: peer, client: ObjectIdentifier(self))) { report in
            self.reported(report, size: size, watch, ticket)
        }
    }

    private func reported(
        _ report: SubmissionReport, size: Int, _ watch: RequestWatch, _ ticket: AnswerQueue.Ticket
    ) {
        let wasPending = watch.isPending
        guard wasPending || watch.isWatched else { return }
        let isLast: Bool
        let line: [UInt8]
        switch report {
        case .queued(let receipt, let id):
            guard wasPending else { return }
            isLast = watch.until == .queued
            if let id { watch.identity.alinkID = id }
            reading.answers(receipt)
            line = LocalAnswer.queued(watch.identity, receipt: receipt)
        case .refused(let error, let detail):
            isLast = true
            line = LocalAnswer.refused(LocalRefusal(error, detail, watch.identity))
        case .delivered(let receipt):
            isLast = watch.until == .delivered
            line = LocalAnswer.delivered(watch.identity, receipt: receipt)
        case .confirmed(let receipt, let code, let data, let message):
            guard watch.until == .confirmed else { return }
            isLast = true
            line = LocalAnswer.confirmed(watch.identity, receipt: receipt, code: code, data: data, message: message)
        case .dropped(let receipt, let reason):
            isLast = true
            line = LocalAnswer.dropped(watch.identity, receipt: receipt, reason: reason)
        }
        if wasPending {
            watch.isPending = false
            pendingBytes -= size
        }
        if watch.isWatched == isLast {
            watch.isWatched = !isLast
            watchedBytes += isLast ? -watch.bytes : watch.bytes
        }
        answer(line, ticket)
        if wasPending { server.release(bytes: size) }
        proceed()
    }

    // MARK: Answers

    private func refuse(_ refusal: LocalRefusal, _ ticket: AnswerQueue.Ticket) {
        server.logger.debug(
            "a request was refused: \(refusal.error.rawValue), \(refusal.detail)", metadata: peer.metadata)
        answer(LocalAnswer.refused(refusal), ticket)
    }

    private func answer(_ line: [UInt8], _ ticket: AnswerQueue.Ticket) {
        let ready = answers.add(line, to: ticket)
        guard context != nil, !isClosing, !ready.isEmpty else { return }
        output += ready
        // When no other answer is owed, there is nothing to wait for.
        if answers.isEmpty, !isProceeding { flush() } else { flushSoon() }
    }

    private func flushSoon() {
        guard !flushIsDue, let context else { return }
        // What else is answered in this turn of the loop goes out with the same system call.
        flushIsDue = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.flushIsDue = false
            bound.value.flush()
        }
    }

    /// Bytes that the kernel has not taken yet.
    private func waitingBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func flush() {
        guard let context, !isClosing, !output.isEmpty else { return closeIfDone() }
        // As long as the channel is writable, less waits than its high-water mark, 64 KiB.
        let waiting =
            context.channel.isWritable && output.count <= Self.maxWaitingOutput / 2 ? 0 : waitingBytes(context)
        guard waiting + output.count <= Self.maxWaitingOutput else {
            server.logger.event(
                .clientDropped, level: .warning,
                "a program was disconnected: it did not read its answers, and 1 MiB of them waited", peer.metadata)
            return abandon()
        }
        if answers.isEmpty { reading.written() }
        bytesWritten += output.count
        let bytes = ByteBuffer(bytes: output)
        output = []
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenFailure { _ in self.wasReset = true }
        isWriting = true
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
        isWriting = false
        closeIfDone()
    }

    /// Looks whether a client whose answers wait takes any.
    private func observe() {
        guard !isObserved, let context else { return }
        isObserved = true
        let taken = bytesWritten - waitingBytes(context)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.patience) { bound.value.observed(taken) }
    }

    private func observed(_ taken: Int) {
        isObserved = false
        guard let context, !isClosing, !context.channel.isWritable else { return }
        if bytesWritten - waitingBytes(context) == taken {
            takesNothing = true
            proceed()
        } else {
            observe()
        }
    }

    /// Closes once nothing more is to come: no input, no answer owed, no line awaited.
    private func closeIfDone() {
        guard let context, !isClosing, !isProceeding, !waitsForTurn, output.isEmpty, answers.isEmpty else { return }
        // A program that subscribed may have nothing more to say, and listens on.
        let isListening = (subscription != nil || isCapturing) && context.channel.isActive
        guard isStopping || inputHasEnded && unread.isEmpty && watchedBytes == 0 && !isListening else { return }
        isClosing = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
