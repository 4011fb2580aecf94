import BridgeCore
import Foundation
import GRDB

/// The statements of the outbox, each on a connection that the caller holds.
///
/// A message's sequence is the number of messages ever received, itself included, so that the
/// ledger alone guarantees that no receipt is given out twice; AUTOINCREMENT would write one page
/// more with each commit. `size` stands before `payload`, so that walks over the queue need not read
/// the pages of long payloads.
enum OutboxStore {
    /// The layouts in order; `PRAGMA user_version` counts those applied.
    static let layouts = [
        """
        CREATE TABLE message (
            sequence INTEGER PRIMARY KEY,
            queued_at INTEGER NOT NULL,
            expires_at INTEGER,
            size INTEGER NOT NULL,
            qos INTEGER NOT NULL,
            alink_id TEXT,
            topic TEXT NOT NULL,
            payload BLOB NOT NULL
        );
        CREATE INDEX message_by_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
        CREATE TABLE taken_key (
            key TEXT PRIMARY KEY,
            sequence INTEGER NOT NULL,
            taken_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE ledger (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            received INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            waiting INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        );
        CREATE TABLE ledger_dropped (
            reason TEXT PRIMARY KEY,
            messages INTEGER NOT NULL
        ) WITHOUT ROWID;
        INSERT INTO ledger VALUES (1, 0, 0, 0, 0);
        """,
        // What became of messages that left: 1 delivered, 2 confirmed, 3 dropped.
        """
        CREATE INDEX message_by_id ON message (alink_id) WHERE alink_id IS NOT NULL;
        CREATE TABLE receipt (
            sequence INTEGER PRIMARY KEY,
            left_at INTEGER NOT NULL,
            outcome INTEGER NOT NULL,
            alink_id TEXT,
            topic TEXT NOT NULL,
            reason TEXT,
            code INTEGER,
            data BLOB,
            note TEXT
        );
        CREATE INDEX receipt_by_id ON receipt (alink_id) WHERE alink_id IS NOT NULL;
        """,
    ]

    // MARK: Messages

    static func insert(_ message: NewMessage, as sequence: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO message (sequence, queued_at, expires_at, size, qos, alink_id, topic, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(arguments: [
            sequence, message.queuedAt, message.expiresAt, message.cost, Int(message.qos), message.alinkID,
            message.topic, Data(message.payload),
        ])
    }

    /// A message that is no more.
    struct Deleted {
        var cost: Int64
        var alinkID: String?
        var topic: String
    }

    /// Deletes a message; nil when it is not there.
    static func delete(_ sequence: Int64, _ db: Database) throws -> Deleted? {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM message WHERE sequence = ? RETURNING size, alink_id, topic")
        return try Row.fetchOne(statement, arguments: [sequence]).map {
            Deleted(cost: $0[0], alinkID: $0[1], topic: $0[2])
        }
    }

    static func contains(_ sequence: Int64, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM message WHERE sequence = ?")
        return try Int.fetchOne(statement, arguments: [sequence]) != nil
    }

    /// Messages behind `sequence`, or one of them, at most `count`.
    static func waiting(after sequence: Int64, only: Int64?, count: Int, _ db: Database) throws -> [Int64] {
        try Int64.fetchAll(
            db,
            sql:
                "SELECT sequence FROM message WHERE sequence > ? AND ifnull(sequence = ?, 1) ORDER BY sequence LIMIT ?",
            arguments: [sequence, only, count])
    }

    /// The oldest messages behind `sequence`, with their costs, until these make up `bytes`.
    static func oldest(after sequence: Int64, making bytes: Int64, _ db: Database) throws -> [Int64] {
        let statement = try db.cachedStatement(
            sql: "SELECT sequence, size FROM message WHERE sequence > ? ORDER BY sequence")
        let rows = try Row.fetchCursor(statement, arguments: [sequence])
        var found: [Int64] = []
        var sum: Int64 = 0
        while sum < bytes, let row = try rows.next() {
            found.append(row[0])
            sum &+= row[1]
        }
        return sum < bytes ? [] : found
    }

    /// Messages behind `sequence` whose time is over, at most `count`.
    static func expired(
        after sequence: Int64, limits: OutboxLimits, now: Int64, count: Int, _ db: Database
    ) throws
        -> [Int64]
    {
        let byDate = try db.cachedStatement(
            sql: "SELECT sequence FROM message WHERE expires_at <= ? AND sequence > ? ORDER BY expires_at LIMIT ?")
        var found = Set(try Int64.fetchAll(byDate, arguments: [now, sequence, count]))
        // By age: from the oldest one to the first that is young enough.
        let byAge = try db.cachedStatement(
            sql: "SELECT sequence, queued_at, expires_at FROM message WHERE sequence > ? ORDER BY sequence")
        let rows = try Row.fetchCursor(byAge, arguments: [sequence])
        while found.count < count, let row = try rows.next() {
            guard limits.hasExpired(queuedAt: row[1], expiresAt: row[2], now: now) else { break }
            found.insert(row[0])
        }
        return found.sorted()
    }

    /// Pages inside the file that hold nothing.
    static func spareBytes(_ db: Database) throws -> Int64 {
        let pages = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        return pages * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
    }

    // MARK: Keys

    static let keyLifetime: Int64 = 86_400_000

    static func sequence(ofKey key: String, now: Int64, _ db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT sequence FROM taken_key WHERE key = ? AND taken_at > ?")
        return try Int64.fetchOne(statement, arguments: [key, now &- keyLifetime])
    }

    static func take(key: String, sequence: Int64, now: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT OR REPLACE INTO taken_key VALUES (?, ?, ?)")
        try statement.execute(arguments: [key, sequence, now])
    }

    static func forgetKeys(now: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM taken_key WHERE taken_at <= ?", arguments: [now &- keyLifetime])
    }

    // MARK: Books

    static func books(_ db: Database) throws -> OutboxBooks? {
        guard let row = try Row.fetchOne(db, sql: "SELECT received, delivered, waiting, bytes FROM ledger") else {
            return nil
        }
        var dropped: [DropReason: Int64] = [:]
        for entry in try Row.fetchAll(db, sql: "SELECT reason, messages FROM ledger_dropped") {
            guard let reason = DropReason(rawValue: entry[0]) else { continue }
            dropped[reason] = entry[1]
        }
        return OutboxBooks(received: row[0], delivered: row[1], waiting: row[2], dropped: dropped, bytes: row[3])
    }

    static func save(_ books: OutboxBooks, before: OutboxBooks, _ db: Database) throws {
        guard books != before else { return }
        let statement = try db.cachedStatement(
            sql: "UPDATE ledger SET received = ?, delivered = ?, waiting = ?, bytes = ?")
        try statement.execute(arguments: [books.received, books.delivered, books.waiting, books.bytes])
        for (reason, count) in books.dropped where before.dropped[reason] != count {
            try db.execute(
                sql: "INSERT OR REPLACE INTO ledger_dropped VALUES (?, ?)", arguments: [reason.rawValue, count])
        }
    }
}
