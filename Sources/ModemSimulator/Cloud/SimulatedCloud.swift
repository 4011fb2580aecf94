import BridgeCore
import NIOCore
import NIOPosix
import NIOSSL

/// ``SimulatedPlatform`` on a TCP port, in the process that starts it.
public final class SimulatedCloud: Sendable {
    /// How it is set up.
    public struct Options: Sendable {
        public var host = "127.0.0.1"
        /// 0 takes any free port, see ``SimulatedCloud/port``.
        public var port = 0
        public var devices: [CloudDevice] = []
        /// Whether rates and connections a minute are limited as on the platform.
        public var enforcesRates = true
        /// The server's certificate chain and key, as PEM files; nil for plain TCP.
        public var tls: TLSFiles?
        /// A Unix socket for ``CloudOrder`` lines.
        public var controlPath: String?
        /// Told of every event, on the cloud's thread.
        public var onEvent: @Sendable (CloudEvent) -> Void = { _ in }

        public init() {}
    }

    /// Where certificate and key are.
    public struct TLSFiles: Sendable {
        public var certificates: String
        public var key: String

        public init(certificates: String, key: String) {
            self.certificates = certificates
            self.key = key
        }
    }

    /// The port that is listened on.
    public let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let engine: NIOLoopBound<CloudEngine>
    private let loop: any EventLoop

    private init(
        port: Int, group: MultiThreadedEventLoopGroup, loop: any EventLoop, engine: NIOLoopBound<CloudEngine>
    ) {
        self.port = port
        self.group = group
        self.loop = loop
        self.engine = engine
    }

    /// Listens; the port is open when this returns.
    public static func start(_ options: Options) async throws -> SimulatedCloud {
        let tls = try options.tls.map { files in
            try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: NIOSSLCertificate.fromPEMFile(files.certificates).map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))))
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        do {
            let engine = try await loop.submit {
                NIOLoopBound(CloudEngine(options: options, loop: loop), eventLoop: loop)
            }.get()
            let server = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                        try channel.pipeline.syncOperations.addHandler(
                            CloudHandler(engine: engine.value, isSecure: tls != nil))
                    }
                }
                .bind(host: options.host, port: options.port).get()
            if let path = options.controlPath {
                _ = try await ServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(OrderHandler(engine: engine.value))
                        }
                    }
                    .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            }
            return SimulatedCloud(port: server.localAddress?.port ?? 0, group: group, loop: loop, engine: engine)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Gives an order; it is carried out when this returns.
    public func perform(_ order: CloudOrder) async throws {
        let engine = engine
        try await loop.submit { engine.value.feed(.ordered(order)) }.get()
    }

    /// Closes everything.
    public func stop() async throws { try await group.shutdownGracefully() }
}

/// Carries out what the platform decides; belongs to one event loop.
final class CloudEngine {
    private var platform: SimulatedPlatform
    private let onEvent: @Sendable (CloudEvent) -> Void
    private let loop: any EventLoop
    private var channels: [SimulatedPlatform.ConnectionID: any Channel] = [:]
    private var lastID = 0
    private var timer: (due: Moment, scheduled: Scheduled<Void>)?

    init(options: SimulatedCloud.Options, loop: any EventLoop) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let wall = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        platform = SimulatedPlatform(
            devices: options.devices, enforcesRates: options.enforcesRates,
            epoch: wall - Moment.monotonic.nanoseconds / 1_000_000)
        onEvent = options.onEvent
        self.loop = loop
    }

    func open(_ channel: any Channel, isSecure: Bool) -> SimulatedPlatform.ConnectionID {
        lastID += 1
        channels[lastID] = channel
        let address = channel.remoteAddress
        feed(.opened(lastID, peer: "\(address?.ipAddress ?? "?"):\(address?.port ?? 0)", isSecure: isSecure))
        return lastID
    }

    func closed(_ id: SimulatedPlatform.ConnectionID) {
        channels[id] = nil
        feed(.closed(id))
    }

    func feed(_ input: SimulatedPlatform.Input) {
        for effect in platform.input(input, now: .monotonic) {
            switch effect {
            case .send(let id, let bytes):
                channels[id]?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            case .close(let id):
                channels.removeValue(forKey: id)?.close(promise: nil)
            case .report(let event): onEvent(event)
            }
        }
        setTimer()
    }

    private func setTimer() {
        guard let deadline = platform.deadline else { return }
        if let timer, timer.due <= deadline, timer.due > .monotonic { return }
        timer?.scheduled.cancel()
        let wait = max(0, (deadline - .monotonic).inNanoseconds)
        let bound = NIOLoopBound(self, eventLoop: loop)
        let scheduled = loop.scheduleTask(in: .nanoseconds(wait)) {
            bound.value.timer = nil
            bound.value.feed(.timePassed)
        }
        timer = (deadline, scheduled)
    }
}

/// Bytes of one connection.
private final class CloudHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let engine: CloudEngine
    private var id: SimulatedPlatform.ConnectionID?

    private let isSecure: Bool

    init(engine: CloudEngine, isSecure: Bool) {
        self.engine = engine
        self.isSecure = isSecure
    }

    func channelActive(context: ChannelHandlerContext) {
        id = engine.open(context.channel, isSecure: isSecure)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) { id.map { engine.closed($0) } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let id { engine.feed(.received(id, Array(buffer.readableBytesView))) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Orders, one a line, each answered with one line.
private final class OrderHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let longestLine = 1_048_576
    private let engine: CloudEngine
    private var received: [UInt8] = []

    init(engine: CloudEngine) { self.engine = engine }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView
        guard received.count <= Self.longestLine else { return context.close(promise: nil) }
        while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: received[..<end], as: UTF8.self)
            received.removeFirst(end + 1)
            let order = CloudOrder(line: line)
            order.map { engine.feed(.ordered($0)) }
            let answer = order == nil ? "error not understood: \(line)\n" : "ok\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
