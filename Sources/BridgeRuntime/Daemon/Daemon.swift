import BridgeCore
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The daemon: outbox, local socket and uplink on one event loop, and its talk with the service manager.
public struct Daemon: Service {
    /// Reads the configuration file again; the text says what is wrong with it.
    public typealias Reload = @Sendable () -> Result<Configuration, ConfigurationRejected>

    /// Why a configuration was not taken.
    public struct ConfigurationRejected: Error, Sendable {
        public var text: String

        public init(text: String) { self.text = text }
    }

    private let configuration: Configuration
    private let version: String
    private let threshold: JournalLogHandler.Threshold
    private let logger: Logger
    private let reload: Reload

    /// - Parameter warnings: remarks about the configuration, for the journal.
    public init(
        configuration: Configuration, warnings: [String], version: String, reload: @escaping Reload
    ) {
        self.configuration = configuration
        self.version = version
        self.reload = reload
        let threshold = JournalLogHandler.Threshold(configuration.logLevel)
        self.threshold = threshold
        logger = Logger(label: "espbridged") { _ in JournalLogHandler(threshold: threshold) }
        for warning in warnings { logger.event(.configurationRemark, level: .warning, "\(warning)") }
    }

    /// Runs until SIGTERM or SIGINT.
    public func runUntilStopped() async throws {
        // At a limit of a file's size write(2) fails then, and messages are refused, instead of the daemon being killed.
        signal(SIGXFSZ, SIG_IGN)
        // The library's own lines are about its tasks, not about the link.
        let quiet = Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: self, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        do {
            try await group.run()
        } catch {
            logger.event(.stopped, level: .error, "cannot go on: \(error)")
            throw error
        }
    }

    /// Runs until a graceful shutdown is asked for; throws when the outbox or the socket cannot be had.
    public func run() async throws {
        // Before anybody can know that the daemon is there: until it is trapped, the signal ends a process.
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let household = try await eventLoop.submit {
            let household = try Household(
                configuration: configuration, version: version, threshold: threshold, logger: logger,
                eventLoop: eventLoop)
            return NIOLoopBound(household, eventLoop: eventLoop)
        }.get()
        try await eventLoop.flatSubmit { household.value.start() }.get()

        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await follow(hangUps, household, eventLoop) }
            tasks.addTask { try? await gracefulShutdown() }
            await tasks.next()
            tasks.cancelAll()
        }
        try await eventLoop.flatSubmit { household.value.stop() }.get()
        try await group.shutdownGracefully()
    }

    /// SIGHUP reads the configuration again, until the task is cancelled.
    private func follow(
        _ hangUps: UnixSignalsSequence, _ household: NIOLoopBound<Household>, _ eventLoop: any EventLoop
    ) async {
        await cancelWhenGracefulShutdown {
            for await _ in hangUps {
                let result = reload()
                try? await eventLoop.submit { household.value.apply(result) }.get()
            }
        }
    }
}
