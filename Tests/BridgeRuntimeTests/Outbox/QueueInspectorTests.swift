import BridgeCore
import BridgeRuntime
import GRDB
import Glibc
import Testing

/// Looking into an outbox from outside.
@Suite("Queue from outside")
struct QueueInspectorTests {
    @Test("what waits is seen while the outbox is in use, and payloads byte for byte")
    func looks() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for text in ["a", "bb", "ccc"] { _ = try await outbox.receipt(.test(text)) }
        let inspector = try QueueInspector(path: folder.database)
        var seen: [(Int64, Int)] = []
        try inspector.forEach(limit: 2) { seen.append(($0.receipt, $0.bytes)) }
        #expect(seen.map(\.0) == [1, 2])
        #expect(seen.map(\.1) == [1, 2])
        #expect(try inspector.message(3)?.payload == Array("ccc".utf8))
        #expect(try inspector.message(4) == nil)
        _ = await outbox.remove(1, as: .delivered)
        #expect(try inspector.receipt(1)?.state == .delivered)
        let found = try inspector.verify()
        #expect(found.isBalanced)
        #expect(found.rows == 2)
    }

    @Test("all are listed, in portions, and none keeps the log from being folded into the database")
    func portions() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...1001 { outbox.append(.test("\(number)")) { _ in } }
        _ = try await outbox.receipt(.test("last"))
        let writer = try DatabaseQueue(path: folder.database)
        let inspector = try QueueInspector(path: folder.database)
        for (limit, expected) in [(0, 0), (500, 500), (1001, 1001), (.max, 1002)] as [(Int, Int)] {
            var seen: [Int64] = []
            try inspector.forEach(limit: limit) { entry in
                if seen.isEmpty {
                    try writer.writeWithoutTransaction { db in
                        let busy = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")?[0] as Int?
                        #expect(busy == 0)
                    }
                }
                seen.append(entry.receipt)
            }
            #expect(seen == (0..<expected).map { Int64($0) + 1 })
        }
    }

    @Test("books that do not fit the rows are found")
    func unbalanced() async throws {
        let folder = try TemporaryFolder()
        do {
            let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
            _ = try await outbox.receipt(.test("a"))
            outbox.close()
        }
        try await DatabaseQueue(path: folder.database).write { try $0.execute(sql: "DELETE FROM message") }
        let found = try QueueInspector(path: folder.database).verify()
        #expect(!found.isBalanced)
        #expect(found.rows == 0)
        #expect(found.books.waiting == 1)
    }

    @Test("an outbox that is not there is an error, and none is made")
    func missing() throws {
        let folder = try TemporaryFolder()
        #expect(throws: OutboxError.self) { try QueueInspector(path: folder.database) }
        #expect(folder.names.isEmpty)
    }

    @Test("one process at a time; which is seen from outside")
    func inUse() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(QueueInspector.isInUse(path: folder.database))
        #expect(throws: OutboxError.self) { try Outbox(path: folder.database, limits: OutboxLimits()) }
        outbox.close()
        #expect(!QueueInspector.isInUse(path: folder.database))
        let next = try Outbox(path: folder.database, limits: OutboxLimits())
        next.close()
    }

    @Test("what root makes belongs to the daemon's user", .enabled(if: geteuid() == 0))
    func ownership() async throws {
        let folder = try TemporaryFolder()
        try Outbox(path: folder.database, limits: OutboxLimits()).close()
        for name in folder.names { chown(folder.path + "/" + name, 65_534, 65_534) }
        unlink(folder.database + "-lock")
        #expect(!QueueInspector.isInUse(path: folder.database))
        #expect(!folder.names.contains("outbox.db-lock"))
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await outbox.receipt(.test("a"))
        for name in folder.names {
            var status = stat()
            #expect(stat(folder.path + "/" + name, &status) == 0)
            #expect(status.st_uid == 65_534, "\(name) belongs to \(status.st_uid)")
        }
        outbox.close()
    }

    @Test("purged: one, all, and never what is with the session; the books balance")
    func purges() async throws {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...10 { _ = try await outbox.receipt(.test("\(number)")) }
        #expect(try await outbox.take(limitCount: 2).map(\.sequence) == [1, 2])
        #expect(outbox.purgeAndWait([5]) == 1)
        #expect(outbox.purgeAndWait([5]) == 0)
        #expect(outbox.purgeAndWait([1]) == 0)
        #expect(outbox.purgeAndWait([nil]) == 7)
        outbox.putBack([1, 2])
        #expect(try await outbox.texts() == ["1", "2"])
        #expect(outbox.books.dropped[.purged] == 8)
        #expect(outbox.books.balance == 0)
    }
}
