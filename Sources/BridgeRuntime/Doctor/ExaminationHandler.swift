import BridgeCore
import NIOCore

/// Carries out what ``Examination`` decides, on the channel of the serial port.
final class ExaminationHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What is not a matter of bytes.
    struct Calls {
        var setSpeed: (Int) -> Void
        var checked: (Checkup) -> Void
        /// nil when the port has gone away.
        var finished: (_ isGood: Bool?) -> Void
    }

    private enum Input {
        case begun
        case received(ByteBuffer)
        case timerFired
    }

    private var examination: Examination
    private let calls: Calls
    private let inputs = InputQueue<Input>()
    private var hasFinished = false
    private var timer: DeadlineTimer?

    init(_ examination: Examination, calls: Calls) {
        self.examination = examination
        self.calls = calls
    }

    func channelActive(context: ChannelHandlerContext) {
        timer = DeadlineTimer(eventLoop: context.eventLoop) { [unowned self] in take(.timerFired, context) }
        take(.begun, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.set(nil)
        timer = nil
        if !hasFinished { calls.finished(nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(.received(unwrapInboundIn(data)), context) }

    private func take(_ input: Input, _ context: ChannelHandlerContext) {
        inputs.take(input) { next in
            for effect in decide(next) { carryOut(effect, context) }
            timer?.set(examination.deadline)
        }
    }

    private func decide(_ input: Input) -> [Examination.Effect] {
        switch input {
        case .begun: examination.begun(now: .now)
        case .received(let buffer): examination.received(ArraySlice(buffer.readableBytesView), now: .now)
        case .timerFired: examination.timerFired(now: .now)
        }
    }

    private func carryOut(_ effect: Examination.Effect, _ context: ChannelHandlerContext) {
        switch effect {
        case .send(let bytes):
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        case .setSpeed(let baud): calls.setSpeed(baud)
        case .checked(let checkup): calls.checked(checkup)
        case .finished(let isGood):
            hasFinished = true
            let calls = NIOLoopBound(calls, eventLoop: context.eventLoop)
            context.close().whenComplete { _ in calls.value.finished(isGood) }
        }
    }
}
