import BridgeCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import BridgeRuntime

/// The services on a real outbox and a real loop, and the reports of what was submitted.
final class MessageServicesFixture {
    let folder: TemporaryFolder
    let outbox: Outbox
    let journal = LogRecorder()
    let reports = Reports()
    let inFlight = InFlight()
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let services: NIOLoopBound<MessageServices>

    final class Reports: Sendable {
        private let entries = Mutex<[SubmissionReport]>([])
        func add(_ report: SubmissionReport) { entries.withLock { $0.append(report) } }
        var all: [SubmissionReport] { entries.withLock { $0 } }
    }

    /// What the link has published.
    final class InFlight: Sendable {
        private let sequences = Mutex<[Int64]>([])
        func set(_ new: [Int64]) { sequences.withLock { $0 = new } }
        var all: [Int64] { sequences.withLock { $0 } }
    }

    init(limits: OutboxLimits = OutboxLimits()) throws {
        folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: limits)
        self.outbox = outbox
        loop = group.next()
        let (journal, loop, inFlight) = (journal, loop, inFlight)
        services = try loop.submit {
            NIOLoopBound(
                MessageServices(
                    outbox: outbox,
                    desk: CloudDesk(
                        prefix: "/sys/p/d/", outbox: outbox, eventLoop: loop,
                        logger: Logger(label: "test") { _ in journal },
                        neighbours: .init(offer: { _, _ in 0 }, acknowledge: { _ in }, sendAhead: { _ in })),
                    defaultQoS: .atLeastOnce, eventLoop: loop,
                    logger: Logger(label: "test") { _ in journal },
                    questions: .init(
                        hello: { [:] }, status: { [:] }, linkEvent: { [] }, added: {}, purging: {}, expires: { _ in },
                        inFlight: { inFlight.all })),
                eventLoop: loop)
        }.wait()
    }

    deinit { try? group.syncShutdownGracefully() }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (MessageServices) throws -> Result) throws -> Result {
        let services = services
        return try loop.submit { try body(services.value) }.wait()
    }

    /// Submits a post; the reports gather in ``reports``.
    func submit(id: String = "5", until: Until, client: ObjectIdentifier? = nil, key: String? = nil) throws {
        var request = PublishRequest(
            topic: "/sys/p/d/thing/event/property/post", payload: Array(#"{"id":"\#(id)"}"#.utf8), alinkID: id)
        request.until = until
        request.key = key
        let submission = Submission(request: request, peer: Peer(pid: 1, uid: 0), client: client)
        let reports = reports
        try onLoop { $0.submit(submission) { reports.add($0) } }
    }

    /// The cloud publishes.
    func cloud(_ payload: String, topic: String = "/sys/p/d/thing/event/property/post_reply") throws {
        try onLoop { $0.received(InboundMessage(topic: topic, payload: Array(payload.utf8))) }
    }

    /// Waits until so many reports came; false after ten seconds.
    func reported(_ count: Int) throws -> Bool {
        for _ in 0..<5_000 {
            if reports.all.count >= count { return true }
            try loop.scheduleTask(in: .milliseconds(2)) {}.futureResult.wait()
        }
        return false
    }
}
