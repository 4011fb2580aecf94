import BridgeCore
import NIOCore

/// Carries out what ``MQTTConnection`` decides, on top of the open tunnel.
final class MQTTHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Input {
        case opened
        case held(since: Moment, waiting: Int)
        case verified
        case received(ByteBuffer)
        case publish(OutgoingMessage)
        case acknowledge(UInt16)
        case probe
        case subscriptions([Subscription])
        case disconnect
        /// The line took so many of the bytes that were sent.
        case taken(Int)
        /// So many bytes stand in the port.
        case unsent(Int)
        case timerFired
    }

    private var connection: MQTTConnection
    private let report: (AttemptReport) -> Void
    private let tracesPackets: () -> Bool
    private let tap: LineTap
    private var trace = PacketTrace()
    private var sentTrace = PacketTrace()
    private var mask = ConnectMask()
    private let inputs = InputQueue<Input>()
    private var timer: DeadlineTimer?
    private var context: ChannelHandlerContext?
    /// Bytes that the port has taken and not sent.
    var unsent: () -> Int = { 0 }
    private var asksForPort = false
    /// How soon the port is asked again; at 921,600 baud it sends 900 bytes meanwhile.
    private static let portPause = TimeAmount.milliseconds(10)

    init(
        _ connection: MQTTConnection, tap: LineTap, tracesPackets: @escaping () -> Bool,
        report: @escaping (AttemptReport) -> Void
    ) {
        self.connection = connection
        self.tap = tap
        self.tracesPackets = tracesPackets
        self.report = report
    }

    var deadline: Moment? { connection.deadline }

    var lastHeard: Moment? { connection.lastHeard }

    /// Whether the connection is over.
    var hasEnded: Bool { connection.hasEnded }

    /// Whether a message of so many bytes may be published now.
    func canPublish(_ message: OutgoingMessage) -> Bool { connection.canPublish(bytes: message.encodedLength) }

    func publish(_ message: OutgoingMessage) { take(.publish(message)) }

    /// A message of the server is safe.
    func acknowledge(_ identifier: UInt16) { take(.acknowledge(identifier)) }

    /// Asks for a sign of life.
    func probe() { take(.probe) }

    /// Other subscriptions are wanted.
    func changeSubscriptions(to subscriptions: [Subscription]) { take(.subscriptions(subscriptions)) }

    /// Sends DISCONNECT and has the modem leave the tunnel.
    func disconnect() { take(.disconnect) }

    /// What outlives this connection; it is over afterwards.
    func takeSession() -> MQTTSession { connection.takeSession() }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        timer = DeadlineTimer(eventLoop: context.eventLoop) { [unowned self] in take(.timerFired) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.set(nil)
        timer = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.set(nil)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(.received(unwrapInboundIn(data)))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? ModemHandler.TunnelEvent {
        case .opened: take(.opened)
        case .held(let since, let waiting): take(.held(since: since, waiting: waiting))
        case .verified: take(.verified)
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    private func take(_ input: Input) {
        inputs.take(input) { next in
            for effect in decide(next) { carryOut(effect) }
            timer?.set(connection.deadline)
        }
        askForPort()
    }

    /// Asks the port for what it has not sent, as long as somebody waits for it.
    private func askForPort() {
        guard let context, connection.asksForPort, !asksForPort else { return }
        asksForPort = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.portPause) { [weak self] in
            guard let self else { return }
            asksForPort = false
            if self.context != nil { take(.unsent(unsent())) }
        }
    }

    private func decide(_ input: Input) -> [MQTTConnection.Effect] {
        switch input {
        case .opened:
            tap.streamOpened()
            return connection.opened(now: .now)
        case .held(let since, let waiting):
            connection.lineHeld(since: since, waiting: waiting, now: .now)
            return []
        case .verified: return connection.verified(now: .now)
        case .received(let buffer):
            tap.stream(Array(buffer.readableBytesView), sent: false)
            if tracesPackets() {
                for packet in trace.received(Array(buffer.readableBytesView)) { report(.packets(packet, sent: false)) }
            }
            return connection.received(ArraySlice(buffer.readableBytesView), now: .now)
        case .publish(let message): return connection.publish(message, now: .now)
        case .acknowledge(let identifier): return connection.acknowledge(packetIdentifier: identifier, now: .now)
        case .probe: return connection.probe(now: .now)
        case .subscriptions(let subscriptions):
            return connection.changeSubscriptions(to: subscriptions, now: .now)
        case .disconnect: return connection.disconnect(now: .now)
        case .taken(let count): return connection.lineTook(count, now: .now)
        case .unsent(let count): return connection.portHolds(count, now: .now)
        case .timerFired: return connection.timerFired(now: .now)
        }
    }

    private func carryOut(_ effect: MQTTConnection.Effect) {
        switch effect {
        case .send(let bytes):
            let shown = mask.masked(bytes)
            tap.stream(shown, sent: true)
            if tracesPackets() {
                for packet in sentTrace.received(shown) { report(.packets(packet, sent: true)) }
            }
            guard let context else { return }
            let taken = context.eventLoop.makePromise(of: Void.self)
            taken.futureResult.assumeIsolated().whenSuccess { [weak self] in self?.take(.taken(bytes.count)) }
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: taken)
        case .climbed(let rung): report(.climbed(rung))
        case .connected(let sessionPresent): report(.connected(sessionPresent: sessionPresent))
        case .written(let sequence): report(.written(sequence))
        case .acknowledged(let sequence): report(.acknowledged(sequence))
        case .undeliverable(let sequence, let error): report(.undeliverable(sequence, error))
        case .message(let message): report(.message(message))
        case .windowOpened: report(.windowOpened)
        case .pinged(let roundTrip): report(.pinged(roundTrip))
        case .refusedSubscriptions(let filters): report(.refusedSubscriptions(filters))
        case .subscriptionsChanged(let added, let removed):
            report(.subscriptionsChanged(added: added, removed: removed))
        case .verify: context?.triggerUserOutboundEvent(ModemHandler.TunnelRequest.verify, promise: nil)
        case .disconnected:
            context?.triggerUserOutboundEvent(ModemHandler.TunnelRequest.leave, promise: nil)
        case .note(let text): report(.note(text))
        case .failed(let failure): report(.failed(failure))
        }
    }
}
