import BridgeCore
import BridgeRuntime
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Stores nothing, and answers as the test says. Lives on the event loop.
final class FakeServices: LocalServices {
    private(set) var departures: [Int64?] = []

    func left(client: ObjectIdentifier, settled: Int64?) { departures.append(settled) }

    struct Held {
        let submission: Submission
        let receipt: Int64
        let report: (SubmissionReport) -> Void
    }

    /// Whether submissions are queued at once, or held for the test.
    var holds = false
    private(set) var answers: [(id: String, payload: [UInt8])] = []
    private(set) var subscriptions = 0
    private(set) var submissions: [Submission] = []
    var held: [Held] = []

    /// Answers all that is held.
    func releaseAll() {
        let entries = held
        held = []
        for entry in entries { entry.report(.queued(receipt: entry.receipt, id: nil)) }
    }

    func hello() -> JSONValue { ["version": "1.2.3", "protocol": 1] }

    /// Called for each `status`.
    var asked: () -> Void = {}
    var statuses = 0

    func status() -> JSONValue {
        asked()
        return ["state": "online", "clients": 1]
    }

    func answer(id: String, payload: [UInt8], from peer: Peer, report: @escaping (SubmissionReport) -> Void) {
        answers.append((id, payload))
        report(
            id == "1"
                ? .queued(receipt: 7, id: nil) : .refused(.invalidRequest, detail: "nothing waits for this answer"))
    }

    func purge(_ selection: Int64?, by peer: Peer, done: @escaping (Int) -> Void) { done(selection == nil ? 3 : 1) }

    func subscribed(client: ObjectIdentifier) { subscriptions += 1 }

    func linkEvent() -> [UInt8] { LocalEvent.link(state: .online, reason: nil) }

    func receipt(_ query: ReceiptQuery, found: @escaping (Result<Receipt?, OutboxRefusal>) -> Void) {
        if query == .number(13) { return found(.failure(.diskFailed(detail: "disk I/O error"))) }
        found(.success(query == .number(1) ? Receipt(number: 1, alinkID: "5", state: .delivered) : nil))
    }

    func submit(_ submission: Submission, report: @escaping (SubmissionReport) -> Void) {
        submissions.append(submission)
        let entry = Held(submission: submission, receipt: Int64(submissions.count), report: report)
        if holds {
            held.append(entry)
        } else {
            report(.queued(receipt: entry.receipt, id: nil))
            if submission.request.until != .queued { held.append(entry) }
        }
    }
}

/// A server on a real socket, with a loop of its own.
final class LocalServerFixture {
    let folder: TemporaryFolder
    let path: String
    let journal = LogRecorder()
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let server: NIOLoopBound<LocalServer>
    private let services: NIOLoopBound<FakeServices>
    private let loop: any EventLoop
    private var hasStopped = false

    init(maxMessage: Int = 262_144, maxClients: Int = 256, listening: CInt? = nil) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/socket"
        loop = group.next()
        let socket = try listening.map { try ListeningSocket(adopting: $0) } ?? ListeningSocket(path: path, mode: 0o660)
        let settings = LocalServer.Settings(
            maxMessage: maxMessage, maxClients: maxClients,
            topics: .aliyun(productKey: "pk", deviceName: "dn"), firstID: 100)
        let journal = journal
        let loop = loop
        (server, services) = try loop.flatSubmit {
            let services = FakeServices()
            let bound = NIOLoopBound(services, eventLoop: loop)
            let logger = Logger(label: "test") { _ in journal }
            return LocalServer.start(
                on: socket, settings: settings, services: services, eventLoop: loop, logger: logger
            ).map { (NIOLoopBound($0, eventLoop: loop), bound) }
        }.wait()
    }

    deinit {
        if !hasStopped { try? stop() }
        try? group.syncShutdownGracefully()
    }

    /// Runs something on the loop.
    func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (LocalServer, FakeServices) throws -> Result
    ) throws -> Result {
        let (server, services) = (server, services)
        return try loop.submit { try body(server.value, services.value) }.wait()
    }

    func stop() throws {
        hasStopped = true
        let server = server
        try loop.flatSubmit { server.value.stop() }.wait()
    }

    func beginStopping() throws {
        hasStopped = true
        try onLoop { server, _ in _ = server.stop() }
    }

    /// Waits for a condition that the loop brings about; false after ten seconds.
    func becomes(_ condition: @escaping @Sendable (LocalServer, FakeServices) -> Bool) throws -> Bool {
        for _ in 0..<5000 {
            if try onLoop(condition) { return true }
            // One turn of the poll: 2 ms.
            poll(nil, 0, 2)
        }
        return false
    }
}

/// Keeps what is logged.
final class LogRecorder: LogHandler {
    private let entries = Mutex<[(level: Logger.Level, text: String, metadata: Logger.Metadata)]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        entries.withLock { $0.append((event.level, "\(event.message)", event.metadata ?? [:])) }
    }

    var all: [(level: Logger.Level, text: String, metadata: Logger.Metadata)] { entries.withLock { $0 } }

    var texts: [String] { all.map(\.text) }

    var warnings: [(text: String, metadata: Logger.Metadata)] {
        all.filter { $0.level >= .warning }.map { ($0.text, $0.metadata) }
    }
}

/// A local program: blocking calls on a real socket, each limited to ten seconds.
final class UnixClient {
    private var descriptor: CInt
    private var received: [UInt8] = []

    struct Failure: Error {
        let step: String
        let code: CInt
    }

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = descriptor
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure(step: "connect", code: errno) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Waits until something can be read, and leaves it there.
    func waitForAnswer() -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 10_000) == 1
    }

    func shutdownWriting() { shutdown(descriptor, CInt(SHUT_WR)) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(step: "send", code: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line without its line feed; nil at the end of the stream.
    func line() throws -> String? {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                defer { received.removeFirst(end + 1) }
                return String(decoding: received[..<end], as: UTF8.self)
            }
            guard try receive() else { return nil }
        }
    }

    /// All lines up to the end of the stream.
    func lines() throws -> [String] {
        while try receive() {}
        defer { received = [] }
        return received.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    private func receive() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(step: "recv", code: errno) }
        received += buffer.prefix(count)
        return count > 0
    }
}
