import BridgeCore
import Foundation
import GRDB
import NIOCore
import Testing

@testable import BridgeRuntime

/// What a process left in the staging file when it ended without a word, or its power did.
@Suite struct StagingRecoveryTests {
    private let folder: TemporaryFolder
    private let medium = HeldMedium()

    init() throws { folder = try TemporaryFolder() }

    @Test("Everything that was answered is there after a crash, in order, and the books balance")
    func crash() async throws {
        let outbox = try Outbox.staged(folder, medium)
        var message = NewMessage.test("0", sender: Sender(program: 5, connection: outbox.newConnection()))
        message.upcomingID = 1234
        message.expiresAt = 9_000_000
        _ = try await outbox.stageAtOnce(message, medium)
        let sender = message.sender
        _ = try await outbox.receipt(.test("1", key: "k", sender: sender))
        for index in 2...9 { _ = try await outbox.stageAtOnce(.test("\(index)", sender: sender), medium) }
        outbox.append(.test("never written")) { _ in }
        let copy = try folder.afterCrash(medium)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(try await next.texts() == (0...9).map { "\($0)" })
        #expect(next.books.received == 10)
        #expect(next.books.balance == 0)
        #expect(next.upcomingID == 1234)
        #expect(next.newConnection() > message.sender.connection)
        #expect(next.crash != nil)
        #expect(next.notices.isEmpty)
        #expect(try QueueInspector(path: copy.database).verify().isBalanced)
        #expect(try await next.receipt(.test("10")) == 11)
        next.close()
        let third = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(third.books.received == 11, "what is in the database comes out of the file only once")
        third.close()
        medium.end()
        outbox.close()
    }

    @Test(
        "A write that was cut off, wherever, costs no message that was answered before",
        arguments: [0, 1, 20, 100, 4095])
    func torn(length: Int) async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1...3 { _ = try await outbox.stageAtOnce(.test("\(index)"), medium) }
        outbox.append(.test("under way")) { _ in }
        let before = medium.image
        medium.end()
        let after = medium.image
        let place = try #require(zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset)
        var image = before
        image.replaceSubrange(place..<(place + length), with: after[place..<(place + length)])
        let copy = try folder.afterCrash(medium, image: image)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        let texts = try await next.texts()
        // A short message may be whole although the rest of its block is not.
        #expect(texts == ["1", "2", "3"] || length > 100 && texts == ["1", "2", "3", "under way"])
        next.close()
        outbox.close()
    }

    @Test(
        "What was staged and has left is filed after some sweeps, in its one commit; what was committed costs no second one",
        arguments: [true, false])
    func filedInTheEnd(isStaged: Bool) async throws {
        let outbox =
            try isStaged ? Outbox.staged(folder, medium) : Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await isStaged ? outbox.stageAtOnce(.test("a"), medium) : outbox.receipt(.test("a"))
        outbox.remove(1, as: .delivered, at: 1_000_000)
        let disk = try QueueInspector(path: folder.database)
        for sweep in 1...Outbox.mostSweeps {
            #expect(try disk.books().delivered == 0, "before sweep \(sweep)")
            await withCheckedContinuation { done in
                outbox.sweep(now: 1_000_000) { _ in done.resume() }
            }
        }
        #expect(try disk.books().delivered == (isStaged ? 1 : 0))
        outbox.close()
    }

    @Test("A batch in the middle that cannot be read costs its own messages, which are counted as damaged")
    func gap() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1...5 { _ = try await outbox.stageAtOnce(.test("\(index)"), medium) }
        var image = medium.image
        image[3 * StagedBatch.blockSize + 60] ^= 1
        let copy = try folder.afterCrash(medium, image: image)
        // Whoever looks from outside counts as the next process does.
        let seen = try QueueInspector(path: copy.database).books()
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(seen == next.books)
        #expect(
            next.notices == [.stagingDamaged(path: StagingContents.path(of: copy.database), messages: 1)])
        #expect(try await next.receipt(.number(3))?.state == .dropped(.damaged))
        #expect(try await next.texts() == ["1", "2", "4", "5"])
        #expect(next.books.received == 5)
        #expect(next.books.dropped == [.damaged: 1])
        #expect(next.books.balance == 0)
        #expect(try await next.receipt(.test("6")) == 6)
        next.close()
        outbox.close()
    }

    @Test("The file cut short at every block, and noise in its place: the outbox opens, with what is intact")
    func cutShort() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1...6 { _ = try await outbox.stageAtOnce(.test("\(index)"), medium) }
        for blocks in 0...8 {
            let copy = try folder.afterCrash(medium, image: Array(medium.image.prefix(blocks * StagedBatch.blockSize)))
            let next = try Outbox(path: copy.database, limits: OutboxLimits())
            #expect(next.books.waiting == min(max(0, blocks - 1), 6))
            next.close()
        }
        let noise = (0..<100_000).map { _ in UInt8.random(in: 0...255) }
        let copy = try folder.afterCrash(medium, image: noise)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(next.books.waiting == 0)
        next.close()
        outbox.close()
    }

    @Test(
        "A message whose payload is made like a batch changes nothing",
        arguments: [UInt64.max, UInt64.max - 1, UInt64(1)])
    func forged(serial: UInt64) async throws {
        let outbox = try Outbox.staged(folder, medium)
        let forged = StagedBatch(
            identity: 7, serial: serial, messages: [StagedMessage(sequence: 2, message: .test("forged"))])
        let bytes = try #require(forged.encoded(ByteBufferAllocator()))
        // Where the payload begins in its batch, so that the next block of the file begins with what is forged.
        _ = try await outbox.stageAtOnce(.test("PAYLOAD"), medium)
        let place = try #require(medium.image.firstRange(of: Array("PAYLOAD".utf8))).lowerBound % StagedBatch.blockSize
        var message = NewMessage.test("")
        message.payload =
            Array(repeating: 0x20, count: StagedBatch.blockSize - place) + Array(bytes.readableBytesView)
        for _ in 1...3 { _ = try await outbox.stageAtOnce(message, medium) }
        #expect(StagingContents(ByteBuffer(bytes: medium.image)).messages(of: 7).count == 1, "it is one by itself")
        let copy = try folder.afterCrash(medium)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(
            try await next.take().map(\.payload) == [Array("PAYLOAD".utf8)]
                + Array(repeating: message.payload, count: 3))
        #expect(next.notices.isEmpty)
        next.close()
        outbox.close()
    }

    @Test("The file of another database is set aside and named")
    func foreign() async throws {
        let outbox = try Outbox.staged(folder, medium)
        _ = try await outbox.stageAtOnce(.test("1"), medium)
        let copy = try folder.afterCrash(medium)
        for name in copy.names where !name.hasSuffix("-staged") {
            try FileManager.default.removeItem(atPath: copy.path + "/" + name)
        }
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(next.books.received == 0)
        let aside = try #require(copy.names.first { $0.contains("-staged.foreign-") })
        #expect(next.notices == [.foreignStaging(path: copy.path + "/" + aside, messages: 1)])
        next.close()
        outbox.close()
    }

    // MARK: Beside a database that is no good

    @Test("A database that is all noise is set aside; what had not come into it is brought over")
    func hopeless() async throws {
        let outbox = try Outbox.staged(folder, medium)
        _ = try await outbox.receipt(.test("in the database", key: "k"))
        for text in ["a", "b"] { _ = try await outbox.stageAtOnce(.test(text), medium) }
        let copy = try folder.afterCrash(medium)
        for name in copy.names where name.hasSuffix("-wal") {
            try FileManager.default.removeItem(atPath: copy.path + "/" + name)
        }
        try Data(repeating: 0x5A, count: 20_000).write(to: URL(fileURLWithPath: copy.database))
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(try await next.texts() == ["a", "b"])
        #expect(next.books.received >= 3)
        #expect(next.books.balance == 0)
        #expect(next.books.dropped.isEmpty, "what is unknown was delivered long ago")
        #expect("\(next.notices)".contains("corrupt"))
        next.close()
        let third = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(try await third.texts() == ["a", "b"])
        #expect(third.notices.isEmpty)
        third.close()
        outbox.close()
    }

    @Test("Salvage takes from the file what the damaged database has lost, and nothing that was delivered")
    func salvage() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1...4 { _ = try await outbox.stageAtOnce(.test("\(index)"), medium) }
        #expect(try await outbox.take(limitCount: 1).map(\.sequence) == [1])
        outbox.remove(1, as: .delivered, at: 1_000_000)
        // Files the first four.
        _ = try await outbox.receipt(.test("5", key: "k"))
        for index in 6...7 {
            var message = NewMessage.test("\(index)", sender: Sender(program: 1, connection: 50 + Int64(index)))
            message.upcomingID = 1000 + Int64(index)
            _ = try await outbox.stageAtOnce(message, medium)
        }
        let whole = try DatabaseQueue(path: folder.database)
        let root = try await whole.writeWithoutTransaction { db in
            _ = try db.checkpoint(.truncate)
            return try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'message'") ?? 0
        }
        let copy = try folder.afterCrash(medium)
        for name in copy.names where name.hasSuffix("-wal") {
            try FileManager.default.removeItem(atPath: copy.path + "/" + name)
        }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: copy.database))
        let start = (root - 1) * OutboxLayout.pageSize
        bytes.replaceSubrange(
            start..<(start + OutboxLayout.pageSize), with: Data(repeating: 0x5A, count: OutboxLayout.pageSize))
        try bytes.write(to: URL(fileURLWithPath: copy.database))
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(Set(try await next.texts()) == ["2", "3", "4", "6", "7"], "5 stood nowhere else")
        #expect(next.books.received == 7)
        #expect(next.upcomingID == 1007)
        #expect(next.newConnection() == 58)
        #expect(next.books.delivered == 1)
        #expect(next.books.dropped == [.damaged: 1])
        #expect(next.books.balance == 0)
        next.close()
        outbox.close()
    }
}
