import BridgeCore
import CSystemd
import Glibc
import NIOCore
import NIOPosix

/// One attempt: a channel on a duplicate of the port's descriptor, with the modem's and MQTT's machines on it, and TLS
/// between them where that is wanted.
///
/// It is never repaired, only replaced. All of it lives on one event loop.
final class Attempt {
    private let portPath: String
    private let modem: ModemHandler
    private let mqtt: MQTTHandler
    private let tls: TLSLayer?
    private let tap: LineTap
    private let report: (AttemptReport) -> Void
    private var channel: (any Channel)?
    private let gate: Gate
    private var isOver: Bool { !gate.isOpen }
    private(set) var isLeaving = false

    init(
        modem link: ModemLink, tls: TLSLayer.Settings?, mqtt connection: MQTTConnection, portPath: String,
        tap: LineTap, tracesPackets: @escaping () -> Bool, report: @escaping (AttemptReport) -> Void
    ) {
        self.portPath = portPath
        // What a machine still says while its channel is being closed is about nothing that matters any more, and
        // must not be taken for the next attempt's word.
        let gate = Gate()
        self.gate = gate
        let guarded: (AttemptReport) -> Void = { if gate.isOpen { report($0) } }
        self.report = guarded
        self.tap = tap
        let layer = tls.map { TLSLayer($0, report: guarded) }
        self.tls = layer
        modem = ModemHandler(link, tap: tap) { report in
            if case .failed(let failure) = report, let layer {
                guarded(.failed(layer.meaning(of: failure)))
            } else {
                guarded(report)
            }
        }
        mqtt = MQTTHandler(connection, tap: tap, tracesPackets: tracesPackets, report: guarded)
    }

    private final class Gate {
        var isOpen = true
    }

    /// When the server was last heard; nil when it never was.
    var lastHeard: Moment? { mqtt.lastHeard }

    var bytesSent: Int { modem.bytesSent }
    var bytesReceived: Int { modem.bytesReceived }

    /// When one of the machines has to be woken at the latest.
    var deadline: Moment? {
        [modem.deadline, tls?.deadline, mqtt.deadline].compactMap { $0 }.min()
    }

    private var tunnelIsOpen: Bool { modem.isOpen && !mqtt.hasEnded }

    /// Begins on `descriptor`, which is closed at the end of the attempt.
    func begin(on descriptor: CInt, eventLoop: any EventLoop) {
        // What an attempt before was not let say would stand before the first words of this one.
        _ = csystemd_tty_discard_output(descriptor)
        let unsent = { Int(csystemd_tty_unsent(descriptor)) }
        modem.unsent = unsent
        mqtt.unsent = unsent
        let handlers = NIOLoopBound([modem] + (tls?.handlers ?? []) + [mqtt], eventLoop: eventLoop)
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(handlers.value)
                }
            }
            .takingOwnershipOfDescriptor(inputOutput: descriptor)
            .whenComplete { result in
                // A channel that could not be made has not taken the descriptor.
                if case .failure = result { close(descriptor) }
                me.value.opened(result, eventLoop: eventLoop)
            }
    }

    private func opened(_ result: Result<any Channel, any Error>, eventLoop: any EventLoop) {
        switch result {
        case .success(let channel):
            guard !isOver else {
                channel.close(promise: nil)
                return
            }
            self.channel = channel
            let me = NIOLoopBound(self, eventLoop: eventLoop)
            channel.closeFuture.whenComplete { _ in me.value.closed() }
        case .failure(let error):
            report(.failed(.portUnusable(path: portPath, detail: "\(error)")))
        }
    }

    /// The channel is gone; without our doing that means a hang-up.
    private func closed() {
        guard !isOver else { return }
        report(.failed(.portLost(path: portPath)))
    }

    func canPublish(_ message: OutgoingMessage) -> Bool { mqtt.canPublish(message) }

    func publish(_ message: OutgoingMessage) { mqtt.publish(message) }

    func acknowledge(_ identifier: UInt16) { mqtt.acknowledge(identifier) }

    /// Other subscriptions are wanted, now or at sign-in.
    func changeSubscriptions(to subscriptions: [Subscription]) { mqtt.changeSubscriptions(to: subscriptions) }

    /// Asks the broker for a sign of life; `.pinged` or a failure follows.
    func probe() { mqtt.probe() }

    /// Ends in order: DISCONNECT when there is a session, out of the tunnel, then `.left` is reported.
    func leave() {
        guard !isLeaving, !isOver else { return }
        isLeaving = true
        guard let channel else {
            report(.left)
            return
        }
        if tunnelIsOpen {
            mqtt.disconnect()
        } else {
            channel.triggerUserOutboundEvent(ModemHandler.TunnelRequest.leave, promise: nil)
        }
    }

    /// Ends at once and hands back what outlives it.
    func end() -> MQTTSession {
        gate.isOpen = false
        tap.streamClosed()
        modem.close()
        channel = nil
        return mqtt.takeSession()
    }
}
