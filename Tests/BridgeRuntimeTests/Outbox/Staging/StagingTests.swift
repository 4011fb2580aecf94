import BridgeCore
import Foundation
import GRDB
import Synchronization
import Testing

@testable import BridgeRuntime

/// What is promised before the database has it.
@Suite struct StagingTests {
    private let folder: TemporaryFolder
    private let medium = HeldMedium()

    init() throws { folder = try TemporaryFolder() }

    /// Messages that the database has.
    private func rows(_ path: String? = nil) throws -> [Int64] {
        try DatabaseQueue(path: path ?? folder.database).read { db in
            try Int64.fetchAll(db, sql: "SELECT sequence FROM message ORDER BY sequence")
        }
    }

    @Test("A message by itself is answered when the file has it, and comes into the database later")
    func alone() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let answers = Answers()
        outbox.append(.test("a"), completion: answers.take("a"))
        #expect(answers.all.isEmpty)
        #expect(outbox.books.received == 0)
        #expect(outbox.pendingCount == 1)
        outbox.end(medium)
        #expect(answers.all == ["a 1"])
        #expect(outbox.books.waiting == 1)
        #expect(outbox.pendingCount == 0)
        #expect(try rows().isEmpty)
        #expect(try await outbox.texts() == ["a"])
        #expect(try rows().isEmpty)
        outbox.close()
        #expect(try rows() == [1])
    }

    @Test("What comes while one is being written is written together, and answered in order")
    func together() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let answers = Answers()
        for name in ["a", "b", "c", "d"] { outbox.append(.test(name), completion: answers.take(name)) }
        outbox.end(medium)
        #expect(answers.all == ["a 1"])
        outbox.end(medium)
        #expect(answers.all == ["a 1", "b 2", "c 3", "d 4"])
        #expect(medium.writes == 2)
        #expect(try rows().isEmpty)
        #expect(try await outbox.texts() == ["a", "b", "c", "d"])
        outbox.close()
    }

    @Test("Many at a time go into the database, behind what is staged")
    func many() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let answers = Answers()
        let count = Staging.mostTogether + 2
        for index in 1...count { outbox.append(.test("\(index)"), completion: answers.take("\(index)")) }
        outbox.end(medium)
        #expect(try await outbox.texts() == (1...count).map { "\($0)" })
        #expect(answers.all == (1...count).map { "\($0) \($0)" })
        #expect(medium.writes == 1)
        #expect(try rows().count == count)
        outbox.close()
    }

    @Test("A message with a key goes into the database, and what comes behind it stays behind it")
    func keys() async throws {
        let outbox = try Outbox.staged(folder, medium)
        #expect(try await outbox.stageAtOnce(.test("a"), medium) == 1)
        #expect(try await outbox.receipt(.test("b", key: "k")) == 2)
        #expect(try rows() == [1, 2])
        #expect(try await outbox.stageAtOnce(.test("c"), medium) == 3)
        let repeated = try await outbox.append(.test("b", key: "k")).get()
        #expect(repeated.sequence == 2)
        #expect(repeated.outcome == .repeatedWaiting)
        #expect(try rows() == [1, 2, 3])
        let answers = Answers()
        outbox.append(.test("d"), completion: answers.take("d"))
        outbox.append(.test("e", key: "e"), completion: answers.take("e"))
        outbox.append(.test("f"), completion: answers.take("f"))
        outbox.end(medium)
        #expect(try await outbox.texts() == ["a", "b", "c", "d", "e", "f"])
        #expect(answers.all == ["d 4", "e 5", "f 6"])
        outbox.close()
    }

    @Test("A repetition is known although the first one was not in the database")
    func repetition() async throws {
        let outbox = try Outbox.staged(folder, medium)
        var message = NewMessage.test("a", sender: Sender(program: 3, connection: outbox.newConnection()))
        #expect(try await outbox.stageAtOnce(message, medium) == 1)
        var broken = BrokenConnections()
        broken.broke(message.sender.connection, settled: 0, now: .zero)
        message.sender.connection = outbox.newConnection()
        message.suspects = broken.suspects(now: .zero)
        let again = try await outbox.append(message).get()
        #expect(again.sequence == 1)
        #expect(again.outcome == .repeatedWaiting)
        outbox.close()
    }

    @Test("Sixty-four messages are brought into the database together; those delivered leave with them")
    func filing() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1..<Outbox.mostUnwritten {
            #expect(try await outbox.stageAtOnce(.test("\(index)"), medium) == index)
        }
        #expect(try await outbox.take().count == Outbox.mostUnwritten - 1)
        for sequence in 1...10 as ClosedRange<Int64> { outbox.remove(sequence, as: .delivered, at: 1_000_000) }
        #expect(try rows().isEmpty)
        _ = try await outbox.stageAtOnce(.test("last"), medium)
        #expect(try await outbox.texts() == ["last"])
        #expect(try rows() == (11...64).map { Int64($0) })
        #expect(outbox.books.delivered == 10)
        #expect(outbox.books.waiting == 54)
        #expect(outbox.books.balance == 0)
        #expect(try QueueInspector(path: folder.database).verify().isBalanced)
        outbox.close()
    }

    @Test(
        "When a write fails, what it was for goes into the database, and so does everything later",
        arguments: [true, false])
    func failure(takesNone: Bool) async throws {
        let outbox = try Outbox.staged(folder, medium)
        let told = Mutex<[StagingHindrance]>([])
        outbox.stagingHindered.withLock { $0 = { reason in told.withLock { $0.append(reason) } } }
        _ = try await outbox.stageAtOnce(.test("a"), medium)
        let answers = Answers()
        if takesNone {
            medium.takeNone()
            for name in ["b", "c"] { outbox.append(.test(name), completion: answers.take(name)) }
        } else {
            for name in ["b", "c"] { outbox.append(.test(name), completion: answers.take(name)) }
            outbox.end(medium, StagingError("Input/output error"))
        }
        #expect(try await outbox.texts() == ["a", "b", "c"])
        #expect(answers.all == ["b 2", "c 3"])
        #expect(try rows() == [1, 2, 3])
        #expect(told.withLock { $0 } == [.failed(takesNone ? "no more writes" : "Input/output error")])
        #expect(try await outbox.receipt(.test("d")) == 4)
        #expect(try rows() == [1, 2, 3, 4])
        // What failed may be in the file all the same, and must not count.
        let copy = try folder.afterCrash(medium)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(try await next.texts() == ["a", "b", "c", "d"])
        next.close()
        outbox.close()
    }

    @Test("Closing waits for the write, and answers what came meanwhile")
    func closing() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let answers = Answers()
        for name in ["a", "b"] { outbox.append(.test(name), completion: answers.take(name)) }
        medium.end()
        outbox.close()
        #expect(answers.all == ["a 1", "b 2"])
        outbox.append(.test("c"), completion: answers.take("c"))
        #expect(answers.all.last == "c shutting-down")
        #expect(try rows() == [1, 2])
    }

    @Test("Closing within a completion answers what waits behind it")
    func closingWithin() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let answers = Answers()
        outbox.append(.test("a")) { result in
            answers.take("a")(result)
            outbox.close()
        }
        outbox.append(.test("b"), completion: answers.take("b"))
        outbox.end(medium)
        #expect(answers.all == ["a 1", "b 2"])
        #expect(outbox.pendingCount == 0)
        #expect(try rows() == [1, 2])
    }

    // MARK: A database that takes nothing

    @Test("What the database does not take is handed out and known all the same, and comes into it later")
    func busy() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for text in ["a", "b"] { _ = try await outbox.stageAtOnce(.test(text), medium) }
        let blocker = try await Blocker(folder.database)
        let receipt = try await withCheckedContinuation { continuation in
            outbox.receipt(.id("5")) { continuation.resume(returning: $0) }
        }.get()
        #expect(receipt == Receipt(number: 2, alinkID: "5", state: .waiting))
        #expect(try await outbox.take(limitCount: 1).map(\.sequence) == [1])
        outbox.remove(1, as: .delivered, cost: NewMessage.test("a").cost, at: 1_000_000)
        #expect(outbox.books.delivered == 1)
        try await blocker.end()
        #expect(await outbox.remove(2, as: .delivered))
        #expect(outbox.books == OutboxBooks(received: 2, delivered: 2))
        #expect(try rows().isEmpty)
        #expect(try QueueInspector(path: folder.database).verify().isBalanced)
        outbox.close()
    }

    @Test("A full database: staged messages are delivered, new ones are refused in the end, and nothing is lost")
    func full() async throws {
        let outbox = try Outbox.staged(folder, medium, limits: OutboxLimits(maxPages: 60))
        var promised: [Int64] = []
        var refused = 0
        for _ in 0..<200 {
            let result = await withCheckedContinuation { continuation in
                outbox.append(.test(String(repeating: "x", count: 2000))) { continuation.resume(returning: $0) }
                outbox.end(medium)
            }
            switch result {
            case .success(let appended): promised.append(appended.sequence)
            case .failure(let refusal):
                #expect(refusal.error == .diskFull)
                refused += 1
            }
        }
        #expect(refused > 0)
        #expect(promised == Array(1...Int64(promised.count)))
        #expect(outbox.books.waiting == Int64(promised.count))
        let copy = try folder.afterCrash(medium)
        let next = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(try await next.take().map(\.sequence) == promised)
        next.close()
        var delivered: [Int64] = []
        while delivered.count < promised.count {
            let some = try await outbox.take(limitCount: 10)
            try #require(!some.isEmpty)
            for message in some {
                delivered.append(message.sequence)
                outbox.remove(message.sequence, as: .delivered, cost: message.cost, at: 1_000_000)
            }
        }
        #expect(delivered.sorted() == promised)
        outbox.close()
        #expect(outbox.books.delivered == Int64(promised.count))
        #expect(try QueueInspector(path: folder.database).verify().isBalanced)
    }

    @Test("After a refusal the next message goes into the database: the refused one may stand in its log")
    func traces() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let blocker = try await Blocker(folder.database)
        #expect(await outbox.append(.test("a", key: "a")) != .success(Appended(sequence: 1, outcome: .stored)))
        try await blocker.end()
        #expect(try await outbox.receipt(.test("b")) == 1)
        #expect(medium.writes == 0)
        #expect(try rows() == [1])
        #expect(try await outbox.stageAtOnce(.test("c"), medium) == 2)
        outbox.close()
    }

    // MARK: Bounds

    @Test("max_bytes counts what is staged")
    func bounds() async throws {
        let cost = NewMessage.test("a").cost
        let outbox = try Outbox.staged(folder, medium, limits: OutboxLimits(maxBytes: 2 * cost))
        for sequence in 1...2 as ClosedRange<Int64> {
            #expect(try await outbox.stageAtOnce(.test("a"), medium) == sequence)
        }
        #expect(await outbox.append(.test("c")) == .failure(.queueFull(maxBytes: 2 * cost)))
        #expect(outbox.books.received == 2)
        outbox.close()
    }

    @Test("A staged message whose time is over is dropped by the next sweep, and the sweep is told when that is")
    func expiry() async throws {
        let dropped = Mutex<[Int64]>([])
        let outbox = try Outbox.staged(folder, medium) { messages in
            dropped.withLock { $0 += messages.map(\.sequence) }
        }
        _ = try await outbox.stageAtOnce(.test("a", expiresAt: 2_000_000), medium)
        _ = try await outbox.stageAtOnce(.test("b"), medium)
        let next = await withCheckedContinuation { continuation in
            outbox.nextExpiry(after: 1_000_000) { continuation.resume(returning: $0) }
        }
        #expect(next == 2_000_000)
        #expect(await outbox.sweep(now: 1_500_000) == 0)
        #expect(try rows().isEmpty, "a sweep with nothing to do writes nothing")
        #expect(await outbox.sweep(now: 2_000_000) == 1)
        #expect(dropped.withLock { $0 } == [1])
        #expect(try await outbox.texts() == ["b"])
        outbox.close()
    }

    @Test("A staged message whose time is over is not handed out")
    func expiredAtReading() async throws {
        let outbox = try Outbox.staged(folder, medium)
        _ = try await outbox.stageAtOnce(.test("a", expiresAt: 2_000_000), medium)
        _ = try await outbox.stageAtOnce(.test("b"), medium)
        #expect(try await outbox.texts(now: 2_000_000) == ["b"])
        #expect(outbox.books.dropped == [.expired: 1])
        outbox.close()
    }

    @Test("A purge takes what is staged")
    func purge() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for _ in 1...3 { _ = try await outbox.stageAtOnce(.test("a"), medium) }
        let one = await withCheckedContinuation { continuation in
            outbox.purge(2, at: 1_000_000) { continuation.resume(returning: $0) }
        }
        #expect(one == 1)
        _ = try await outbox.stageAtOnce(.test("a"), medium)
        #expect(outbox.purgeAndWait([nil]) == 3)
        #expect(outbox.books.waiting == 0)
        outbox.close()
    }

    @Test("A receipt is found for what is staged")
    func receipt() async throws {
        let outbox = try Outbox.staged(folder, medium)
        _ = try await outbox.stageAtOnce(.test("a"), medium)
        let receipt = try await withCheckedContinuation { continuation in
            outbox.receipt(.number(1)) { continuation.resume(returning: $0) }
        }.get()
        #expect(receipt == Receipt(number: 1, alinkID: "5", state: .waiting))
        outbox.close()
    }

    // MARK: Turns

    @Test("What waits in the database goes before what is staged, and two programs take turns")
    func turns() async throws {
        let outbox = try Outbox.staged(folder, medium)
        let long = String(repeating: "x", count: Int(FairTurns.quantum))
        for _ in 1...2 { _ = try await outbox.receipt(.test(long, key: "\(Int.random(in: 0 ... .max))")) }
        _ = try await outbox.stageAtOnce(.test("staged", sender: Sender(program: 2, connection: 9)), medium)
        #expect(try await outbox.texts() == [long, "staged", long])
        outbox.close()
    }

    @Test("Staged messages of one connection are handed out a portion at a time, and no longer once they were")
    func portions() async throws {
        let outbox = try Outbox.staged(folder, medium)
        for index in 1...5 { _ = try await outbox.stageAtOnce(.test("message \(index)"), medium) }
        #expect(try await outbox.take(limitCount: 2).map(\.sequence) == [1, 2])
        #expect(try await outbox.take(limitBytes: 10).map(\.sequence) == [3, 4])
        outbox.putBack([2])
        #expect(try await outbox.take().map(\.sequence) == [2, 5])
        #expect(try await outbox.take().isEmpty)
        outbox.close()
    }

    @Test("With fresh-first, what was staged before the link came up is old")
    func freshFirst() async throws {
        let outbox = try Outbox.staged(folder, medium, limits: OutboxLimits(drain: .freshFirst))
        _ = try await outbox.stageAtOnce(.test("old"), medium)
        outbox.linkCameUp()
        _ = try await outbox.receipt(.test("fresh", key: "k"))
        let texts = try await outbox.texts()
        #expect(texts == ["fresh", "old"])
        outbox.close()
    }

    @Test("An answer to the cloud is handed out as it is stored")
    func answers() async throws {
        let outbox = try Outbox.staged(folder, medium)
        var answer = NewMessage.test("answer", sender: .daemon)
        answer.isTaken = true
        let receipt = try await outbox.stageAtOnce(answer, medium)
        #expect(try await outbox.take().isEmpty)
        outbox.putBack([receipt])
        _ = try await outbox.stageAtOnce(.test("report"), medium)
        #expect(try await outbox.texts() == ["answer", "report"])
        outbox.close()
    }

    // MARK: From outside

    @Test("Whoever looks into the outbox from outside sees what is staged")
    func inspection() async throws {
        let outbox = try Outbox.staged(folder, medium)
        _ = try await outbox.receipt(.test("stored", key: "k"))
        for text in ["a", "bc"] { _ = try await outbox.stageAtOnce(.test(text), medium) }
        try Data(medium.image).write(to: URL(fileURLWithPath: StagingContents.path(of: folder.database)))
        let inspector = try QueueInspector(path: folder.database)
        var seen: [Int64] = []
        try inspector.forEach { seen.append($0.receipt) }
        #expect(seen == [1, 2, 3])
        seen = []
        try inspector.forEach(limit: 2) { seen.append($0.receipt) }
        #expect(seen == [1, 2])
        #expect(try inspector.message(3)?.payload == Array("bc".utf8))
        #expect(try inspector.message(3)?.entry.bytes == 2)
        #expect(try inspector.message(4) == nil)
        #expect(try inspector.books() == outbox.books)
        let verification = try inspector.verify()
        #expect(verification.isBalanced)
        #expect(verification.rows == 3)
        outbox.close()
        #expect(try inspector.books().waiting == 3)
        seen = []
        try inspector.forEach { seen.append($0.receipt) }
        #expect(seen == [1, 2, 3], "what is in both is one message")
    }
}
