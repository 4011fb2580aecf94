import BridgeCore
import Logging
import NIOCore

/// Keeps the link up: opens the port, makes attempt after attempt, waits between them, and moves what the outbox
/// holds onto the line.
///
/// All of it runs on one event loop. What to do after a failure is ``UplinkPolicy``'s decision.
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

    private enum Phase {
        case idle
        case waiting(until: Moment, Scheduled<Void>)
        case attempting(Attempt)
        case stopped
    }

    /// How soon a port that cannot be used is looked at again.
    private static let portRetry = Duration.seconds(1)
    /// How long the line needs to settle after a change of speed.
    private static let speedSettling = Duration.milliseconds(200)
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
    private var policy = UplinkPolicy()
    private var port: SerialPort?
    private var session = MQTTSession()
    private var poison = PoisonWatch()
    private var phase = Phase.idle
    private var repair = Repair.reset
    private var whenStopped: (() -> Void)?
    private var connectSentAt: Moment?

    init(
        settings: Settings, outbox: Outbox, eventLoop: any EventLoop, logger: Logger, listeners: Listeners
    ) {
        self.settings = settings
        self.eventLoop = eventLoop
        self.logger = logger
        self.listeners = listeners
        tap = LineTap(secrets: settings.secrets)
        journal = LinkJournal(logger: logger)
        dispatcher = Dispatcher(outbox: outbox, eventLoop: eventLoop)
        dispatcher.pace = settings.pace.map { PublishPace($0) }
    }

    /// All bytes of the serial line so far: those of earlier attempts and of the present one.
    var bytes: (sent: Int, received: Int) {
        guard case .attempting(let attempt) = phase else { return (situation.bytesSent, situation.bytesReceived) }
        return (situation.bytesSent + attempt.bytesSent, situation.bytesReceived + attempt.bytesReceived)
    }

    /// Messages that were published and not yet acknowledged.
    var inFlight: Int { dispatcher.inFlight }

    func start() {
        eventLoop.preconditionInEventLoop()
        openPort()
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
        guard case .attempting(let attempt) = phase else { return }
        attempt.acknowledge(identifier)
    }

    /// Takes new settings. The link is kept when nothing that matters to it has changed, and what of it can be kept is.
    ///
    /// - Returns: whether the link is brought up anew.
    func apply(_ new: Settings) -> Bool {
        let old = settings
        settings = new
        if new.pace != old.pace { dispatcher.pace = new.pace.map { PublishPace($0) } }
        tap.secrets = new.secrets
        guard let repair = new.repair(from: old, wasOnline: situation.state == .online) else {
            pump()
            return false
        }
        leave { [self] in
            if new.port != old.port { port = nil }
            var plan = policy.restarted(now: .now)
            plan.repair = repair
            begin(plan)
        }
        return true
    }

    /// Ends the session in order, puts the modem back into command mode, and calls back.
    func stop(_ done: @escaping () -> Void) {
        _ = situation.climbed(.stopping)
        listeners.changed()
        leave { [self] in
            port = nil
            phase = .stopped
            done()
        }
    }

    /// Whether the serial side makes progress: no timer of the present attempt or wait is long overdue.
    func makesProgress(now: Moment) -> Bool {
        let due: Moment?
        switch phase {
        case .attempting(let attempt): due = attempt.deadline
        case .waiting(let until, _): due = until
        case .idle, .stopped: due = nil
        }
        return due.map { now - $0 < .seconds(10) } ?? true
    }

    // MARK: Port

    private func openPort() {
        // A port that is waited for is looked at again without a word, until it can be used.
        if !situation.waitsForPort { change(to: .opening) }
        do throws(LinkFailure) {
            let opened = try SerialPort(settings.port)
            change(to: .opening)
            let speedChanged = opened.speedChanged
            port = consume opened
            guard speedChanged else { return attempt() }
            wait(until: .now + Self.speedSettling) { [self] in
                port?.flush()
                attempt()
            }
        } catch {
            situation.lacksPort(error)
            journal.lacksPort(error, now: .now)
            listeners.changed()
            repair = .reset
            wait(until: .now + Self.portRetry) { [self] in openPort() }
        }
    }

    // MARK: Attempts

    private func begin(_ plan: UplinkPolicy.Plan) {
        repair = plan.repair
        wait(until: plan.at) { [self] in
            if repair == .reopen { port = nil }
            if port == nil { openPort() } else { attempt() }
        }
    }

    private func attempt() {
        let descriptor: CInt
        do throws(LinkFailure) {
            guard let copy = try port?.duplicate() else { return openPort() }
            descriptor = copy
        } catch {
            port = nil
            return openPort()
        }
        situation.attempts += 1
        if repair >= .reset { situation.resets += 1 }
        let logger = logger
        let attempt = Attempt(
            modem: ModemLink(settings: settings.modem, start: repair),
            mqtt: MQTTConnection(settings: settings.mqtt, session: session),
            repair: repair, portPath: settings.port.path, tap: tap,
            tracesPackets: { logger.logLevel <= .debug },
            report: { [weak self] in self?.heard($0) })
        session = MQTTSession()
        phase = .attempting(attempt)
        tap.begun(repair)
        attempt.begin(on: descriptor, eventLoop: eventLoop)
    }

    private func heard(_ report: AttemptReport) {
        guard case .attempting(let attempt) = phase else { return }
        tap.heard(report)
        switch report {
        case .climbed(let rung):
            if rung == .connecting {
                situation.connects += 1
                connectSentAt = .now
                policy.connecting(now: .now)
            }
            if !attempt.isLeaving { change(to: rung) }
            if rung == .online { online() }
        case .learned(let fact): learned(fact)
        case .said(let line): logger.dialogue(line)
        case .packets(let bytes, let sent): logger.packets(bytes, sent: sent)
        case .connected(let sessionPresent):
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
        case .note(let text): logger.debug("\(text)")
        case .left: finish(attempt)
        case .failed(let failure):
            if attempt.isLeaving { finish(attempt) } else { failed(failure, attempt) }
        }
    }

    private func online() {
        policy.online(now: .now)
        dispatcher.linkCameUp()
        journal.online(waiting: dispatcher.waiting, figures: situation.figures, now: .now)
        pump()
    }

    private func failed(_ failure: LinkFailure, _ attempt: Attempt) {
        let figures = situation.figures
        let wasOnline = situation.state == .online
        end(attempt)
        if wasOnline { lookForPoison(failure) }
        if case .refused = failure { situation.refusals += 1 }
        if case .portLost = failure {
            port = nil
            situation.lacksPort(failure)
            journal.lacksPort(failure, now: .now)
            listeners.changed()
            repair = .reset
            wait(until: .now + Self.portRetry) { [self] in openPort() }
            return
        }
        let plan = policy.failed(failure, started: attempt.repair, now: .now, random: .random(in: 0..<1))
        let pause = plan.at - .now
        let rung = situation.state
        situation.failed(failure, nextAttempt: WallTime(milliseconds: WallTime.now.milliseconds + pause.inMilliseconds))
        journal.failed(
            failure, at: rung, waiting: dispatcher.waiting, wait: pause, figures: figures, now: .now)
        listeners.changed()
        begin(plan)
    }

    /// The message with which the link breaks again and again is set aside, so that the rest goes on.
    private func lookForPoison(_ failure: LinkFailure) {
        let first = session.inFlight.first?.message.sequence
        if let message = poison.broke(by: failure, firstInFlight: first) {
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
        phase = .idle
        session = attempt.end()
        dispatcher.unload()
        situation.bytesSent += attempt.bytesSent
        situation.bytesReceived += attempt.bytesReceived
        situation.pingRoundTrip = nil
        situation.signInRoundTrip = nil
        dispatcher.attempt = nil
        listeners.sessionEnded()
    }

    // MARK: Ending

    private func leave(_ done: @escaping () -> Void) {
        switch phase {
        case .waiting(_, let scheduled):
            scheduled.cancel()
            phase = .idle
            done()
        case .idle, .stopped:
            done()
        case .attempting(let attempt):
            whenStopped = done
            let limit = Moment.now + Self.leaveLimit
            eventLoop.assumeIsolated().scheduleTask(deadline: limit.deadline) { [weak self, weak attempt] in
                if let self, let attempt { self.finish(attempt) }
            }
            attempt.leave()
        }
    }

    private func finish(_ attempt: Attempt) {
        guard case .attempting(let current) = phase, current === attempt, let done = whenStopped else { return }
        whenStopped = nil
        end(attempt)
        done()
    }

    // MARK: Small parts

    private func learned(_ fact: ModemFact) {
        switch fact {
        case .firmware(let version): situation.firmware = version
        case .address(let address): situation.address = address
        case .mac(let mac): situation.mac = mac
        case .accessPoint(_, _, let signal): situation.signal = signal
        }
    }

    private func pump() {
        guard situation.state == .online, case .attempting(let attempt) = phase, !attempt.isLeaving else { return }
        dispatcher.attempt = attempt
        dispatcher.pump()
    }

    private func change(to rung: Rung) {
        guard situation.climbed(rung) else { return }
        if rung != .online { journal.climbed(rung) }
        listeners.changed()
    }

    private func wait(until moment: Moment, _ action: @escaping () -> Void) {
        let scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: moment.deadline) { [weak self] in
            self?.phase = .idle
            action()
        }
        phase = .waiting(until: moment, scheduled)
    }
}
