import NIOCore
import NIOEmbedded
import Testing

@testable import BridgeRuntime

/// On an event loop that turns when the test says so.
@Suite struct StagingPollTests {
    private let folder: TemporaryFolder
    private let medium = HeldMedium()
    private let answers = Answers()

    init() throws { folder = try TemporaryFolder() }

    private func outbox() throws -> (Outbox, EmbeddedChannel) {
        let outbox = try Outbox.staged(folder, medium)
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/")).wait()
        outbox.stagingChannel.withLock { $0 = channel }
        return (outbox, channel)
    }

    @Test("A message by itself is answered without an event, and the event is forgotten")
    func alone() throws {
        let (outbox, channel) = try outbox()
        medium.endWhenPolled()
        for name in ["a", "b"] {
            outbox.append(.test(name), completion: answers.take(name))
            channel.embeddedEventLoop.run()
        }
        #expect(answers.all == ["a 1", "b 2"])
        #expect(medium.eventsForgotten == 2)
        outbox.close()
    }

    @Test("A write that takes its time is left to its event")
    func slow() throws {
        let (outbox, channel) = try outbox()
        outbox.append(.test("a"), completion: answers.take("a"))
        channel.embeddedEventLoop.run()
        #expect(answers.all.isEmpty)
        outbox.end(medium)
        #expect(answers.all == ["a 1"])
        #expect(medium.eventsForgotten == 0)
        outbox.close()
    }

    @Test("When others come in the same turn of the loop, nothing is waited for: more may come meanwhile")
    func together() throws {
        let (outbox, channel) = try outbox()
        medium.endWhenPolled()
        for name in ["a", "b", "c"] { outbox.append(.test(name), completion: answers.take(name)) }
        channel.embeddedEventLoop.run()
        #expect(answers.all.isEmpty)
        outbox.end(medium)
        channel.embeddedEventLoop.run()
        #expect(answers.all == ["a 1"])
        outbox.end(medium)
        #expect(answers.all == ["a 1", "b 2", "c 3"])
        outbox.close()
    }

    @Test("The event of a write that has begun meanwhile is not forgotten")
    func next() throws {
        let (outbox, channel) = try outbox()
        medium.endWhenPolled()
        outbox.append(.test("a")) { result in
            answers.take("a")(result)
            // Two, which are not polled for.
            for name in ["b", "c"] { outbox.append(.test(name), completion: answers.take(name)) }
        }
        channel.embeddedEventLoop.run()
        #expect(answers.all == ["a 1"])
        #expect(medium.eventsForgotten == 0)
        outbox.end(medium)
        #expect(answers.all == ["a 1", "b 2", "c 3"])
        outbox.close()
    }

    @Test("A write that turns out to have failed is taken by the database")
    func failed() throws {
        let (outbox, channel) = try outbox()
        outbox.append(.test("a"), completion: answers.take("a"))
        medium.end(StagingError("Input/output error"))
        channel.embeddedEventLoop.run()
        #expect(medium.eventsForgotten == 1)
        outbox.close()
        #expect(answers.all == ["a 1"])
    }

    @Test("Once the channel of the event is closed, its descriptor may be another file's, and is left alone")
    func closed() throws {
        let (outbox, channel) = try outbox()
        medium.endWhenPolled()
        outbox.append(.test("a")) { [answers] result in
            answers.take("a")(result)
            outbox.close()
        }
        channel.embeddedEventLoop.run()
        #expect(answers.all == ["a 1"])
        #expect(medium.eventsForgotten == 0)
    }
}
