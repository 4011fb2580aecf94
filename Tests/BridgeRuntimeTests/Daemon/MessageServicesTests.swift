import BridgeCore
import Dispatch
import Testing

@testable import BridgeRuntime

/// How a program hears of its messages.
@Suite("Message services")
struct MessageServicesTests {
    private final class Client {}

    @Test("until queued: one report, and nothing more when the broker has it")
    func queued() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .queued)
        #expect(try fixture.reported(1))
        try fixture.onLoop { $0.delivered(1) }
        #expect(fixture.reports.all == [.queued(receipt: 1, id: "5")])
    }

    @Test("until delivered: the second report is the last")
    func delivered() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .delivered)
        #expect(try fixture.reported(1))
        try fixture.onLoop { services in
            services.delivered(1)
            services.delivered(1)
        }
        #expect(fixture.reports.all == [.queued(receipt: 1, id: "5"), .delivered(receipt: 1)])
    }

    @Test("until confirmed: the cloud's code, data and message are passed on, whatever the code")
    func confirmed() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .confirmed)
        #expect(try fixture.reported(1))
        try fixture.onLoop { $0.delivered(1) }
        try fixture.cloud(#"{"id":"6","code":200}"#)
        try fixture.cloud(#"{"id":"5","code":200}"#, topic: "/sys/p/d/thing/event/other/post_reply")
        #expect(fixture.reports.all.count == 2)
        try fixture.cloud(#"{"id":"5","code":460,"data":{"a":1},"message":"params not valid"}"#)
        #expect(
            fixture.reports.all.last
                == .confirmed(receipt: 1, code: 460, data: Array(#"{"a":1}"#.utf8), message: "params not valid"))
    }

    @Test("another message's reply does not confirm one that was never sent")
    func sameID() throws {
        let fixture = try MessageServicesFixture()
        for count in 1...3 {
            try fixture.submit(until: .confirmed)
            #expect(try fixture.reported(count))
        }
        try fixture.onLoop { $0.delivered(1) }
        fixture.inFlight.set([2])
        for code in [201, 202, 203] { try fixture.cloud(#"{"id":"5","code":\#(code)}"#) }
        #expect(
            fixture.reports.all.dropFirst(4) == [
                .confirmed(receipt: 1, code: 201, data: nil, message: nil),
                .confirmed(receipt: 2, code: 202, data: nil, message: nil),
            ])
    }

    @Test("a refusal of the cloud is a warning in the journal, without its control characters")
    func cloudRefusal() throws {
        let fixture = try MessageServicesFixture()
        try fixture.cloud(#"{"id":"5","code":460,"message":"bad\u001b[31m\nthing"}"#)
        let warning = try #require(fixture.journal.warnings.first)
        #expect(warning.text.hasSuffix("with code 460: bad [31m thing"))
        #expect(warning.metadata["code"] == "460")
    }

    @Test(
        "the cloud may send what it likes",
        arguments: ["", "{", "[]", #"{"id":5}"#, #"{"code":"x","id":"5"}"#, "\u{0}"])
    func hostileReplies(payload: String) throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .confirmed)
        #expect(try fixture.reported(1))
        try fixture.cloud(payload)
        try fixture.onLoop { $0.delivered(1) }
        try fixture.cloud(#"{"id":"5","code":200}"#)
        #expect(fixture.reports.all.first == .queued(receipt: 1, id: "5"))
    }

    @Test("a dropped message is told with its reason to the one who watches")
    func dropped() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .confirmed)
        #expect(try fixture.reported(1))
        try fixture.onLoop { $0.dropped([DroppedMessage(sequence: 1, reason: .expired)]) }
        #expect(fixture.reports.all.last == .dropped(receipt: 1, .expired))
    }

    @Test("nothing is remembered for a client that has gone, and its message stays queued")
    func gone() throws {
        let fixture = try MessageServicesFixture()
        let client = Client()
        try fixture.submit(until: .confirmed, client: ObjectIdentifier(client))
        #expect(try fixture.reported(1))
        let identifier = ObjectIdentifier(client)
        try fixture.onLoop { services in
            services.left(client: identifier, settled: nil)
            services.delivered(1)
        }
        try fixture.cloud(#"{"id":"5","code":200}"#)
        #expect(fixture.reports.all == [.queued(receipt: 1, id: "5")])
        #expect(fixture.outbox.books.waiting == 1)
    }

    @Test("a full outbox refuses with its word")
    func full() throws {
        let fixture = try MessageServicesFixture(limits: OutboxLimits(maxBytes: 1))
        try fixture.submit(until: .queued)
        #expect(try fixture.reported(1))
        guard case .refused(.queueFull, _) = fixture.reports.all.first else {
            Issue.record("\(fixture.reports.all)")
            return
        }
    }

    @Test("two who wait for the same message both hear of it")
    func twoWatchers() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .delivered, key: "k")
        #expect(try fixture.reported(1))
        try fixture.submit(until: .confirmed, key: "k")
        #expect(try fixture.reported(2))
        try fixture.onLoop { $0.delivered(1) }
        try fixture.cloud(#"{"id":"5","code":200}"#)
        #expect(
            fixture.reports.all == [
                .queued(receipt: 1, id: "5"), .queued(receipt: 1, id: "5"), .delivered(receipt: 1),
                .delivered(receipt: 1),
                .confirmed(receipt: 1, code: 200, data: nil, message: nil),
            ])
    }

    @Test("whoever sends a message again that has left hears at once what became of it")
    func fate() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(until: .queued, key: "k")
        #expect(try fixture.reported(1))
        fixture.outbox.remove(1, as: .delivered, at: 1_000_000)
        try fixture.submit(until: .delivered, key: "k")
        #expect(try fixture.reported(3))
        #expect(fixture.reports.all.suffix(2) == [.queued(receipt: 1, id: "5"), .delivered(receipt: 1)])
        try fixture.submit(until: .confirmed, key: "k")
        #expect(try fixture.reported(5))
        try fixture.cloud(#"{"id":"5","code":200}"#)
        #expect(fixture.reports.all.last == .confirmed(receipt: 1, code: 200, data: nil, message: nil))
    }

    @Test("whoever sends a key again hears of the message that went out: its id, and the reply to it")
    func idOfTheFirst() throws {
        let fixture = try MessageServicesFixture()
        try fixture.submit(id: "5", until: .queued, key: "k")
        #expect(try fixture.reported(1))
        try fixture.submit(id: "6", until: .confirmed, key: "k")
        #expect(try fixture.reported(2))
        try fixture.onLoop { $0.delivered(1) }
        try fixture.cloud(#"{"id":"6","code":200}"#)
        try fixture.cloud(#"{"id":"5","code":201}"#)
        #expect(
            fixture.reports.all.suffix(3) == [
                .queued(receipt: 1, id: "5"), .delivered(receipt: 1),
                .confirmed(receipt: 1, code: 201, data: nil, message: nil),
            ])
    }

    @Test("of a message whose receipt is forgotten nothing is claimed")
    func forgotten() throws {
        let fixture = try MessageServicesFixture(limits: OutboxLimits(maxAge: 60_000))
        try fixture.submit(until: .queued, key: "k")
        #expect(try fixture.reported(1))
        let swept = DispatchSemaphore(value: 0)
        fixture.outbox.remove(1, as: .dropped(.expired), at: 1_000_000) { [outbox = fixture.outbox] _ in
            outbox.sweep(now: WallTime.now.milliseconds) { _ in swept.signal() }
        }
        #expect(swept.wait(timeout: .now() + 10) == .success)
        try fixture.submit(until: .delivered, key: "k")
        #expect(try fixture.reported(3))
        guard case .refused(.unknownReceipt, _) = fixture.reports.all.last else {
            Issue.record("\(fixture.reports.all)")
            return
        }
    }

    @Test("a stop with connections that broke a moment ago is no end in order: the messages may come again")
    func brokenAtTheEnd() throws {
        let fixture = try MessageServicesFixture()
        let client = Client()
        try fixture.submit(until: .queued, client: ObjectIdentifier(client))
        #expect(try fixture.reported(1))
        #expect(try !fixture.onLoop { $0.mayBeRepeated })
        let gone = ObjectIdentifier(client)
        try fixture.onLoop { $0.left(client: gone, settled: 0) }
        #expect(try fixture.onLoop { $0.mayBeRepeated })
    }

    @Test("the same id and content after the connection broke is the same message")
    func afterBreak() throws {
        let fixture = try MessageServicesFixture()
        let clients = [Client(), Client(), Client()]
        try fixture.submit(until: .queued, client: ObjectIdentifier(clients[0]))
        #expect(try fixture.reported(1))
        let first = ObjectIdentifier(clients[0])
        try fixture.onLoop { $0.left(client: first, settled: 0) }
        try fixture.submit(until: .queued, client: ObjectIdentifier(clients[1]))
        #expect(try fixture.reported(2))
        // The second connection ended well: what comes then is another message.
        let second = ObjectIdentifier(clients[1])
        try fixture.onLoop { $0.left(client: second, settled: nil) }
        try fixture.submit(id: "6", until: .queued, client: ObjectIdentifier(clients[2]))
        #expect(try fixture.reported(3))
        #expect(
            fixture.reports.all == [
                .queued(receipt: 1, id: "5"), .queued(receipt: 1, id: "5"), .queued(receipt: 2, id: "6"),
            ])
    }

    @Test("drops and the cloud's refusals are a line each, and numbers")
    func manyDropped() throws {
        let fixture = try MessageServicesFixture()
        try fixture.onLoop { services in
            services.dropped((1...30).map { DroppedMessage(sequence: $0, reason: .queueFull) })
            services.dropped([DroppedMessage(sequence: 31, reason: .purged)])
            for id in 1...20 {
                services.received(
                    InboundMessage(
                        topic: "/sys/p/d/thing/event/property/post_reply",
                        payload: Array("{\"id\":\"\(id)\",\"code\":460,\"message\":\"no params\"}".utf8)))
            }
            services.tellRecurringNews()
        }
        let lines = fixture.journal.warnings.map(\.text)
        #expect(lines.count == 4)
        #expect(lines.first?.hasPrefix("message 1 was dropped: queue-full.") == true)
        #expect(lines.dropFirst().first?.contains("answered message 1 on") == true)
        #expect(lines.contains("29 more messages were dropped: queue-full"))
        #expect(lines.contains("the cloud answered 19 more messages with code 460"))
    }

    @Test("a flood of refusals is two lines in the journal: the first, and a number")
    func manyRefused() throws {
        let fixture = try MessageServicesFixture(limits: OutboxLimits(maxBytes: 1))
        for _ in 0..<50 { try fixture.submit(until: .queued) }
        #expect(try fixture.reported(50))
        try fixture.onLoop { $0.tellRecurringNews() }
        let lines = fixture.journal.warnings
        #expect(lines.count == 2)
        #expect(lines.last?.text == "49 more messages were refused: queue-full")
    }
}
