import BridgeCore
import GRDB
import Synchronization
import Testing

@testable import BridgeRuntime

/// Where messages stand, also after they left, and after a restart.
@Suite("Receipts")
struct ReceiptTests {
    private static let topic = "/t"

    private func message(_ id: String, queuedAt: Int64 = 1_000_000) -> NewMessage {
        NewMessage(topic: Self.topic, payload: [1], qos: 1, alinkID: id, queuedAt: queuedAt)
    }

    private func reply(_ id: String, code: Int = 200, topic: String = Self.topic) -> CloudReply {
        CloudReply(topic: topic, id: id, code: code, data: Array(#"{"a":1}"#.utf8), message: "success")
    }

    private func state(_ outbox: Outbox, _ query: ReceiptQuery) async throws -> Receipt.State? {
        try await outbox.receipt(query)?.state
    }

    @Test("waiting, delivered, confirmed: by number and by id")
    func life() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let number = try await outbox.receipt(message("5"))
        for query in [ReceiptQuery.number(number), .id("5")] {
            #expect(try await state(outbox, query) == .waiting)
        }
        outbox.remove(number, as: .delivered, at: 1_000_000)
        for query in [ReceiptQuery.number(number), .id("5")] {
            #expect(try await state(outbox, query) == .delivered)
        }
        outbox.confirm(reply("5", code: 460), at: 1_000_000)
        let confirmed = Receipt.State.confirmed(code: 460, data: Array(#"{"a":1}"#.utf8), message: "success")
        for query in [ReceiptQuery.number(number), .id("5")] {
            #expect(try await state(outbox, query) == confirmed)
        }
        #expect(try await outbox.receipt(.number(99)) == nil)
        #expect(try await outbox.receipt(.id("6")) == nil)
    }

    @Test("a reply that came in time, and is not written yet, is not overdue")
    func unwrittenReply() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        var awaited = message("5")
        awaited.awaitsReply = true
        let number = try await outbox.receipt(awaited)
        outbox.remove(number, as: .delivered, at: 1_000_000)
        // Asking has the removal written; what comes now waits for a transaction.
        #expect(try await state(outbox, .number(number)) == .delivered)
        outbox.confirm(reply("5"), at: 1_001_000)
        await withCheckedContinuation { continuation in
            outbox.sweep(now: 1_000_000 + 120_000) { _ in continuation.resume() }
        }
        #expect(outbox.books.dropped[.noReply] == nil)
        guard case .confirmed = try await state(outbox, .number(number)) else {
            Issue.record("\(String(describing: try await state(outbox, .number(number))))")
            return
        }
    }

    @Test("all of it after a restart, the reply of another session too")
    func restart() async throws {
        let folder = try TemporaryFolder()
        do {
            let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
            for id in ["1", "2", "3"] { _ = try await outbox.receipt(message(id)) }
            outbox.remove(1, as: .delivered, at: 1_000_000)
            outbox.remove(2, as: .dropped(.expired), at: 1_000_000)
            outbox.close()
        }
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await state(outbox, .id("1")) == .delivered)
        #expect(try await state(outbox, .id("2")) == .dropped(.expired))
        #expect(try await state(outbox, .id("3")) == .waiting)
        outbox.confirm(reply("1"), at: 1_000_000)
        guard case .confirmed(200, _, "success") = try await state(outbox, .number(1)) else {
            Issue.record("the reply of another session was not noted")
            return
        }
    }

    @Test("a reply that comes before its PUBACK counts; the removal does not undo it")
    func replyFirst() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let number = try await outbox.receipt(message("5"))
        var early = reply("5")
        early.inFlight = [number]
        outbox.confirm(early, at: 1_000_000)
        outbox.remove(number, as: .delivered, at: 1_000_000)
        guard case .confirmed = try await state(outbox, .number(number)) else {
            Issue.record("the reply was lost")
            return
        }
        #expect(outbox.books.delivered == 1)
    }

    @Test("a reply to something else is noted nowhere", arguments: [("6", "/t"), ("5", "/other")])
    func foreignReply(id: String, topic: String) async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let number = try await outbox.receipt(message("5"))
        outbox.remove(number, as: .delivered, at: 1_000_000)
        outbox.confirm(reply(id, topic: topic), at: 1_000_000)
        #expect(try await state(outbox, .number(number)) == .delivered)
        #expect(try await outbox.receipt(.id("6")) == nil)
    }

    @Test("a reply to a message that has one already confirms no other that was never sent")
    func neverSent() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let sent = try await outbox.receipt(message("5"))
        let unsent = try await outbox.receipt(message("5"))
        outbox.remove(sent, as: .delivered, at: 1_000_000)
        for _ in 0..<2 { outbox.confirm(reply("5"), at: 1_000_000) }
        #expect(try await state(outbox, .number(unsent)) == .waiting)
    }

    @Test("an id that was used again: each reply is noted for the message that it answers, in their order")
    func inOrder() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for _ in 0..<3 { _ = try await outbox.receipt(message("5")) }
        for number in [1, 2] as [Int64] { outbox.remove(number, as: .delivered, at: 1_000_000) }
        for code in 1...3 {
            var reply = reply("5", code: code)
            reply.inFlight = [3]
            outbox.confirm(reply, at: 1_000_000)
        }
        for number in 1...3 as ClosedRange<Int64> {
            guard case .confirmed(Int(number), _, _) = try await state(outbox, .number(number)) else {
                Issue.record("\(number): \(String(describing: try await state(outbox, .number(number))))")
                continue
            }
        }
    }

    @Test(
        "a reply that was lost with its session does not shift the others; one that is waited for is told its message")
    func lostReply() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...3 as ClosedRange<Int64> {
            _ = try await outbox.receipt(message("5"))
            outbox.remove(number, as: .delivered, at: number * 1_000_000)
        }
        var reply = reply("5")
        reply.since = 2_000_000
        outbox.confirm(reply, at: 3_000_000)
        #expect(try await state(outbox, .number(1)) == .delivered)
        #expect(try await state(outbox, .number(3)) == .delivered)
        reply.receipt = 1
        outbox.confirm(reply, at: 3_000_000)
        guard case .confirmed = try await state(outbox, .number(1)) else {
            Issue.record("the reply was not noted where it belongs")
            return
        }
        #expect(try await state(outbox, .number(3)) == .delivered)
    }

    @Test("an id that was used again leads to the newest message")
    func newest() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let first = try await outbox.receipt(message("5"))
        outbox.remove(first, as: .delivered, at: 1_000_000)
        let second = try await outbox.receipt(message("5"))
        #expect(try await outbox.receipt(.id("5"))?.number == second)
        #expect(try await state(outbox, .id("5")) == .waiting)
    }

    @Test("receipts are kept as long as messages are, but for as long as keys, and no longer", arguments: [1, 24, 48])
    func age(hours: Int64) async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: hours * 3_600_000))
        for id in ["1", "2"] { _ = try await outbox.receipt(message(id, queuedAt: 10_000)) }
        outbox.remove(1, as: .delivered, at: 10_000)
        outbox.remove(2, as: .delivered, at: 10_500)
        _ = try await outbox.receipt(.number(1))
        _ = await outbox.sweep(now: 10_200 + max(24, hours) * 3_600_000)
        #expect(try await outbox.receipt(.number(1)) == nil)
        #expect(try await state(outbox, .number(2)) == .delivered)
    }

    @Test("what has left is in the books at once, is not read again, and costs no commit of its own")
    func deferred() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let first = try await outbox.next().count
        #expect(first == 0)
        _ = try await outbox.receipt(message("1"))
        _ = try await outbox.receipt(message("2"))
        let waiting = try await outbox.next()
        outbox.remove(1, as: .delivered, cost: waiting[0].cost, at: 1_000_000)
        #expect(outbox.books.delivered == 1)
        #expect(outbox.books.waiting == 1)
        #expect(outbox.books.bytes == waiting[1].cost)
        #expect(outbox.books.balance == 0)
        #expect(outbox.pendingCount == 1)
        // The next append takes it along.
        _ = try await outbox.receipt(message("3"))
        #expect(outbox.pendingCount == 0)
        #expect(outbox.books.delivered == 1)
        outbox.remove(2, as: .delivered, cost: waiting[1].cost, at: 1_000_000)
        #expect(try await outbox.next().map(\.sequence) == [3])
    }

    @Test("so many removals are written that as many messages come again after a crash at the most")
    func manyDeferred() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...Outbox.mostUnwritten { outbox.append(message("\(number)")) { _ in } }
        for waiting in try await outbox.take() {
            outbox.remove(waiting.sequence, as: .delivered, cost: waiting.cost, at: 1_000_000)
        }
        // Reading comes behind the transaction on the outbox's queue.
        #expect(try await outbox.next().isEmpty)
        #expect(outbox.pendingCount == 0)
    }

    @Test("what was delivered does not expire, although its removal is not yet written")
    func deliveredDoesNotExpire() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: 1_000))
        let number = try await outbox.receipt(message("1", queuedAt: 10_000))
        outbox.remove(number, as: .delivered, cost: 64, at: 10_500)
        #expect(await outbox.sweep(now: 11_200) == 0)
        #expect(try await state(outbox, .number(number)) == .delivered)
        #expect(outbox.books.delivered == 1)
        #expect(outbox.books.droppedInTotal == 0)
    }

    @Test("a database of an earlier version gets the new tables, and keeps its messages", arguments: [1, 2])
    func migrates(layouts: Int) async throws {
        let folder = try TemporaryFolder()
        let database = try DatabaseQueue(path: folder.database)
        try await database.write { db in
            for layout in OutboxLayout.all.prefix(layouts) { try db.execute(sql: layout) }
            try db.execute(sql: "PRAGMA user_version = \(layouts)")
            try db.execute(
                sql: """
                    INSERT INTO message (sequence, queued_at, size, qos, alink_id, topic, payload)
                    VALUES (1, 1000000, 67, 1, '1', '/t', x'01');
                    UPDATE ledger SET received = 1, waiting = 1, bytes = 67;
                    """)
        }
        try database.close()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.notices.isEmpty)
        #expect(try await state(outbox, .id("1")) == .waiting)
        #expect(try await outbox.next().map(\.sequence) == [1])
        #expect(outbox.books.balance == 0)
    }
}

extension Outbox {
    func receipt(_ query: ReceiptQuery) async throws -> Receipt? {
        try await withCheckedContinuation { continuation in
            receipt(query) { continuation.resume(returning: $0) }
        }.get()
    }
}
