import BridgeCore
import Foundation
import GRDB
import Synchronization
import Testing

@testable import BridgeRuntime

@Suite struct OutboxTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("A receipt is given only after the commit: another connection sees the row already")
    func committedBeforeCompletion() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<20 {
            let path = folder.database
            let (seen, inLog) = await withCheckedContinuation { continuation in
                outbox.append(.test("message \(index)")) { result in
                    let receipt = (try? result.get().sequence) ?? -1
                    let text = try? DatabaseQueue(path: path).read { db in
                        try String.fetchOne(
                            db, sql: "SELECT CAST(payload AS TEXT) FROM message WHERE sequence = ?",
                            arguments: [receipt])
                    }
                    continuation.resume(returning: (text, FileManager.default.fileExists(atPath: path + "-wal")))
                }
            }
            #expect(seen == "message \(index)")
            #expect(inLog)
        }
        outbox.close()
    }

    @Test("A message comes back as it was given")
    func fields() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let payload = (0...255).map { UInt8($0) }
        let given = NewMessage(topic: "/a/é", payload: payload, qos: 0, alinkID: nil, queuedAt: 123)
        let receipt = try await outbox.receipt(given)
        let message = try #require(try await outbox.next(now: 123).first)
        #expect(message.sequence == receipt)
        #expect(message.topic == "/a/é")
        #expect(message.payload == payload)
        #expect(message.qos == 0)
        #expect(message.alinkID == nil)
        #expect(message.queuedAt == 123)
        outbox.close()
    }

    @Test("10,000 appends share commits, keep their order, and the books balance after reopening")
    func groupCommit() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let receipts = Mutex<[Int64]>([])
        let commits = Mutex(0)
        await withCheckedContinuation { continuation in
            for index in 0..<10_000 {
                outbox.append(.test("\(index)")) { result in
                    let count = receipts.withLock {
                        if let sequence = try? result.get().sequence { $0.append(sequence) }
                        return $0.count
                    }
                    // All completions of one commit see the same number of unfinished ones.
                    if outbox.books.received == count { commits.withLock { $0 += 1 } }
                    if count == 10_000 { continuation.resume() }
                }
            }
        }
        let given = receipts.withLock { $0 }
        #expect(given == Array(1...10_000))
        #expect(commits.withLock { $0 } < 2_000)
        #expect(outbox.pendingCount == 0)
        await withCheckedContinuation { continuation in
            for sequence in 1...4000 as ClosedRange<Int64> {
                outbox.remove(sequence, as: sequence.isMultiple(of: 4) ? .dropped(.purged) : .delivered, at: 1_000_000)
                { _ in
                    if sequence == 4000 { continuation.resume() }
                }
            }
        }
        let before = outbox.books
        #expect(before.received == 10_000)
        #expect(before.delivered == 3000)
        #expect(before.dropped == [.purged: 1000])
        #expect(before.waiting == 6000)
        #expect(before.balance == 0)
        outbox.close()

        let reopened = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(reopened.notices.isEmpty)
        #expect(reopened.books == before)
        #expect(try await reopened.texts() == (4000..<10_000).map { "\($0)" })
        #expect(try await reopened.receipt(.test("next")) == 10_001)
        reopened.close()
    }

    @Test("What was answered survives a process that never closed its outbox")
    func withoutClosing() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<50 { _ = try await outbox.receipt(.test("\(index)")) }
        #expect(await outbox.remove(1, as: .delivered))
        // What a kill leaves behind: the files as they are now.
        let copy = try TemporaryFolder()
        for name in folder.names where name != "outbox.db-shm" {
            try FileManager.default.copyItem(atPath: folder.path + "/" + name, toPath: copy.path + "/" + name)
        }
        let revived = try Outbox(path: copy.database, limits: OutboxLimits())
        #expect(revived.books == OutboxBooks(received: 50, delivered: 1, waiting: 49, bytes: outbox.books.bytes))
        #expect(try await revived.texts() == (1..<50).map { "\($0)" })
        revived.close()
        outbox.close()
    }

    @Test("Reading stops at the count or once the bytes are reached, and goes on behind a sequence")
    func reading() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<10 { _ = try await outbox.receipt(.test("1234\(index)")) }
        #expect(try await outbox.take(limitCount: 3).map(\.sequence) == [1, 2, 3])
        #expect(try await outbox.next(limitBytes: 11).map(\.sequence) == [4, 5, 6])
        #expect(try await outbox.next(limitBytes: 1).map(\.sequence) == [4])
        outbox.putBack([2])
        #expect(try await outbox.take().map(\.sequence) == [2, 4, 5, 6, 7, 8, 9, 10])
        #expect(try await outbox.take().isEmpty)
        outbox.close()
    }

    @Test("A message is taken out once")
    func removedTwice() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await outbox.receipt(.test("a"))
        #expect(await outbox.remove(1, as: .delivered))
        #expect(await outbox.remove(1, as: .dropped(.expired)) == false)
        #expect(await outbox.remove(99, as: .delivered) == false)
        #expect(outbox.books == OutboxBooks(received: 1, delivered: 1))
        outbox.close()
    }

    @Test("The same key within a day gives the first receipt and stores nothing, after a restart too")
    func keys() async throws {
        let day: Int64 = 86_400_000
        let before = try Outbox(path: folder.database, limits: OutboxLimits())
        // Together in one transaction, too.
        async let first = before.append(.test("a", key: "k", queuedAt: 0))
        async let second = before.append(.test("b", key: "k", queuedAt: 0))
        let outcomes = try await [first.get(), second.get()].map(\.sequence)
        #expect(outcomes == [1, 1])
        #expect(before.books.received == 1)
        before.close()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(
            try await outbox.append(.test("c", key: "k", queuedAt: day - 1)).get()
                == Appended(sequence: 1, outcome: .repeatedWaiting, original: .init(alinkID: "5", topic: "/t")))
        #expect(await outbox.remove(1, as: .delivered))
        #expect(
            try await outbox.append(.test("d", key: "k", queuedAt: day - 1)).get()
                == Appended(sequence: 1, outcome: .repeatedGone, original: .init(alinkID: "5", topic: "/t")))
        #expect(
            try await outbox.append(.test("e", key: "other", queuedAt: day - 1)).get()
                == Appended(sequence: 2, outcome: .stored))
        #expect(
            try await outbox.append(.test("f", key: "k", queuedAt: day)).get()
                == Appended(sequence: 3, outcome: .stored))
        outbox.close()
    }

    @Test(
        "While the clock is not set keys are known whatever their age, none is forgotten, and theirs begins when it is set"
    )
    func keysWithoutClock() async throws {
        let day: Int64 = 86_400_000
        let today: Int64 = 1_800_000_000_000
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await outbox.receipt(.test("a", key: "dated", queuedAt: today)) == 1)
        outbox.close()
        // The board starts in 1970.
        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await outbox.receipt(.test("b", key: "undated", queuedAt: .max)) == 2)
        #expect(try await outbox.receipt(.test("c", key: "undated", queuedAt: .max)) == 2)
        #expect(try await outbox.receipt(.test("d", key: "dated", queuedAt: .max)) == 1)
        // NTP answers.
        #expect(try await outbox.receipt(.test("e", key: "dated", queuedAt: today + 1000)) == 1)
        #expect(try await outbox.receipt(.test("f", key: "new", queuedAt: today + 1000)) == 3)
        #expect(try await outbox.receipt(.test("g", key: "undated", queuedAt: today + day)) == 2)
        #expect(try await outbox.receipt(.test("h", key: "undated", queuedAt: today + 1000 + day)) == 4)
        outbox.close()
    }

    @Test("What came and left while the clock was not set has an age from the first sweep with a clock on")
    func agesWithoutClock() async throws {
        let today: Int64 = 1_800_000_000_000
        let hour: Int64 = 3_600_000
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: 48 * hour))
        _ = try await outbox.receipt(.test("dated", queuedAt: today - 47 * hour))
        for text in ["gone", "waits"] { _ = try await outbox.receipt(.test(text, queuedAt: .max)) }
        outbox.remove(2, as: .delivered, at: .max)
        #expect(try await outbox.receipt(.number(2))?.state == .delivered)
        #expect(await outbox.sweep(now: 5000) == 0)
        #expect(await outbox.sweep(now: today) == 0)
        #expect(await outbox.sweep(now: today + 48 * hour) == 1)
        #expect(try await outbox.receipt(.number(2)) != nil)
        #expect(await outbox.sweep(now: today + 48 * hour + 1) == 1)
        #expect(try await outbox.receipt(.number(2)) == nil)
        outbox.close()
    }

    @Test("A full outbox refuses the new message")
    func refuseNew() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxBytes: 3 * 67))
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text)) }
        #expect(await outbox.append(.test("4")) == .failure(.queueFull(maxBytes: 201)))
        #expect(await outbox.remove(1, as: .delivered))
        #expect(try await outbox.receipt(.test("5")) == 4)
        #expect(try await outbox.texts() == ["2", "3", "5"])
        #expect(outbox.books.balance == 0)
        outbox.close()
    }

    @Test("A full outbox drops the oldest messages, but none in flight")
    func dropOldest() async throws {
        let dropped = Mutex<[DroppedMessage]>([])
        let outbox = try Outbox(
            path: folder.database, limits: OutboxLimits(maxBytes: 3 * 67, whenFull: .dropOldest),
            onDropped: { list in dropped.withLock { $0 += list } })
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text)) }
        #expect(try await outbox.take(limitCount: 1).map(\.sequence) == [1])
        _ = try await outbox.receipt(.test("4"))
        #expect(try await outbox.take().map(\.sequence) == [3, 4])
        #expect(await outbox.append(.test("5")) == .failure(.queueFull(maxBytes: 201)))
        outbox.putBack([1, 3, 4])
        _ = try await outbox.receipt(.test("six"))
        #expect(try await outbox.texts() == ["4", "six"])
        #expect(outbox.books.dropped == [.queueFull: 3])
        #expect(outbox.books.balance == 0)
        outbox.close()
        #expect(dropped.withLock { $0.map(\.sequence) } == [2, 1, 3])
    }

    @Test("Messages whose time is over are dropped when they are met, and by a sweep")
    func expiry() async throws {
        let dropped = Mutex<[DroppedMessage]>([])
        let outbox = try Outbox(
            path: folder.database, limits: OutboxLimits(maxAge: 1000),
            onDropped: { list in dropped.withLock { $0 += list } })
        _ = try await outbox.receipt(.test("1", queuedAt: 0))
        _ = try await outbox.receipt(.test("2", expiresAt: 500, queuedAt: 400))
        _ = try await outbox.receipt(.test("3", queuedAt: 400))
        _ = try await outbox.receipt(.test("4", expiresAt: 1100, queuedAt: 400))
        _ = try await outbox.receipt(.test("5", queuedAt: 1000))
        #expect(try await outbox.next(limitCount: 1, now: 600).map(\.sequence) == [1])
        #expect(try await outbox.texts(now: 600) == ["1", "3", "4", "5"])
        #expect(try await outbox.take(limitCount: 1, now: 600).map(\.sequence) == [1])
        #expect(await outbox.sweep(now: 1200) == 1)
        outbox.putBack([1])
        #expect(await outbox.sweep(now: 1200) == 1)
        #expect(try await outbox.texts(now: 1401) == ["5"])
        #expect(try await outbox.texts(now: 2001) == [])
        #expect(outbox.books.dropped == [.expired: 5])
        #expect(outbox.books.balance == 0)
        #expect(dropped.withLock { $0.map(\.sequence) } == [2, 4, 1, 3, 5])
        #expect(dropped.withLock { $0.allSatisfy { $0.reason == .expired } })
        outbox.close()
    }

    @Test("Thousands of expired messages are all dropped before the first good one is returned")
    func manyExpired() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: 1000))
        for index in 0..<2500 { outbox.append(.test("\(index)", queuedAt: 0)) { _ in } }
        _ = try await outbox.receipt(.test("good", queuedAt: 5000))
        #expect(try await outbox.next(limitCount: 1, now: 5000).map(\.sequence) == [2501])
        #expect(outbox.books.dropped == [.expired: 2500])
        outbox.close()
    }

    @Test("A closed outbox has kept what it was given and refuses more")
    func closing() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let stored = Mutex(0)
        for index in 0..<1000 {
            outbox.append(.test("\(index)")) { result in
                if case .success = result { stored.withLock { $0 += 1 } }
            }
        }
        outbox.close()
        #expect(stored.withLock { $0 } == 1000)
        #expect(await outbox.append(.test("late")) == .failure(.closed))
        #expect(await outbox.remove(1, as: .delivered) == false)
        await #expect(throws: OutboxRefusal.closed) { try await outbox.next() }
        outbox.close()
        #expect(!folder.names.contains("outbox.db-wal"))
    }

    @Test("Every commit is synced")
    func synchronous() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await outbox.receipt(.test("a"))
        // Whatever the umask: messages are for those whom the socket lets in.
        for suffix in ["", "-wal", "-shm"] {
            var file = stat()
            #expect(stat(folder.database + suffix, &file) == 0)
            #expect(file.st_mode & 0o777 == 0o600, "\(suffix)")
        }
        let mode = try await DatabaseQueue(path: folder.database).read { db in
            try String.fetchOne(db, sql: "PRAGMA journal_mode")
        }
        #expect(mode == "wal")
        #expect(outbox.isSynchronous)
        outbox.close()
    }
}
