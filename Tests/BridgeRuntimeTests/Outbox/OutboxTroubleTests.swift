import BridgeCore
import BridgeRuntime
import Foundation
import GRDB
import Synchronization
import Testing

/// What the outbox does on a full disk and with a file that is no good.
@Suite struct OutboxTroubleTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("A full disk is a refusal; deliveries go on, and make room")
    func fullDisk() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxPages: 256))
        let text = String(repeating: "x", count: 8000)
        var stored: [Int64] = []
        var refusal: OutboxRefusal?
        while refusal == nil, stored.count < 1000 {
            switch await outbox.append(.test(text)) {
            case .success(let appended): stored.append(appended.sequence)
            case .failure(let reason): refusal = reason
            }
        }
        guard case .diskFull = refusal else {
            Issue.record("expected diskFull, got \(String(describing: refusal))")
            return
        }
        #expect(refusal?.error == .diskFull)
        #expect(
            outbox.books
                == OutboxBooks(received: Int64(stored.count), waiting: Int64(stored.count), bytes: outbox.books.bytes))
        #expect(try await outbox.next().map(\.sequence) == stored)
        // Given together: the append fails, the removals stand.
        let removed = Mutex<[Bool]>([])
        outbox.append(.test(String(repeating: "y", count: 200_000))) { _ in }
        for sequence in stored.prefix(5) {
            outbox.remove(sequence, as: .delivered, at: 1_000_000) { there in removed.withLock { $0.append(there) } }
        }
        #expect(try await outbox.next().map(\.sequence) == Array(stored.dropFirst(5)))
        #expect(removed.withLock { $0 } == [true, true, true, true, true])
        _ = try await outbox.receipt(.test(text))
        #expect(outbox.books.balance == 0)
        let books = outbox.books
        outbox.close()
        let reopened = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(reopened.books == books)
        reopened.close()
    }

    @Test("A removal that cannot be written is kept, tried again, and left out of what is read")
    func blockedRemoval() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text)) }
        let blocker = try await Blocker(folder.database)
        async let removed = outbox.remove(1, as: .delivered)
        let refused = await outbox.append(.test("4"))
        guard case .failure(.diskFailed) = refused else {
            Issue.record("expected diskFailed, got \(refused)")
            return
        }
        #expect(try await outbox.texts() == ["2", "3"])
        #expect(outbox.books.delivered == 0)
        #expect(outbox.trouble.text?.contains("attempt to store something failed") == true)
        try await blocker.end()
        #expect(await removed)
        #expect(outbox.trouble == OutboxTrouble())
        #expect(outbox.books == OutboxBooks(received: 3, delivered: 1, waiting: 2, bytes: outbox.books.bytes))
        #expect(try await outbox.receipt(.test("5")) == 4)
        outbox.close()
    }

    @Test("A database of another program is left alone")
    func foreignDatabase() async throws {
        let other = try DatabaseQueue(path: folder.database)
        try await other.write { db in try db.execute(sql: "CREATE TABLE theirs (x); PRAGMA user_version = 3") }
        try other.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let refusal = OutboxError.cannotOpen(path: folder.database, detail: "it is a database of another program")
        #expect(throws: refusal) { try Outbox(path: folder.database, limits: OutboxLimits()) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
        #expect(!folder.names.contains { $0.contains(".corrupt-") })
    }

    @Test("What is over does not keep out what is new until the next sweep")
    func overAgeMakesRoom() async throws {
        let cost = OutboxLimits.cost(topicBytes: 2, payloadBytes: 1)
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxBytes: 3 * cost, maxAge: 1000))
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text, queuedAt: text == "3" ? 1500 : 0)) }
        guard case .failure(.queueFull) = await outbox.append(.test("4", queuedAt: 900)) else {
            Issue.record("there was room")
            return
        }
        // As long as the clock is not set nothing is over, and what never fits needs no room.
        for message in [
            NewMessage.test("4", queuedAt: .max), .test(String(repeating: "x", count: Int(3 * cost)), queuedAt: 1600),
        ] {
            guard case .failure(.queueFull) = await outbox.append(message) else {
                Issue.record("there was room")
                return
            }
        }
        #expect(outbox.books.dropped == [:])
        #expect(try await outbox.receipt(.test("5", queuedAt: 1600)) == 4)
        #expect(outbox.books.dropped == [.expired: 2])
        #expect(try await outbox.next(now: 1600).map(\.sequence) == [3, 4])
        outbox.close()
    }

    @Test("Nothing is promised behind a dead process's log until that has been moved into the database")
    func doubtfulLog() async throws {
        let crashed = try TemporaryFolder()
        let before = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(try await before.receipt(.test("1")) == 1)
        for name in ["outbox.db", "outbox.db-wal"] {
            try FileManager.default.copyItem(atPath: folder.path + "/" + name, toPath: crashed.path + "/" + name)
        }
        before.close()
        // Somebody looks into it, which keeps the log where it is.
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        let onlooker = try DatabaseQueue(path: crashed.database, configuration: configuration)
        try await onlooker.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM message")
        }
        let outbox = try Outbox(path: crashed.database, limits: OutboxLimits())
        guard case .failure(.diskFailed) = await outbox.append(.test("2")) else {
            Issue.record("it was promised")
            return
        }
        #expect(try await outbox.texts() == ["1"])
        try await onlooker.writeWithoutTransaction { db in try db.execute(sql: "COMMIT") }
        #expect(try await outbox.receipt(.test("3")) == 2)
        #expect(try await outbox.texts() == ["1", "3"])
        outbox.close()
    }

    @Test(
        "Expired messages that cannot be removed do not keep the outbox busy: whoever asks is told",
        .timeLimit(.minutes(1)))
    func expiredStay() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(maxAge: 1000))
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text, queuedAt: 0)) }
        let blocker = try await Blocker(folder.database)
        await #expect(throws: OutboxRefusal.diskFailed(detail: "expired messages stay")) {
            try await outbox.next(now: 5000)
        }
        try await blocker.end()
        #expect(try await outbox.next(now: 5000) == [])
        #expect(outbox.books.dropped == [.expired: 3])
        outbox.close()
    }

    @Test("What programs wait for comes between the portions of a purge")
    func purgeLetsOthersThrough() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<3500 { outbox.append(.test("\(index)")) { _ in } }
        _ = try await outbox.receipt(.test("last"))
        let order = Mutex<[String]>([])
        let blocker = try await Blocker(folder.database)
        // Held up until both are asked for.
        outbox.append(.test("first")) { _ in }
        async let purged = withCheckedContinuation { continuation in
            outbox.purge(nil, at: 1_000_000) { count in
                order.withLock { $0.append("purged") }
                continuation.resume(returning: count)
            }
        }
        try await blocker.end()
        outbox.append(.test("meanwhile")) { _ in order.withLock { $0.append("stored") } }
        _ = await purged
        #expect(order.withLock { $0 } == ["stored", "purged"])
        outbox.close()
    }

    @Test(
        "A corrupt file is set aside by name, and what can be read of it brought over",
        arguments: ["garbage", "torn", "header", "ledger"])
    func corrupt(kind: String) async throws {
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for index in 0..<200 { _ = try await outbox.receipt(.test(String(repeating: "\(index) ", count: 50))) }
        outbox.close()
        let url = URL(fileURLWithPath: folder.database)
        var bytes = try Data(contentsOf: url)
        switch kind {
        case "garbage": bytes = Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        case "torn": bytes = bytes.prefix(bytes.count * 3 / 4)
        case "header": bytes.replaceSubrange(0..<16, with: Data(repeating: 0, count: 16))
        default:
            let database = try DatabaseQueue(path: folder.database)
            try await database.write { db in try db.execute(sql: "DROP TABLE ledger") }
            try database.close()
            bytes = try Data(contentsOf: url)
        }
        try bytes.write(to: url)

        outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        guard
            case .setAside(let aside, let detail, let brought, let missing, _) = try #require(outbox.notices.first)
        else { return }
        #expect(aside.hasPrefix(folder.database + ".corrupt-"))
        #expect(!detail.isEmpty)
        if kind == "ledger" {
            // A database still, from which the messages can be taken.
            let rows = try await DatabaseQueue(path: aside).read { db in
                try Int.fetchOne(db, sql: "SELECT count(*) FROM message")
            }
            #expect(rows == 200)
        } else {
            #expect(FileManager.default.contents(atPath: aside) == bytes)
        }
        switch kind {
        case "garbage": #expect(brought == 0)
        case "torn": #expect(1..<200 ~= brought && missing == 200 - brought)
        default: #expect(brought == 200 && missing == 0)
        }
        let received: Int64 = kind == "garbage" ? 0 : 200
        #expect(outbox.books.received == received && outbox.books.waiting == brought && outbox.books.balance == 0)
        #expect(try await outbox.next().count == Int(brought))
        #expect(try await outbox.receipt(.test("new")) == received + 1)
        outbox.close()
    }

    @Test("Two corrupt files in the same second get names of their own")
    func corruptTwice() throws {
        for _ in 0..<3 {
            try Data("this is no database, whatever it is, and long enough to have a header of its own. And more.".utf8)
                .write(to: URL(fileURLWithPath: folder.database))
            let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
            #expect(outbox.notices.count == 1)
            outbox.close()
        }
        #expect(folder.names.count { $0.hasPrefix("outbox.db.corrupt-") } == 3)
    }

    @Test("A file of a later release is refused and left alone")
    func fromTheFuture() async throws {
        try Outbox(path: folder.database, limits: OutboxLimits()).close()
        let database = try DatabaseQueue(path: folder.database)
        try await database.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA user_version = 99") }
        try database.close()
        #expect(throws: OutboxError.fromTheFuture(path: folder.database, version: 99)) {
            try Outbox(path: folder.database, limits: OutboxLimits())
        }
        #expect(!folder.names.contains { $0.contains("corrupt") })
    }

    @Test("A folder that is not there is an error with the path")
    func missingFolder() {
        let path = folder.path + "/missing/outbox.db"
        let error = #expect(throws: OutboxError.self) { try Outbox(path: path, limits: OutboxLimits()) }
        #expect(error?.description.contains(path) == true)
    }
}
