import BridgeCore
import Glibc
import Logging
import NIOCore

/// The daemon's parts and how they are connected. Lives on the event loop.
final class Household {
    private let version: String
    private let threshold: JournalLogHandler.Threshold
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let manager = ServiceManager()
    private let outbox: Outbox
    private let uplink: Uplink
    private let services: MessageServices
    private let socket: ListeningSocket
    private let usesPassedSocket: Bool
    private var server: LocalServer?
    private let desk: CloudDesk
    private var configuration: Configuration
    /// What the parts that cannot change were started with.
    private let startedWith: Configuration
    private var watchdog: WatchdogFeeder?
    private var sweeper: RepeatedTask?
    private var expiry = Expiry()
    private lazy var expiryTimer = DeadlineTimer(eventLoop: eventLoop) { [unowned self] in
        expiry.due = nil
        sweep()
    }
    private var unreadable = Unreadable()
    private var shownStatus = ""
    private var shownEvent: [UInt8] = []

    /// Opens the outbox.
    init(
        configuration: Configuration, version: String, threshold: JournalLogHandler.Threshold, logger: Logger,
        eventLoop: any EventLoop
    ) throws {
        self.configuration = configuration
        startedWith = configuration
        self.version = version
        self.threshold = threshold
        self.logger = logger
        self.eventLoop = eventLoop
        let wiring = Wiring()
        logger.event(.started, "espbridged \(version), process \(getpid())")

        let passed = try manager.passedSocket()
        usesPassedSocket = passed != nil
        socket =
            try passed.map { try ListeningSocket(adopting: $0) }
            ?? ListeningSocket(
                path: configuration.socket.path, mode: UInt32(configuration.socket.mode),
                group: configuration.socket.group)
        let bound = NIOLoopBound(wiring, eventLoop: eventLoop)
        outbox = try Outbox(
            path: configuration.outbox.path, limits: configuration.outboxLimits,
            onDamaged: { detail in eventLoop.execute { bound.value.household?.outboxIsDamaged(detail) } },
            onTrouble: { trouble in eventLoop.execute { bound.value.household?.outboxHas(trouble) } },
            onDropped: { dropped in eventLoop.execute { bound.value.services?.dropped(dropped) } })
        for notice in outbox.notices { logger.event(.outboxNotice, level: .error, "\(notice)") }
        uplink = Uplink(
            settings: configuration.uplinkSettings, outbox: outbox, eventLoop: eventLoop, logger: logger,
            listeners: .init(
                delivered: { wiring.services?.delivered($0) },
                dropped: { wiring.services?.dropped([DroppedMessage(sequence: $0, reason: $1)]) },
                received: { wiring.services?.received($0) },
                sessionEnded: {
                    wiring.desk?.sessionEnded()
                    wiring.services?.sessionEnded()
                },
                changed: { wiring.household?.showStatus() }))
        desk = CloudDesk(
            prefix: configuration.localServerSettings(upcomingID: nil).topics.alinkPrefix, outbox: outbox,
            eventLoop: eventLoop,
            logger: logger,
            neighbours: .init(
                offer: { wiring.household?.server?.offer(topic: $0.topic, payload: $0.payload, to: $1) ?? 0 },
                acknowledge: { wiring.household?.uplink.acknowledge($0) },
                sendAhead: { wiring.household?.uplink.sendAhead($0) }))
        services = MessageServices(
            outbox: outbox, desk: desk, defaultQoS: configuration.mqtt.qos, eventLoop: eventLoop, logger: logger,
            questions: .init(
                hello: { wiring.household?.hello() ?? .null },
                status: { wiring.household?.status() ?? .null },
                linkEvent: { wiring.household?.linkEvent() ?? [] },
                added: { wiring.household?.uplink.moreWaiting() },
                purging: { wiring.household?.uplink.unload() },
                expires: { wiring.household?.expires(at: $0) },
                inFlight: { wiring.household?.uplink.inFlight ?? [] }))
        wiring.services = services
        wiring.desk = desk
        wiring.household = self
    }

    /// Parts that have to know of each other before both exist.
    private final class Wiring {
        weak var services: MessageServices?
        weak var desk: CloudDesk?
        weak var household: Household?
    }

    /// Opens the socket, tells the service manager, and begins with the link.
    func start() -> EventLoopFuture<Void> {
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        return LocalServer.start(
            on: socket, settings: configuration.localServerSettings(upcomingID: outbox.upcomingID), services: services,
            eventLoop: eventLoop,
            logger: logger
        ).map { me.value.isServing($0) }
    }

    private func isServing(_ server: LocalServer) {
        self.server = server
        manager.ready()
        logger.event(
            .ready,
            "ready: programs are served on \(usesPassedSocket ? "systemd's socket" : configuration.socket.path), "
                + "\(outbox.books.waiting) waiting in \(configuration.outbox.path)")
        watchdog = manager.watchdogInterval.map { [uplink, manager] interval in
            WatchdogFeeder(
                every: interval, eventLoop: eventLoop, makesProgress: { uplink.makesProgress(now: .now) },
                alive: { manager.alive() })
        }
        uplink.tap.listen(
            while: { [weak server] in server?.isCaptured ?? false },
            tell: { [weak server] line, isStream in server?.tellCapture(line, isStream: isStream) })
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        sweeper = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(60), delay: .seconds(60)) { _ in
            me.value.sweep()
            me.value.services.tellRecurringNews()
        }
        outbox.stage(on: eventLoop) { [logger] hindrance in
            var level = Logger.Level.info
            if case .failed = hindrance { level = .error }
            logger.event(.outboxNotice, level: level, "\(hindrance)")
        }
        sweep()
        uplink.start()
        showStatus()
    }

    /// Drops what is over, and sees to it that what is over next is dropped then.
    private func sweep() {
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let now = WallTime.now.milliseconds
        outbox.sweep(now: now) { [outbox] _ in
            outbox.nextExpiry(after: now) { next in
                eventLoop.execute { next.map { me.value.expires(at: $0) } }
            }
        }
    }

    /// A message is over then.
    private func expires(at time: Int64) {
        guard expiry.isNext(time, now: WallTime.now.milliseconds) else { return }
        expiryTimer.set(expiry.due.map { .now + .milliseconds(max(Expiry.least, $0 - WallTime.now.milliseconds)) })
    }

    /// When a message is over next, as far as is known: wall clock, milliseconds since 1970.
    private struct Expiry {
        /// Between two sweeps, in milliseconds.
        static let least: Int64 = 1000
        /// Later than this, the next regular sweep will see.
        private static let most: Int64 = 60_000
        var due: Int64?

        mutating func isNext(_ time: Int64, now: Int64) -> Bool {
            guard time < now &+ Self.most, time < due ?? .max else { return false }
            due = time
            return true
        }
    }

    /// New clients get `shutting-down`; the session ends with DISCONNECT; what was accepted is on disk.
    func stop() -> EventLoopFuture<Void> {
        manager.stopping()
        logger.event(.stopping, "stopping: ending the session, the modem goes back to command mode")
        sweeper?.cancel()
        expiryTimer.set(nil)
        let promise = eventLoop.makePromise(of: Void.self)
        uplink.stop { promise.succeed() }
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        return promise.futureResult
            .flatMap { me.value.stopServing() }
            .map {
                let household = me.value
                household.watchdog?.stop()
                household.outbox.close(inOrder: !household.services.mayBeRepeated)
                household.logger.event(
                    .stopped, "stopped, \(household.outbox.books.waiting) waiting for the next start")
            }
    }

    /// Only opening it anew saves what can be read; the service manager starts the daemon again.
    private func outboxIsDamaged(_ detail: String) {
        logger.event(
            .outboxNotice, level: .error,
            "the outbox is damaged (\(detail)): the daemon ends; when it is started again, it saves what can be read")
        kill(getpid(), SIGTERM)
    }

    /// What a program is refused for is said where it is refused.
    private func outboxHas(_ trouble: OutboxTrouble) {
        showStatus()
        switch unreadable.news(isSo: trouble.reading != nil, now: .now) {
        case true?:
            let text = OutboxTrouble(reading: trouble.reading).text ?? ""
            logger.event(.outboxNotice, level: .error, "\(text)")
        case false?: logger.event(.outboxNotice, level: .notice, "messages that wait can be read from the disk again")
        case nil: break
        }
    }

    /// Whether the journal says that the outbox cannot be read: a bad block may be met, and not met, each second.
    private struct Unreadable {
        private static let pause = Duration.seconds(600)
        private var isTold = false
        private var toldAt: Moment?

        /// What is to be said, if anything.
        mutating func news(isSo: Bool, now: Moment) -> Bool? {
            guard isSo != isTold else { return nil }
            if isSo, let toldAt, now - toldAt < Self.pause { return nil }
            if isSo { toldAt = now }
            isTold = isSo
            return isSo
        }
    }

    private func stopServing() -> EventLoopFuture<Void> {
        server?.stop() ?? eventLoop.makeSucceededVoidFuture()
    }

    /// Takes a configuration that was read again, or says why not.
    func apply(_ result: Result<Configuration, Daemon.ConfigurationRejected>) {
        manager.reloading()
        defer { manager.ready() }
        switch result {
        case .failure(let rejected):
            logger.event(
                .configurationRejected, level: .error,
                "the configuration has mistakes, the running one stays in force: \(rejected.text)")
        case .success(let new):
            let changes = configuration.changes(to: new)
            configuration = new
            threshold.level = new.logLevel
            outbox.change(limits: new.outboxLimits)
            services.defaultQoS = new.mqtt.qos
            server?.settings = new.localServerSettings(upcomingID: nil)
            desk.serve(prefix: new.localServerSettings(upcomingID: nil).topics.alinkPrefix)
            let relinked = uplink.apply(new.uplinkSettings)
            logger.event(.reloaded, "configuration read again: \(account(of: changes, relinked: relinked))")
        }
    }

    /// What has become of each key that has changed, by name.
    private func account(of changes: [Configuration.Change], relinked: Bool) -> String {
        func keys(_ effect: Configuration.Change.Effect) -> String? {
            let keys = changes.filter { $0.effect == effect }.map(\.key)
            return keys.isEmpty ? nil : keys.joined(separator: ", ")
        }
        // systemd's socket has a path, a mode and a group of its own.
        let stale = startedWith.changes(to: configuration)
            .filter { $0.effect == .restart && !(usesPassedSocket && $0.key.hasPrefix("socket.")) }.map(\.key)
        var parts: [String] = []
        if let atOnce = keys(.atOnce) { parts.append("\(atOnce) in force") }
        if relinked { parts.append("the link is brought up anew for \(keys(.relink) ?? "the new settings")") }
        if let told = keys(.resubscribe) {
            let isKept = !relinked && uplink.situation.state == .online
            parts.append("\(told) goes to the broker \(isKept ? "in the session that stands" : "at the next sign-in")")
        }
        if !stale.isEmpty {
            parts.append("\(stale.joined(separator: ", ")) will be in force after a restart of the daemon")
        }
        if parts.isEmpty { parts.append("nothing has changed") }
        if !relinked { parts.append("the link stays") }
        return parts.joined(separator: "; ")
    }

    // MARK: Answers

    private func hello() -> JSONValue {
        [
            "version": .string(version),
            "protocol": 1,
            "limits": [
                "max_message": .int(configuration.socket.maxMessage),
                "max_depth": 64,
                "max_clients": .int(configuration.socket.maxClients),
                "max_unread": 1_048_576,
            ],
            "product_key": configuration.aliyun.map { .string($0.productKey) } ?? .null,
            "device_name": configuration.aliyun.map { .string($0.deviceName) } ?? .null,
        ]
    }

    private func status() -> JSONValue {
        StatusReport(
            version: version, situation: uplink.situation, uplink: uplink.settings, books: outbox.books,
            trouble: outbox.trouble, inFlight: uplink.inFlight.count, bytes: uplink.bytes,
            clients: server?.clientCount ?? 0,
            lineErrors: uplink.lineErrors, bytesWritten: DiskWrites.sinceStart()
        ).json
    }

    private func linkEvent() -> [UInt8] {
        let situation = uplink.situation
        return LocalEvent.link(state: situation.state, reason: situation.failure.map { "\($0)" })
    }

    // MARK: Service manager

    private func showStatus() {
        let event = linkEvent()
        if event != shownEvent {
            shownEvent = event
            server?.tellLink()
        }
        let line = [uplink.situation.line(waiting: outbox.books.waiting), outbox.trouble.text].compactMap(\.self)
            .joined(separator: "; ")
        guard line != shownStatus else { return }
        shownStatus = line
        manager.status(line)
    }
}
