import BridgeCore
import Logging
import NIOCore
import NIOPosix

/// Serves local programs on a Unix socket; lives on one event loop, as do all its clients.
public final class LocalServer {
    /// What clients may do.
    public struct Settings: Sendable {
        /// Most bytes of one JSON document.
        public var maxMessage: Int
        public var maxClients: Int
        public var topics: TopicRules
        /// All clients together: most bytes of requests that wait for their commit.
        public var maxPendingBytes = 16 << 20
        /// First id given to an Alink request without one; what changes it later has no effect.
        public var firstID: Int64

        public init(maxMessage: Int = 262_144, maxClients: Int = 256, topics: TopicRules, firstID: Int64) {
            self.maxMessage = maxMessage
            self.maxClients = maxClients
            self.topics = topics
            self.firstID = firstID
        }
    }

    /// In force for connections made from now on, ``Settings/topics`` for all requests.
    public var settings: Settings
    let services: any LocalServices
    let logger: Logger
    let turns: ClientTurns
    var ids: AlinkIDs
    private let eventLoop: any EventLoop
    private let name: ListeningSocket.Name?
    private var listener: (any Channel)?
    private var clients: [ObjectIdentifier: LocalClientHandler] = [:]
    /// Clients that record the line, and whether they want the MQTT stream too.
    private var captures: [ObjectIdentifier: Bool] = [:]
    private(set) var pendingBytes = 0
    private var isStopping = false
    private var stopped: EventLoopPromise<Void>?
    private var hasToldOfCrowd = false

    private init(
        _ socket: ListeningSocket, settings: Settings, services: any LocalServices, eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.settings = settings
        self.services = services
        self.logger = logger
        self.eventLoop = eventLoop
        turns = ClientTurns(eventLoop: eventLoop)
        name = socket.name
        ids = AlinkIDs(start: settings.firstID)
    }

    /// Begins to serve; to be called on the event loop. The socket is owned by the server from now on.
    public static func start(
        on socket: ListeningSocket, settings: Settings, services: any LocalServices, eventLoop: any EventLoop,
        logger: Logger
    ) -> EventLoopFuture<LocalServer> {
        eventLoop.preconditionInEventLoop()
        let server = LocalServer(socket, settings: settings, services: services, eventLoop: eventLoop, logger: logger)
        let bound = NIOLoopBound(server, eventLoop: eventLoop)
        return ServerBootstrap(group: eventLoop)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.accepted(channel) }
            }
            .withBoundSocket(socket.descriptor)
            .map { channel in
                bound.value.listener = channel
                return bound.value
            }
    }

    /// Connected programs.
    public var clientCount: Int { clients.count }

    /// Stops in order: no new connections, new requests are refused with `shutting-down`, answers
    /// that wait for their commit are still given, then all is closed, at the latest after `limit`.
    public func stop(within limit: TimeAmount = .seconds(5)) -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        if let stopped { return stopped.futureResult }
        let promise = eventLoop.makePromise(of: Void.self)
        stopped = promise
        isStopping = true
        name?.remove()
        listener?.close(promise: nil)
        for client in clients.values { client.stop() }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let alarm = eventLoop.scheduleTask(in: limit) {
            for client in bound.value.clients.values { client.abandon() }
        }
        promise.futureResult.whenComplete { _ in alarm.cancel() }
        finishStopping()
        return promise.futureResult
    }

    // MARK: To the clients

    /// Hands a message of the cloud to every program that wants it, or to one of them; says how many have taken it.
    public func offer(topic: String, payload: [UInt8], to only: ObjectIdentifier? = nil) -> Int {
        let method = LocalEvent.method(topic: topic, payload: payload, prefix: settings.topics.alinkPrefix)
        let hearers = clients.filter { entry in
            (only == nil || only == entry.key) && entry.value.subscription?.takes(topic: topic, method: method) ?? false
        }
        guard !hearers.isEmpty else { return 0 }
        let line = LocalEvent.message(topic: topic, payload: payload)
        for hearer in hearers.values { hearer.tell(line) }
        return hearers.values.count { $0.subscription?.observes == false }
    }

    /// The link's state or reason has changed.
    public func tellLink() {
        let line = services.linkEvent()
        for client in clients.values where client.subscription?.link ?? false { client.tell(line) }
    }

    /// Whether somebody records the line.
    public var isCaptured: Bool { !captures.isEmpty }

    /// Something went over the serial line, or over MQTT; a client that does not keep up is disconnected.
    public func tellCapture(_ line: [UInt8], isStream: Bool) {
        for (client, wantsStream) in captures where !isStream || wantsStream { clients[client]?.tell(line) }
    }

    func capture(_ client: LocalClientHandler, stream: Bool) { captures[ObjectIdentifier(client)] = stream }

    // MARK: From the clients

    private func accepted(_ channel: any Channel) throws {
        let isCrowded = clients.count >= settings.maxClients
        guard !isCrowded, !isStopping else {
            if isCrowded, !hasToldOfCrowd {
                hasToldOfCrowd = true
                logger.event(
                    .clientRefused, level: .warning, "a client was turned away: max_clients is reached",
                    Peer.connected(to: channel).metadata)
            }
            let refusal =
                isCrowded
                ? LocalRefusal(.notPermitted, "there are \(settings.maxClients) clients already (max_clients)")
                : LocalRefusal(.shuttingDown, "the daemon is stopping")
            try channel.pipeline.syncOperations.addHandler(TurnAwayHandler(line: LocalAnswer.refused(refusal)))
            return
        }
        let client = LocalClientHandler(server: self, maxMessage: settings.maxMessage)
        clients[ObjectIdentifier(client)] = client
        try channel.pipeline.syncOperations.addHandler(client)
    }

    func left(_ client: LocalClientHandler, settled: Int64?) {
        clients[ObjectIdentifier(client)] = nil
        captures[ObjectIdentifier(client)] = nil
        services.left(client: ObjectIdentifier(client), settled: settled)
        if clients.count < settings.maxClients { hasToldOfCrowd = false }
        finishStopping()
    }

    /// A request of so many bytes begins to wait for its commit.
    func hold(bytes: Int) { pendingBytes += bytes }

    /// A request was answered.
    func release(bytes: Int) {
        let wasFull = isFull
        pendingBytes -= bytes
        guard wasFull, !isFull else { return }
        for client in Array(clients.values) { client.proceed() }
    }

    /// Whether clients have to wait because too much is on its way to the disk.
    var isFull: Bool { pendingBytes >= settings.maxPendingBytes }

    private func finishStopping() {
        if isStopping, clients.isEmpty { stopped?.succeed() }
    }
}

/// Tells a client in one line why it cannot be served, and closes.
private final class TurnAwayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let line: [UInt8]

    init(line: [UInt8]) { self.line = line }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: line)))
            .whenComplete { _ in bound.value.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
