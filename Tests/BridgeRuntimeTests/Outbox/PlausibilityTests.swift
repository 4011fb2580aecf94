import BridgeCore
import BridgeRuntime
import GRDB
import Testing

/// Databases whose pages are sound, each by itself, and do not fit one another.
@Suite struct PlausibilityTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Ten messages, of which the first six have left, and the database closed in order.
    private func fill(_ changes: [String]) async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...10 { _ = try await outbox.receipt(.test("\(number)")) }
        for sequence in 1...6 { #expect(await outbox.remove(Int64(sequence), as: .delivered)) }
        outbox.close()
        let other = try DatabaseQueue(path: folder.database)
        try await other.writeWithoutTransaction { db in for change in changes { try db.execute(sql: change) } }
        try other.close()
    }

    @Test(
        "Books older than the rest of the file, and numbers that cannot be, are damage: no receipt is given out again",
        arguments: [
            [
                "INSERT INTO receipt (sequence, left_at, outcome, topic) SELECT sequence, 0, 1, topic FROM message",
                "DELETE FROM message", "UPDATE ledger SET received = 4, delivered = 4, waiting = 0, bytes = 0",
            ],
            ["UPDATE ledger SET received = 8, delivered = 4"],
            ["UPDATE ledger SET received = 4, delivered = 0"],
            ["UPDATE ledger SET waiting = -9223372036854775808"],
            ["UPDATE ledger SET received = 9223372036854775807, delivered = 9223372036854775803"],
            ["INSERT INTO ledger_dropped VALUES ('expired', 9223372036854775807), ('purged', 9223372036854775807)"],
            ["INSERT INTO ledger_dropped VALUES ('expired', -123)"],
            ["UPDATE ledger SET last_connection = 9223372036854775807"],
            [
                "INSERT INTO receipt (sequence, left_at, outcome, topic) VALUES (-9223372036854775808, 0, 1, 't')",
                "DELETE FROM ledger",
            ],
        ])
    func misfits(changes: [String]) async throws {
        try await fill(changes)
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        guard case .setAside = outbox.notices.first else {
            Issue.record("nothing was noticed: \(outbox.notices)")
            return
        }
        #expect(outbox.books.balance == 0)
        #expect(try await outbox.receipt(.test("next")) > 10)
        _ = outbox.newConnection()
        outbox.close()
    }

    @Test("A message that the index of turns lacks is found, and delivered")
    func unindexedTurn() async throws {
        try await fill(
            [
                "PRAGMA writable_schema = ON",
                "CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = 'message_by_turn'",
                "DELETE FROM sqlite_schema WHERE name = 'message_by_turn'", "PRAGMA writable_schema = RESET",
                "CREATE TABLE kept AS SELECT * FROM message WHERE sequence = 8",
                "INSERT INTO message SELECT sequence + 100, queued_at, expires_at, size, qos, epoch, program, "
                    + "connection, awaits, fingerprint, alink_id, topic, payload FROM kept",
                "DROP TABLE kept", "UPDATE ledger SET received = 108, delivered = 103, waiting = 5, bytes = bytes + 66",
                "PRAGMA writable_schema = ON", "INSERT INTO sqlite_schema SELECT * FROM hidden", "DROP TABLE hidden",
                "PRAGMA writable_schema = RESET",
            ])
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(outbox.notices.count == 1)
        #expect(try await outbox.next().map(\.sequence) == [7, 8, 9, 10, 108])
        outbox.close()
    }
}
