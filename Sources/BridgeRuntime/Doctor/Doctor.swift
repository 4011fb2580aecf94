import BridgeCore
import NIOCore
import NIOPosix

/// Climbs the ladder rung by rung against the real modem, and says in words what it finds.
///
/// The port is taken as the daemon takes it, locked and exclusive: while a daemon holds it, nothing is sent. At the end the
/// modem is in command mode.
public final class Doctor {
    /// How the examination ended.
    public enum Verdict: Equatable, Sendable {
        case healthy
        case ill
        /// A running daemon holds the port: its name and process.
        case occupied(by: String)
    }

    /// How long the line needs to settle after a change of speed; a module that opening has reset takes longer.
    private static let settling = TimeAmount.milliseconds(250)

    let settings: Uplink.Settings
    let eventLoop: any EventLoop
    private let say: (Checkup) -> Void
    private let remark: (String) -> Void
    private let verdict: EventLoopPromise<Verdict>
    private(set) var isIll = false
    private var port: SerialPort?
    private var hasSaidSearch = false
    /// The session that is being tried.
    var session: SessionExamination?

    private init(
        _ configuration: Configuration, eventLoop: any EventLoop, say: @escaping (Checkup) -> Void,
        remark: @escaping (String) -> Void
    ) {
        settings = configuration.uplinkSettings
        self.eventLoop = eventLoop
        self.say = say
        self.remark = remark
        verdict = eventLoop.makePromise()
    }

    /// Examines the line that `configuration` describes.
    ///
    /// - Parameters:
    ///   - say: each rung, as soon as it is known.
    ///   - remark: what goes on meanwhile, for a person who waits.
    public static func examine(
        _ configuration: Configuration, say: @escaping @Sendable (Checkup) -> Void,
        remark: @escaping @Sendable (String) -> Void
    ) async throws -> Verdict {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let verdict = try await eventLoop.flatSubmit {
            let doctor = Doctor(configuration, eventLoop: eventLoop, say: say, remark: remark)
            doctor.begin()
            // The doctor lives as long as it works.
            let bound = NIOLoopBound(doctor, eventLoop: eventLoop)
            return doctor.verdict.futureResult.always { _ in bound.value.session = nil }
        }.get()
        try await group.shutdownGracefully()
        return verdict
    }

    func report(_ checkup: Checkup) {
        if checkup.result == .bad { isIll = true }
        say(checkup)
    }

    // MARK: The port

    private func begin() {
        lookAtClock()
        do throws(LinkFailure) {
            let opened = try SerialPort(settings.port)
            let flow = settings.port.hardwareFlowControl ? "RTS/CTS" : "no flow control"
            let line = settings.port.resetLine
            let reset = line == .none ? "" : ", reset by \(line.rawValue.uppercased())"
            let trouble = opened.lineTrouble.map { ", which the port cannot set: \($0)" } ?? ""
            report(Checkup(.port, .good, "\(settings.port.path), 8N1, \(flow)\(reset)\(trouble)"))
            port = consume opened
            let settling = line == .none ? Self.settling : .nanoseconds(LinkKeeper.bootTime.inNanoseconds)
            eventLoop.assumeIsolated().scheduleTask(in: settling) { [self] in
                port?.flush()
                examineLine()
            }
        } catch {
            if case .portHeld(_, let holders) = error, let daemon = holders.first(where: Self.isDaemon) {
                verdict.succeed(.occupied(by: daemon))
            } else {
                // Other users' programs have no names here.
                let isNameless = if case .portHeld(_, let holders) = error { holders.isEmpty } else { false }
                let more = isNameless ? ["If it is the daemon: systemctl stop espbridged.socket espbridged."] : []
                report(Checkup(.port, error, more: more))
                finish()
            }
        }
    }

    private static func isDaemon(_ holder: String) -> Bool { holder.hasPrefix("espbridged[") }

    private func lookAtClock() {
        let now = WallTime.now
        if now.isPlausible {
            report(Checkup(.clock, .good, now.text))
        } else {
            report(
                Checkup(
                    .clock, .bad, "The clock shows \(now.text).",
                    advice: ["Set it (timedatectl), or fit the board with a clock that has a battery."]))
        }
    }

    /// A descriptor for a channel; nil, and the end, when there is none to be had.
    func descriptor() -> CInt? {
        do throws(LinkFailure) {
            if let copy = try port?.duplicate() { return copy }
        } catch {
            report(Checkup(.port, error))
        }
        finish()
        return nil
    }

    // MARK: The line and the modem

    private func examineLine() {
        guard let descriptor = descriptor() else { return }
        let handler = ExaminationHandler(
            Examination(settings: settings.modem),
            calls: .init(
                setSpeed: { [self] in setSpeed($0) }, checked: { [self] in report($0) },
                finished: { [self] in finishedLine($0) }))
        let bound = NIOLoopBound((handler, self), eventLoop: eventLoop)
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value.0)
                }
            }
            .takingOwnershipOfDescriptor(inputOutput: descriptor)
            .whenFailure { error in
                let me = bound.value.1
                me.report(Checkup(.port, .portUnusable(path: me.settings.port.path, detail: "\(error)")))
                me.finish()
            }
    }

    private func setSpeed(_ baud: Int) {
        if !hasSaidSearch {
            hasSaidSearch = true
            remark(
                "nothing that makes sense at \(settings.port.baud) bits a second; trying other speeds (up to a minute)")
        }
        if port?.setSpeed(baud) == false { remark("the port cannot run at \(baud) bits a second") }
        port?.flush()
    }

    private func finishedLine(_ isGood: Bool?) {
        switch isGood {
        case nil:
            report(Checkup(.port, .portLost(path: settings.port.path)))
            finish()
        case false?: finish()
        case true?:
            let session = SessionExamination(self)
            self.session = session
            session.begin()
        }
    }

    func finish() {
        // Left at the speed at which the next program expects it.
        if hasSaidSearch { port?.setSpeed(settings.port.baud) }
        port = nil
        verdict.succeed(isIll ? .ill : .healthy)
    }
}
