import BridgeCore
import BridgeRuntime
import Foundation
import GRDB
import Synchronization
import Testing

/// A database that is damaged while it is in use: words, not silence, and the next start saves what can be read.
@Suite struct DamageTests {
    @Test("Damage that is met while running is told once, and the next opening brings the rest over")
    func damageWhileRunning() async throws {
        let folder = try TemporaryFolder()
        let told = Mutex<[String]>([])
        let troubles = Mutex<[OutboxTrouble]>([])
        let outbox = try Outbox(
            path: folder.database, limits: OutboxLimits(),
            onDamaged: { detail in told.withLock { $0.append(detail) } },
            onTrouble: { trouble in troubles.withLock { $0.append(trouble) } })
        // More than SQLite keeps in memory.
        let count: Int64 = 2000
        let text = String(repeating: "x", count: 3000)
        for _ in 0..<count - 1 { outbox.append(.test(text)) { _ in } }
        #expect(try await outbox.receipt(.test(text)) == count)
        let other = try DatabaseQueue(path: folder.database)
        _ = try await other.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.database))
        try file.seek(toOffset: 800 << 10)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 80 << 10))
        try file.close()
        // A medium that takes nothing, not even a mark, is not a file that a new start could mend.
        let mark = folder.database + "-damaged"
        try FileManager.default.createDirectory(atPath: mark, withIntermediateDirectories: false)
        var failures = 0
        if (try? await outbox.next()) == nil { failures += 1 }
        #expect(told.withLock { $0.isEmpty })
        #expect(outbox.trouble.text?.contains("cannot be read from the disk") == true)
        #expect(troubles.withLock { $0 } == [outbox.trouble])
        try FileManager.default.removeItem(atPath: mark)
        for _ in 0..<2 where (try? await outbox.next()) == nil { failures += 1 }
        #expect(failures == 3)
        #expect(told.withLock { $0.count } == 1)
        #expect(folder.names.contains("outbox.db-damaged"))
        outbox.close()

        let reopened = try Outbox(path: folder.database, limits: OutboxLimits())
        guard case .setAside(_, _, let brought, let missing?, _) = try #require(reopened.notices.first) else {
            Issue.record("nothing was brought over: \(reopened.notices)")
            return
        }
        #expect(brought + missing == count && 1...40 ~= missing)
        #expect(reopened.books.balance == 0 && reopened.books.received == count)
        #expect(!folder.names.contains("outbox.db-damaged"))
        reopened.close()
    }
}
