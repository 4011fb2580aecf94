import BridgeCore
import Logging
import NIOCore

/// Keeps the link up: opens the port, makes attempt after attempt, waits between them, and moves what the outbox
/// holds onto the line.
///
/// All of it runs on one event loop. What to do next is ``LinkKeeper``'s decision.
final class Uplink {
    /// What the rest of the daemon wants to hear.
    struct Listeners {
        /// A message is at the broker (QoS 1) or on the line (QoS 0).
        var delivered: (Int64) -> Void
        /// A message was given up.
        var dropped: (Int64, DropReason) -> Void
        var received: (InboundMessage) -> Void
        /// What was received and not acknowledged comes again in the next session, or never.
        var sessionEnded: () -> Void
        /// The link's word or reason changed.
        var changed: () -> Void
    }

    /// The longest time an orderly end may take: `+++` with its silences, two commands, at a slow speed.
    private static let leaveLimit = Duration.seconds(6)

    private(set) var situation = LinkSituation()
    /// Hears all that goes over the line.
    let tap: LineTap
    private(set) var settings: Settings
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let dispatcher: Dispatcher
    private var listeners: Listeners
    private var journal: LinkJournal
    private var keeper: LinkKeeper
    private lazy var timer = DeadlineTimer(eventLoop: eventLoop) { [weak self] in
        guard let self else { return }
        carryOut(keeper.timerFired(now: .now))
    }
    private var port: SerialPort?
    private var finder: PortFinder
    private var session = MQTTSession(identifiers: MQTTSession.answeredByCommandMode)
    private var poison = PoisonWatch()
    private var attempt: Attempt?
    /// What the port was last opened as.
    private var portPath: String?
    private var whenStopped: (() -> Void)?
    /// What the settings take that are in force as soon as the link has been left.
    private var pendingRestart: Restart?
    private var connectSentAt: Moment?
    /// Of the attempt that has ended.
    private var figures: Logger.Metadata = [:]

    init(
        settings: Settings, outbox: Outbox, eventLoop: any EventLoop, logger: Logger, listeners: Listeners
    ) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.logger = logger
        self.listeners = listeners
        tap = LineTap(secrets: settings.secrets)
        journal = LinkJournal(logger: logger)
        keeper = LinkKeeper(
            hasResetLine: settings.port.resetLine != .none, mayRefusePlainTCP: settings.mayRefusePlainTCP)
        finder = PortFinder(path: settings.port.path)
        dispatcher = Dispatcher(outbox: outbox, eventLoop: eventLoop) { listeners.dropped($0, .expired) }
        dispatcher.pace = settings.pace.map { PublishPace($0) }
    }

    /// All bytes of the serial line so far: those of earlier attempts and of the present one.
    var bytes: (sent: Int, received: Int) {
        (situation.bytesSent + (attempt?.bytesSent ?? 0), situation.bytesReceived + (attempt?.bytesReceived ?? 0))
    }

    /// What the UART has counted; nil where nothing counts.
    var lineErrors: LineErrors? { port?.lineErrors }

    /// Messages that were published and not yet acknowledged, in that order.
    var inFlight: [Int64] { dispatcher.inFlight }

    func start() {
        eventLoop.preconditionInEventLoop()
        carryOut(keeper.started(now: .now))
    }

    /// Messages were added to the outbox.
    func moreWaiting() {
        dispatcher.moreWaiting()
        pump()
    }

    /// A message that is in the outbox goes before all others.
    func sendAhead(_ message: WaitingMessage) {
        dispatcher.sendAhead(message)
        pump()
    }

    /// Messages are about to be removed from the outbox: only those with the session stay.
    func unload() { dispatcher.unload() }

    /// A message of the server is safe; its PUBACK goes out if the session it came in is still there.
    func acknowledge(_ identifier: UInt16) {
        attempt?.acknowledge(identifier)
    }

    /// Takes new settings. The link is kept when nothing that matters to it has changed, and what of it can be kept is.
    ///
    /// - Returns: whether the link is brought up anew.
    func apply(_ new: Settings) -> Bool {
        guard situation.state != .stopping else { return false }
        let old = settings
        settings = new
        if new.pace != old.pace { dispatcher.pace = new.pace.map { PublishPace($0) } }
        tap.secrets = new.secrets
        let isOnline = situation.state == .online && attempt != nil
        guard let repair = new.repair(from: old, wasOnline: isOnline) else {
            if new.mqtt.subscriptions != old.mqtt.subscriptions {
                attempt?.changeSubscriptions(to: new.mqtt.subscriptions)
            }
            pump()
            return pendingRestart != nil
        }
        let restart = Restart(repair: repair, keepsPort: new.port == old.port).after(pendingRestart)
        pendingRestart = restart
        if new.port != old.port { finder = PortFinder(path: new.port.path) }
        leave { [self] in
            pendingRestart = nil
            carryOut(
                keeper.restarted(
                    from: restart.repair, keepsPort: restart.keepsPort, hasResetLine: new.port.resetLine != .none,
                    mayRefusePlainTCP: new.mayRefusePlainTCP, now: .now))
        }
        return true
    }

    /// Ends the session in order, puts the modem back into command mode, and calls back.
    func stop(_ done: @escaping () -> Void) {
        _ = situation.climbed(.stopping)
        listeners.changed()
        leave { [self] in
            port = nil
            done()
        }
    }

    /// Whether the serial side makes progress: no timer of the present attempt or wait is long overdue.
    func makesProgress(now: Moment) -> Bool {
        let due = attempt?.deadline ?? keeper.deadline
        return due.map { now - $0 < .seconds(10) } ?? true
    }

    // MARK: What the keeper wants

    /// - Parameter figures: what was measured in the attempt that has ended, for the journal.
    private func carryOut(_ effects: [LinkKeeper.Effect], _ figures: Logger.Metadata = [:]) {
        for effect in effects { carryOut(effect, figures) }
        situation.counters = keeper.counters
        timer.set(keeper.deadline)
    }

    private func carryOut(_ effect: LinkKeeper.Effect, _ figures: Logger.Metadata) {
        switch effect {
        case .openPort: openPort()
        case .closePort: port = nil
        case .flushPort: port?.flush()
        case .holdReset(let isHeld):
            guard let trouble = port?.holdReset(isHeld), isHeld else { break }
            logger.event(
                .portTrouble, level: .warning,
                "serial.reset is \"\(settings.port.resetLine.rawValue)\", but the port cannot do it: \(trouble)",
                ["reason": "reset-line"])
        case .attempt(let repair): begin(repair)
        case .lacksPort(let failure):
            situation.lacksPort(failure)
            journal.lacksPort(failure, now: .now)
            listeners.changed()
        case .backsOff(let failure, let rung, let next):
            if case .deviceUsedElsewhere = failure {
                // The other client ends the sessions, whatever was sent in them.
                poison.cleared()
                session.suspect = nil
            }
            let pause = max(next - .now, .zero)
            situation.failed(failure, nextAttempt: .now + pause)
            journal.failed(failure, at: rung, waiting: dispatcher.waiting, wait: pause, figures: figures, now: .now)
            listeners.changed()
        case .waitsForBudget(let failure, let next):
            let pause = max(next - .now, .zero)
            situation.waits(after: failure, nextAttempt: .now + pause)
            journal.waitsForBudget(after: failure, wait: pause)
            listeners.changed()
        }
    }

    private func openPort() {
        // A port that is waited for is looked at again without a word, until it can be used.
        if !situation.waitsForPort { change(to: .opening) }
        do throws(LinkFailure) {
            var wanted = settings.port
            wanted.path = finder.present
            let opened = try SerialPort(wanted)
            if wanted.path != settings.port.path, wanted.path != portPath {
                logger.notice("the adapter of \(settings.port.path) is opened as \(wanted.path)")
            }
            portPath = wanted.path
            finder.opened()
            change(to: .opening)
            let speedChanged = opened.speedChanged
            port = consume opened
            carryOut(keeper.portOpened(speedChanged: speedChanged, now: .now))
        } catch {
            carryOut(keeper.portFailed(error, now: .now))
        }
    }

    // MARK: Attempts

    private func begin(_ repair: Repair) {
        let descriptor: CInt
        do throws(LinkFailure) {
            guard let copy = try port?.duplicate() else { throw .portLost(path: settings.port.path) }
            descriptor = copy
        } catch {
            return carryOut(keeper.failed(error, now: .now, random: 0))
        }
        port?.setSpeed(settings.port.baud)
        let logger = logger
        let attempt = Attempt(
            modem: ModemLink(settings: settings.modem, start: repair, bootSpeed: keeper.bootSpeed), tls: settings.tls,
            mqtt: MQTTConnection(settings: settings.mqtt, session: session),
            portPath: settings.port.path, tap: tap,
            tracesPackets: { logger.logLevel <= .debug },
            report: { [weak self] in self?.heard($0) })
        session = MQTTSession()
        self.attempt = attempt
        tap.begun(repair)
        attempt.begin(on: descriptor, eventLoop: eventLoop)
    }

    private func heard(_ report: AttemptReport) {
        guard let attempt else { return }
        tap.heard(report)
        switch report {
        case .climbed(let rung):
            if rung == .connecting { connectSentAt = .now }
            keeper.climbed(rung, now: .now)
            situation.counters = keeper.counters
            if !attempt.isLeaving { change(to: rung) }
            if rung == .online { online() }
        case .learned(let fact): learned(fact)
        case .setSpeed(let baud): port?.setSpeed(baud)
        case .said(let line): logger.dialogue(line)
        case .packets(let bytes, let sent): logger.packets(bytes, sent: sent)
        case .secured(let session): situation.secured = session
        case .connected(let sessionPresent):
            keeper.accepted(now: .now)
            situation.signInRoundTrip = connectSentAt.map { .now - $0 }
            logger.debug("the broker accepted the session\(sessionPresent ? ", which it still had" : "")")
        case .written(let sequence), .acknowledged(let sequence):
            poison.acknowledged(sequence)
            dispatcher.delivered(sequence)
            listeners.delivered(sequence)
        case .undeliverable(let sequence, let error):
            logger.event(
                .requestRefused, level: .error, "message \(sequence) can go to no broker and is dropped: \(error)",
                ["receipt": "\(sequence)"])
            dispatcher.dropped(sequence, as: .poison)
            listeners.dropped(sequence, .poison)
        case .message(let message): listeners.received(message)
        case .windowOpened: pump()
        case .pinged(let roundTrip): situation.pingRoundTrip = roundTrip
        case .refusedSubscriptions(let filters):
            logger.event(
                .subscriptionRefused, level: .warning,
                "the broker refused the subscription to \(filters.joined(separator: ", "))")
        case .subscriptionsChanged(let added, let removed):
            let parts = [("subscribed to", added), ("unsubscribed from", removed)].filter { !$0.1.isEmpty }
            logger.event(
                .subscriptionsChanged,
                "the broker took the change over: "
                    + parts.map { "\($0) \($1.joined(separator: ", "))" }.joined(separator: "; "))
        case .note(let text): logger.debug("\(text)")
        case .left: finish(attempt)
        case .failed(let failure):
            if attempt.isLeaving { finish(attempt) } else { failed(failure, attempt) }
        }
    }

    private func online() {
        dispatcher.linkCameUp()
        journal.online(waiting: dispatcher.waiting, figures: situation.figures, now: .now)
        pump()
    }

    private func failed(_ failure: LinkFailure, _ attempt: Attempt) {
        figures = situation.figures
        let wasOnline = situation.state == .online
        end(attempt)
        if wasOnline { lookForPoison(failure) }
        carryOut(
            keeper.failed(failure, lastHeard: attempt.lastHeard, now: .now, random: .random(in: 0..<1)), figures)
    }

    /// The message with which the link breaks again and again is set aside, so that the rest goes on.
    private func lookForPoison(_ failure: LinkFailure) {
        if let message = poison.broke(by: failure, exposure: session.exposure, now: .now) {
            session.remove(message)
            logger.event(
                .messageSetAside, level: .error,
                "message \(message) is set aside: the link broke \(PoisonWatch.limit) times in a row while it was being "
                    + "sent. `espbridged queue show \(message)` shows it",
                ["receipt": "\(message)"])
            dispatcher.dropped(message, as: .poison)
            listeners.dropped(message, .poison)
        }
        session.suspect = poison.suspect
    }

    private func end(_ attempt: Attempt) {
        self.attempt = nil
        session = attempt.end()
        dispatcher.unload()
        situation.bytesSent += attempt.bytesSent
        situation.bytesReceived += attempt.bytesReceived
        situation.pingRoundTrip = nil
        situation.signInRoundTrip = nil
        situation.secured = nil
        dispatcher.attempt = nil
        listeners.sessionEnded()
    }

    // MARK: Ending

    private func leave(_ done: @escaping () -> Void) {
        guard let attempt else {
            carryOut(keeper.stopped())
            return done()
        }
        whenStopped = done
        let limit = Moment.now + Self.leaveLimit
        eventLoop.assumeIsolated().scheduleTask(deadline: limit.deadline) { [weak self, weak attempt] in
            if let self, let attempt { self.finish(attempt) }
        }
        attempt.leave()
    }

    private func finish(_ attempt: Attempt) {
        guard attempt === self.attempt, let done = whenStopped else { return }
        whenStopped = nil
        end(attempt)
        carryOut(keeper.stopped())
        done()
    }

    // MARK: Small parts

    private func learned(_ fact: ModemFact) {
        switch fact {
        case .firmware(let version): situation.firmware = version
        case .address(let address): situation.address = address
        case .mac(let mac): situation.mac = mac
        case .accessPoint(_, _, let signal): situation.signal = signal
        case .roundTrip(let time): situation.commandRoundTrip = time
        case .speed(let baud): foundAtSpeed(baud)
        }
    }

    private func foundAtSpeed(_ baud: Int) {
        keeper.found(at: baud)
        situation.bootSpeed = keeper.bootSpeed
        guard baud != settings.port.baud else {
            return logger.warning(
                "the modem answers after AT+UART_CUR: its flow control is on and CTS is not connected; turn it off with AT+UART_DEF"
            )
        }
        logger.warning(
            "the modem runs at \(baud) baud, not at \(settings.port.baud); it is set to that until its next reset. Set it for good with AT+UART_DEF, or correct serial.baud"
        )
    }

    private func pump() {
        guard situation.state == .online, let attempt, !attempt.isLeaving else { return }
        dispatcher.attempt = attempt
        dispatcher.pump()
    }

    private func change(to rung: Rung) {
        guard situation.climbed(rung) else { return }
        if rung != .online { journal.climbed(rung) }
        listeners.changed()
    }
}
