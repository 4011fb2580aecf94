import BridgeCore
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

    public init(
        configuration: Configuration, version: String, threshold: JournalLogHandler.Threshold, logger: Logger,
        reload: @escaping Reload
    ) {
        self.configuration = configuration
        self.version = version
        self.threshold = threshold
        self.logger = logger
        self.reload = reload
    }

    /// Runs until a graceful shutdown is asked for; throws when the outbox or the socket cannot be had.
    public func run() async throws {
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
            tasks.addTask { await followHangUps(household, eventLoop) }
            tasks.addTask { try? await gracefulShutdown() }
            await tasks.next()
            tasks.cancelAll()
        }
        try await eventLoop.flatSubmit { household.value.stop() }.get()
        try await group.shutdownGracefully()
    }

    /// SIGHUP reads the configuration again, until the task is cancelled.
    private func followHangUps(_ household: NIOLoopBound<Household>, _ eventLoop: any EventLoop) async {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                let result = reload()
                try? await eventLoop.submit { household.value.apply(result) }.get()
            }
        }
    }
}
