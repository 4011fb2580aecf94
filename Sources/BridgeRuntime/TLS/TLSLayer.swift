import BridgeCore
import NIOCore
import NIOSSL
import NIOTLS

/// TLS of one attempt, between ``ModemHandler`` and ``MQTTHandler``: carries out what ``SecureLine`` decides.
///
///     MQTTHandler ── above ── NIOSSLClientHandler ── below ── ModemHandler
///
/// The library's handler joins the pipeline when the tunnel opens. What it believes to be a TCP connection is a serial
/// port that outlives it, so that it may neither close it (`below` takes that for the end of TLS) nor pass errors on
/// (`above` takes them). Lives on one event loop.
final class TLSLayer {
    struct Settings: Equatable {
        var line: SecureLine.Settings
        /// Empty for the system's authorities.
        var caFile: String
    }

    private let settings: Settings
    private let report: (AttemptReport) -> Void
    private var line: SecureLine
    fileprivate var lower: ChannelHandlerContext?
    fileprivate var upper: ChannelHandlerContext?
    private var timer: DeadlineTimer?
    private var library: NIOSSLClientHandler?
    private var certificate: ServerCertificate?
    private var rejection: TLSFailure?

    init(_ settings: Settings, report: @escaping (AttemptReport) -> Void) {
        self.settings = settings
        self.report = report
        line = SecureLine(settings: settings.line)
    }

    /// The two handlers, lower one first.
    var handlers: [any ChannelHandler] { [TLSLowerHandler(self), TLSUpperHandler(self)] }

    /// When the machine has to be woken at the latest.
    var deadline: Moment? { line.deadline }

    /// What a failure of the line below means.
    func meaning(of failure: LinkFailure) -> LinkFailure { line.meaning(of: failure) }

    fileprivate func added(lower context: ChannelHandlerContext) {
        lower = context
        timer = DeadlineTimer(eventLoop: context.eventLoop) { [unowned self] in
            carryOut(line.timerFired(now: .now))
        }
    }

    fileprivate func removedLower() {
        lower = nil
        timer?.set(nil)
        timer = nil
        library = nil
    }

    // MARK: From below

    fileprivate func heard(_ event: ModemHandler.TunnelEvent) -> Bool {
        switch event {
        case .opened: carryOut(line.opened(now: .now))
        case .verified where line.isSecuring: carryOut(line.verified(now: .now))
        case .verified, .held: return false
        }
        return true
    }

    /// - Returns: whether the library is to have them.
    fileprivate func received(_ buffer: ByteBuffer) -> Bool {
        carryOut(line.received(ArraySlice(buffer.readableBytesView), now: .now))
        return line.takesBytes
    }

    /// The library wants the connection closed: the server said so, or an error that `above` has been told of.
    fileprivate func closed() { carryOut(line.closed()) }

    // MARK: From above

    /// The session is being ended from this side.
    fileprivate func left() {
        line.left()
        timer?.set(nil)
    }

    fileprivate func secured() {
        guard let certificate else { return carryOut(line.broke(.garbage("no certificate came"), now: .now)) }
        let version = library?.tlsVersion.map { "\($0)" } ?? "TLS"
        report(.secured(SecuredSession(version: Self.name(version), cipher: line.cipher, certificate: certificate)))
        carryOut(line.secured())
    }

    /// `tlsv12` as `TLS 1.2`.
    private static func name(_ version: String) -> String {
        let figures = version.filter { $0.isNumber }
        return "TLS " + figures.prefix(1) + (figures.count > 1 ? ".\(figures.dropFirst())" : "")
    }

    fileprivate func broke(_ error: any Error) {
        let trouble = rejection.map { TLSTrouble.certificate($0) } ?? TLSTrouble(libraryText: "\(error)")
        carryOut(line.broke(trouble, now: .now))
    }

    // MARK: Effects

    private func carryOut(_ effects: [SecureLine.Effect]) {
        timer?.set(line.deadline)
        for effect in effects {
            switch effect {
            case .climbed(let rung): report(.climbed(rung))
            case .begin: begin()
            case .opened: upper?.fireUserInboundEventTriggered(ModemHandler.TunnelEvent.opened)
            case .verify: lower?.triggerUserOutboundEvent(ModemHandler.TunnelRequest.verify, promise: nil)
            case .failed(let failure): report(.failed(failure))
            }
        }
    }

    private func begin() {
        guard let lower else { return }
        do {
            let library = try NIOSSLClientHandler(
                context: NIOSSLContext(configuration: Self.configuration),
                serverHostname: ServerCheck.isAddress(settings.line.host) ? nil : settings.line.host,
                customVerificationCallback: verify(on: lower.eventLoop))
            self.library = library
            try lower.pipeline.syncOperations.addHandler(library, position: .after(lower.handler))
        } catch {
            carryOut(line.broke(.garbage("\(error)"), now: .now))
        }
    }

    /// The authorities are none of the library's business, see ``ServerCheck``. TLS 1.0 and 1.1 are not spoken (RFC 8996).
    /// The key shares are those that fit into one record of a few hundred bytes; one of ML-KEM alone has 1.2 kB, a tenth of a
    /// second on the line.
    private static var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.trustRoots = .certificates([])
        configuration.certificateVerification = .noHostnameVerification
        configuration.curves = [.x25519, .secp256r1, .secp384r1]
        return configuration
    }

    /// Reading the authorities takes tens of milliseconds, so it is done beside the event loop.
    private func verify(on eventLoop: any EventLoop) -> NIOSSLCustomVerificationCallback {
        let check = ServerCheck(host: settings.line.host, caFile: settings.caFile)
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        return { chain, promise in
            let encoded = chain.map { (try? $0.toDERBytes()) ?? [] }
            let judged = eventLoop.makePromise(of: Result<ServerCertificate, TLSFailure>.self)
            judged.completeWithTask { await check.judge(encoded) }
            judged.futureResult.whenSuccess { result in
                switch result {
                case .success(let certificate):
                    me.value.certificate = certificate
                    promise.succeed(.certificateVerified)
                case .failure(let failure):
                    me.value.rejection = failure
                    promise.succeed(.failed)
                }
            }
        }
    }
}

/// Next to the modem: hears the tunnel, and lets nobody close the port.
private final class TLSLowerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let layer: TLSLayer

    init(_ layer: TLSLayer) { self.layer = layer }

    func handlerAdded(context: ChannelHandlerContext) { layer.added(lower: context) }

    func handlerRemoved(context: ChannelHandlerContext) { layer.removedLower() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ModemHandler.TunnelEvent, layer.heard(event) { return }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard layer.received(unwrapInboundIn(data)) else { return }
        context.fireChannelRead(data)
        // The library keeps what it has deciphered until then, and the modem's machine delivers upon its timer, too.
        context.fireChannelReadComplete()
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        layer.closed()
        promise?.succeed()
    }
}

/// Next to MQTT: gathers packets into records, and ends TLS before the tunnel is left.
private final class TLSUpperHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let layer: TLSLayer
    /// Packets that were written in this turn of the event loop: they go in one record, which saves its overhead for each
    /// but the first.
    private var gathered: ByteBuffer?
    /// Those who wait to hear that the line has taken what is gathered.
    private var waiting: [EventLoopPromise<Void>] = []
    private var context: ChannelHandlerContext?

    init(_ layer: TLSLayer) { self.layer = layer }

    func handlerAdded(context: ChannelHandlerContext) {
        layer.upper = context
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        layer.upper = nil
        self.context = nil
        for promise in waiting { promise.fail(ChannelError.ioOnClosedChannel) }
        waiting = []
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? TLSUserEvent {
        case .handshakeCompleted: layer.secured()
        case .shutdownCompleted: break
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { layer.broke(error) }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        if let promise { waiting.append(promise) }
        guard gathered == nil else {
            gathered?.writeBuffer(&buffer)
            return
        }
        gathered = buffer
        context.eventLoop.assumeIsolated().execute { [self] in send() }
    }

    func flush(context: ChannelHandlerContext) {}

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        send()
        if case .leave? = event as? ModemHandler.TunnelRequest {
            layer.left()
            // close_notify (RFC 8446, section 6.1)
            context.close(mode: .all, promise: nil)
        }
        context.triggerUserOutboundEvent(event, promise: promise)
    }

    private func send() {
        guard let context, let buffer = gathered else { return }
        gathered = nil
        let taken = context.eventLoop.makePromise(of: Void.self)
        for promise in waiting { taken.futureResult.cascade(to: promise) }
        waiting = []
        context.writeAndFlush(wrapOutboundOut(buffer), promise: taken)
    }
}
