import BridgeCore
import Foundation
import GRDB
import Testing

@testable import BridgeRuntime

/// The same message from a program that did not hear that it was taken; ids of the daemon's own; poison; no reply.
@Suite("Repeated messages, ids, poison and replies that do not come")
struct RepeatedMessageTests {
    private let folder: TemporaryFolder
    private let start = Moment.zero

    init() throws { folder = try TemporaryFolder() }

    private func message(
        _ text: String, id: String = "5", program: Int64 = 1, connection: Int64, broken: Int64? = nil,
        settled: Int64 = 0
    ) -> NewMessage {
        var message = NewMessage.test(text, sender: Sender(program: program, connection: connection))
        message.alinkID = id
        if let broken {
            var connections = BrokenConnections()
            connections.broke(broken, settled: settled, now: start)
            message.suspects = connections.suspects(now: start)
        }
        return message
    }

    @Test("same program, id and content, after the connection broke: the first receipt, waiting or gone")
    func repeated() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await outbox.receipt(message("a", connection: 1)) == 1)
        #expect(
            try await outbox.append(message("a", connection: 2, broken: 1)).get()
                == Appended(sequence: 1, outcome: .repeatedWaiting, original: .init(alinkID: "5", topic: "/t")))
        #expect(await outbox.remove(1, as: .delivered))
        #expect(
            try await outbox.append(message("a", connection: 3, broken: 1)).get()
                == Appended(sequence: 1, outcome: .repeatedGone, original: .init(alinkID: "5", topic: "/t")))
        #expect(outbox.books.received == 1)
        outbox.close()
    }

    @Test("keys that differ only behind U+0000 are different keys, after a restart and after damage too")
    func keysWithNUL() async throws {
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for (number, key) in ["k\0a", "k\0b", "k"].enumerated() {
            #expect(try await outbox.receipt(.test("x", key: key)) == number + 1)
        }
        outbox.close()
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await outbox.receipt(.test("x", key: "k\0b")) == 2)
        #expect(try await outbox.receipt(.test("x", key: "k")) == 3)
        outbox.close()
        let other = try DatabaseQueue(path: folder.database)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "UPDATE ledger SET waiting = 9") }
        try other.close()
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.notices.count == 1)
        #expect(try await outbox.receipt(.test("x", key: "k\0a")) == 1)
        outbox.close()
    }

    @Test("anything else is a message of its own")
    func notRepeated() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await outbox.receipt(message("a", connection: 1))
        var expected: Int64 = 1
        var given = message("a", connection: 2, broken: 1)
        // Its id was given out by the daemon: no program can mean the same message.
        given.upcomingID = 6
        for other in [
            message("a", connection: 2), message("b", connection: 2, broken: 1),
            message("a", id: "6", connection: 2, broken: 1), message("a", program: 2, connection: 2, broken: 1),
            message("a", connection: 2, broken: 9), given,
            // Its program has read that the first one was taken.
            message("a", connection: 2, broken: 1, settled: 1),
        ] {
            expected += 1
            #expect(try await outbox.append(other).get() == Appended(sequence: expected, outcome: .stored))
        }
        outbox.close()
    }

    @Test("whether the process before ended in order is known, and its connections are not used again")
    func crash() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.crash == nil)
        let connection = outbox.newConnection()
        _ = try await outbox.receipt(message("a", connection: connection))
        let copy = try TemporaryFolder()
        for name in folder.names where name != "outbox.db-shm" {
            try FileManager.default.copyItem(atPath: folder.path + "/" + name, toPath: copy.path + "/" + name)
        }
        var revived = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(revived.crash == .init(connection: connection, settled: 0))
        #expect(revived.newConnection() > connection)
        // A person looks, which ends in order and must not hide the crash.
        revived.close(inOrder: false)
        revived = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(revived.crash != nil)
        revived.close()
        revived = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(revived.crash == nil)
        revived.close()
        outbox.close()
    }

    @Test("after a crash only what was stored within a minute before it may come again, waiting or gone")
    func settledBeforeCrash() async throws {
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for seconds in [0, 100, 150, 170] as [Int64] {
            var old = message("\(seconds)", connection: 1)
            old.queuedAt = seconds * 1000
            _ = try await outbox.receipt(old)
        }
        outbox.close(inOrder: false)
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.crash == .init(connection: 1, settled: 2))
        // The receipts, which know when messages left: at 1,000 s, within the same minute.
        for sequence in 1...4 as ClosedRange<Int64> { #expect(await outbox.remove(sequence, as: .delivered)) }
        outbox.close(inOrder: false)
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.crash == .init(connection: 1, settled: 0))
        outbox.close()
    }

    @Test("whoever waits for the reply to a message that was stored before is told in books and receipt, too")
    func awaitedLater() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for connection in 1...2 as ClosedRange<Int64> {
            var asked = message("a", connection: connection, broken: connection == 2 ? 1 : nil)
            asked.awaitsReply = connection == 2
            #expect(try await outbox.receipt(asked) == 1)
        }
        #expect(await outbox.remove(1, as: .delivered))
        outbox.gaveUpWaiting(for: [1])
        #expect(try await outbox.receipt(.number(1))?.state == .dropped(.noReply))
        #expect(outbox.books.dropped == [.noReply: 1])
        outbox.close()
    }

    @Test("a program that gives many messages the same id does not hold others up: the newest are compared")
    func namesakes() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<100 { outbox.append(message("\(index)", connection: 1)) { _ in } }
        #expect(try await outbox.receipt(message("99", connection: 2, broken: 1)) == 100)
        #expect(try await outbox.receipt(message("0", connection: 2, broken: 1)) == 101)
        outbox.close()
    }

    @Test("the daemon's own ids go on after a restart, whatever the rate was")
    func ids() async throws {
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.upcomingID == nil)
        var given = message("a", id: "4294967295", connection: 1)
        given.upcomingID = 4_294_967_296
        _ = try await outbox.receipt(given)
        // An id of the program's own changes nothing.
        _ = try await outbox.receipt(message("b", id: "7", connection: 1))
        outbox.close()
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.upcomingID == 4_294_967_296)
        outbox.close()
    }

    @Test("poison is set aside with its payload, counted and receipted, and forgotten after max_age")
    func poison() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: 1_000))
        _ = try await outbox.receipt(message("bad", connection: 1))
        #expect(await outbox.remove(1, as: .dropped(.poison)))
        #expect(outbox.books.dropped == [.poison: 1])
        #expect(try await outbox.receipt(.number(1))?.state == .dropped(.poison))
        let inspector = try QueueInspector(path: folder.database)
        let found = try #require(try inspector.message(1))
        #expect(found.payload == Array("bad".utf8))
        #expect(found.entry.setAsideAt == 1_000_000)
        var listed: [Int64] = []
        try inspector.forEach(.setAside) { listed.append($0.receipt) }
        #expect(listed == [1])
        _ = await outbox.sweep(now: 1_000_000 + 1_001)
        #expect(try inspector.message(1) == nil)
        outbox.close()
    }

    @Test("no-reply is in receipt and books; a reply that comes late after all takes its place")
    func noReply() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for id in ["1", "2", "3"] {
            var asked = message(id, id: id, connection: 1)
            asked.awaitsReply = id != "3"
            _ = try await outbox.receipt(asked)
        }
        for sequence in 1...3 as ClosedRange<Int64> { #expect(await outbox.remove(sequence, as: .delivered)) }
        // Told by the one who watches, and by the sweep when nobody does.
        outbox.gaveUpWaiting(for: [1])
        _ = await outbox.sweep(now: 1_000_000 + 60_000)
        #expect(try await outbox.receipt(.number(1))?.state == .dropped(.noReply))
        #expect(try await outbox.receipt(.number(2))?.state == .dropped(.noReply))
        #expect(try await outbox.receipt(.number(3))?.state == .delivered)
        #expect(outbox.books.dropped == [.noReply: 2])
        #expect(outbox.books.delivered == 1)
        #expect(outbox.books.balance == 0)
        outbox.confirm(CloudReply(topic: "/t", id: "1", code: 200, data: nil, message: nil), at: 1_100_000)
        guard case .confirmed = try await outbox.receipt(.number(1))?.state else {
            Issue.record("the late reply was not noted")
            return
        }
        #expect(outbox.books.delivered == 2)
        #expect(outbox.books.balance == 0)
        outbox.close()
        let reopened = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(reopened.books.delivered == 2)
        #expect(reopened.books.dropped[.noReply] == 1)
        reopened.close()
    }
}
