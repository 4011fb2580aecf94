import BridgeCore
import NIOCore

/// Carries out what ``ModemLink`` decides, on the channel of the serial port.
///
/// Below it are the modem's bytes; above it, once the tunnel is open, those of the TCP connection.
final class ModemHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fired up the pipeline when the tunnel opens.
    enum TunnelEvent: Sendable {
        case opened
        case verified
        /// What was written waited since then; so many bytes begin to leave now.
        case held(since: Moment, waiting: Int)
    }
    /// Triggered down the pipeline: for the orderly end, and to look after the connection.
    enum TunnelRequest: Sendable { case leave, verify }

    private enum Input {
        case begun
        case received(ByteBuffer)
        case write(ByteBuffer)
        case leave
        case verify
        case timerFired
    }

    private var link: ModemLink
    private let report: (AttemptReport) -> Void
    private let tap: LineTap
    private let inputs = InputQueue<Input>()
    private var timer: DeadlineTimer?
    private var context: ChannelHandlerContext?
    /// Whether the tunnel is open.
    private(set) var isOpen = false
    private(set) var bytesSent = 0
    private(set) var bytesReceived = 0
    /// What was written for the tunnel and has not left, with who waits to hear that it has.
    private var written = ByteLedger<EventLoopPromise<Void>?>()
    private var mask = ConnectMask()
    /// Bytes that the port has taken and not sent.
    var unsent: () -> Int = { 0 }
    /// How soon a port that has bytes to send is looked at again, and for how long the orderly end waits for that, and a look.
    private static let drainPause = Duration.milliseconds(50)
    private static let drainLimits = (leaving: Duration.seconds(2), looking: Duration.seconds(20))

    init(_ link: ModemLink, tap: LineTap, report: @escaping (AttemptReport) -> Void) {
        self.link = link
        self.tap = tap
        self.report = report
    }

    /// When the machine has to be woken at the latest.
    var deadline: Moment? { link.deadline }

    /// Closes the descriptor at once, whatever the handlers above would have to say to the other side.
    func close() { context?.close(promise: nil) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        timer = DeadlineTimer(eventLoop: context.eventLoop) { [unowned self] in take(.timerFired, context) }
        take(.begun, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.set(nil)
        timer = nil
        for promise in written.removeAll() { promise?.fail(ChannelError.ioOnClosedChannel) }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        bytesReceived += buffer.readableBytes
        take(.received(buffer), context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        guard context.channel.isActive, buffer.readableBytes > 0 else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        written.wrote(buffer.readableBytes, promise)
        take(.write(buffer), context)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let request = event as? TunnelRequest else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        switch request {
        case .leave: takeWhenSent(.leave, until: .now + Self.drainLimits.leaving, context)
        case .verify: takeWhenSent(.verify, until: .now + Self.drainLimits.looking, context)
        }
        promise?.succeed()
    }

    /// `+++` behind bytes that flow control holds back would be taken for more of them, and so would the commands after it.
    /// Both are put off until they have gone, or will not.
    private func takeWhenSent(_ input: Input, until limit: Moment, _ context: ChannelHandlerContext) {
        guard timer != nil else { return }
        let now = Moment.now
        guard unsent() > 0, now < limit else { return take(input, context) }
        context.eventLoop.assumeIsolated().scheduleTask(deadline: (now + Self.drainPause).deadline) { [weak self] in
            self?.takeWhenSent(input, until: limit, context)
        }
    }

    private func take(_ input: Input, _ context: ChannelHandlerContext) {
        inputs.take(input) { next in
            for effect in decide(next) { carryOut(effect, context) }
            timer?.set(link.deadline)
        }
    }

    private func decide(_ input: Input) -> [ModemLink.Effect] {
        switch input {
        case .begun: link.begun(now: .now)
        case .received(let buffer): received(buffer)
        case .write(let buffer): link.write(Array(buffer.readableBytesView), now: .now)
        case .leave: link.leave(now: .now)
        case .verify: link.verify(now: .now)
        case .timerFired: link.timerFired(now: .now)
        }
    }

    private func received(_ buffer: ByteBuffer) -> [ModemLink.Effect] {
        tap.received(buffer, inDataMode: link.isOpen, isConfidential: link.isConfidential)
        return link.received(ArraySlice(buffer.readableBytesView), now: .now)
    }

    private func carryOut(_ effect: ModemLink.Effect, _ context: ChannelHandlerContext) {
        switch effect {
        case .send(let bytes):
            bytesSent += bytes.count
            tap.sent(bytes, inDataMode: link.isOpen)
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        case .forward(let bytes): forward(bytes, context)
        case .climbed(let rung): report(.climbed(rung))
        case .learned(let fact): report(.learned(fact))
        case .setSpeed(let baud): report(.setSpeed(baud))
        case .said(let line): report(.said(line))
        case .opened:
            isOpen = true
            context.fireUserInboundEventTriggered(TunnelEvent.opened)
        case .held(let since, let waiting):
            context.fireUserInboundEventTriggered(TunnelEvent.held(since: since, waiting: waiting))
        case .verified: context.fireUserInboundEventTriggered(TunnelEvent.verified)
        case .deliver(let bytes):
            context.fireChannelRead(wrapInboundOut(context.channel.allocator.buffer(bytes: bytes)))
        case .left: report(.left)
        case .failed(let failure): report(.failed(failure))
        }
    }

    /// Bytes of the tunnel: whoever wrote them hears of it once the port has taken them.
    private func forward(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        bytesSent += bytes.count
        tap.sent(mask.masked(bytes), inDataMode: true)
        let taken = context.eventLoop.makePromise(of: Void.self)
        var count = bytes.count
        while let promise = written.left(&count) { taken.futureResult.cascade(to: promise) }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: taken)
    }
}
