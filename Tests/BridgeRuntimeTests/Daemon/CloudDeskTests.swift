import BridgeCore
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import BridgeRuntime

/// Answers to the cloud on their way to the disk.
@Suite("Cloud desk")
struct CloudDeskTests {
    private let folder: TemporaryFolder
    private let outbox: Outbox
    private let desk: NIOLoopBound<CloudDesk>
    private let loop: any EventLoop

    init() throws {
        folder = try TemporaryFolder()
        // As full as it may be for everything but answers.
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxBytes: 1))
        self.outbox = outbox
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        desk = try loop.submit {
            NIOLoopBound(
                CloudDesk(
                    prefix: "/sys/p/d/", outbox: outbox, eventLoop: loop, logger: Logger(label: "test"),
                    neighbours: .init(offer: { _, _ in 1 }, acknowledge: { _ in }, sendAhead: { _ in })),
                eventLoop: loop)
        }.wait()
    }

    private func receive() async throws {
        let desk = desk
        let request = InboundMessage(topic: "/sys/p/d/thing/service/a", payload: Array(#"{"id":"7"}"#.utf8))
        try await loop.submit { desk.value.received(request) }.get()
    }

    /// What the program is told.
    private func answer(bytes: Int) async throws -> SubmissionReport {
        let (desk, loop) = (desk, loop)
        return try await loop.flatSubmit {
            let promise = loop.makePromise(of: SubmissionReport.self)
            desk.value.answer(id: "7", payload: [UInt8](repeating: 0x20, count: bytes), qos: .atLeastOnce) {
                promise.succeed($0)
            }
            return promise.futureResult
        }.get()
    }

    @Test("a full outbox takes a small answer all the same")
    func allowance() async throws {
        try await receive()
        #expect(try await answer(bytes: 1000) == .queued(receipt: 1, id: nil))
        guard case .failure(.queueFull) = await outbox.append(.test("message")) else {
            Issue.record("the allowance is not for messages")
            return
        }
    }

    @Test("an answer that could not be stored can be given again; one that was stored, not")
    func again() async throws {
        try await receive()
        guard case .refused(.queueFull, _) = try await answer(bytes: 100_000) else {
            Issue.record("more than the allowance was stored")
            return
        }
        outbox.change(limits: OutboxLimits())
        #expect(try await answer(bytes: 100_000) == .queued(receipt: 1, id: nil))
        guard case .refused(.invalidRequest, _) = try await answer(bytes: 1) else {
            Issue.record("a request was answered twice")
            return
        }
    }
}
