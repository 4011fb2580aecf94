import BridgeCore
import NIOCore
import NIOPosix
import Testing

@testable import BridgeRuntime

/// What goes onto the line, and what does not.
@Suite("Dispatcher")
struct DispatcherTests {
    private final class Line: Publisher {
        var isOpen = true
        var published: [Int64] = []

        func canPublish(_ message: OutgoingMessage) -> Bool { isOpen }

        func publish(_ message: OutgoingMessage) { published.append(message.sequence) }
    }

    private struct Parts {
        let dispatcher: Dispatcher
        let line = Line()
        let expired: Expired
    }

    private final class Expired {
        var sequences: [Int64] = []
    }

    private let folder: TemporaryFolder
    private let outbox: Outbox
    private let loop: any EventLoop
    private let parts: NIOLoopBound<Parts>

    init() throws {
        folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: .max))
        self.outbox = outbox
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        parts = try loop.submit {
            let expired = Expired()
            let dispatcher = Dispatcher(outbox: outbox, eventLoop: loop) { expired.sequences.append($0) }
            return NIOLoopBound(Parts(dispatcher: dispatcher, expired: expired), eventLoop: loop)
        }.wait()
    }

    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (Parts) throws -> Result
    ) async throws -> Result {
        let parts = parts
        return try await loop.submit { try body(parts.value) }.get()
    }

    /// An answer as it is handed out once it is stored.
    private func answer(expiresAt: Int64?) async throws -> WaitingMessage {
        var message = NewMessage.test("answer", expiresAt: expiresAt, sender: .daemon)
        message.isTaken = true
        let receipt = try await outbox.receipt(message)
        return WaitingMessage(
            sequence: receipt, topic: message.topic, payload: message.payload, qos: 1, alinkID: nil,
            queuedAt: message.queuedAt, expiresAt: expiresAt)
    }

    @Test("what is worthless by the time it could be sent is dropped as expired, counted and told; the rest goes")
    func expiredAhead() async throws {
        let late = try await answer(expiresAt: 1_000_000)
        let good = try await answer(expiresAt: .max)
        try await onLoop { parts in
            parts.dispatcher.attempt = parts.line
            parts.dispatcher.sendAhead(late)
            parts.dispatcher.sendAhead(good)
            parts.dispatcher.pump()
            #expect(parts.line.published == [good.sequence])
            #expect(parts.expired.sequences == [late.sequence])
            #expect(parts.dispatcher.inFlight == [good.sequence])
            parts.dispatcher.delivered(good.sequence)
            #expect(parts.dispatcher.inFlight == [])
        }
        #expect(outbox.books.dropped[.expired] == 1)
        #expect(outbox.books.delivered == 1)
        #expect(try await outbox.receipt(.number(late.sequence))?.state == .dropped(.expired))
        #expect(outbox.books.balance == 0)
    }

    @Test("its time ends although the line takes nothing")
    func expiredBehindWindow() async throws {
        let late = try await answer(expiresAt: 1_000_000)
        try await onLoop { parts in
            parts.line.isOpen = false
            parts.dispatcher.attempt = parts.line
            parts.dispatcher.sendAhead(late)
            parts.dispatcher.pump()
            #expect(parts.expired.sequences == [late.sequence])
        }
    }

    @Test("an answer given while the link is down waits in the outbox, where its time ends")
    func offline() async throws {
        let late = try await answer(expiresAt: 1_000_000)
        let good = try await answer(expiresAt: 3_000_000)
        try await onLoop { parts in
            parts.dispatcher.sendAhead(late)
            parts.dispatcher.sendAhead(good)
            parts.dispatcher.pump()
        }
        #expect(await outbox.sweep(now: 2_000_000) == 1)
        #expect(try await outbox.take(now: 2_000_000).map(\.sequence) == [good.sequence])
    }
}
