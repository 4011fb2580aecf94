import BridgeCore
import Foundation
import GRDB

/// Looks into an outbox from outside, whether or not a daemon works with it; changes nothing.
public struct QueueInspector {
    /// A waiting message without its payload.
    public struct Entry: Equatable, Sendable {
        public let receipt: Int64
        /// Wall clock, milliseconds since 1970; nil when the clock was not set.
        public let queuedAt: Int64?
        public let expiresAt: Int64?
        public let qos: UInt8
        public let alinkID: String?
        public let topic: String
        /// Of the payload.
        public let bytes: Int
    }

    /// Whether books and rows agree.
    public struct Verification: Equatable, Sendable {
        /// What SQLite found wrong with the file; empty when it is sound.
        public let damages: [String]
        public let books: OutboxBooks
        /// What is really there.
        public let rows: Int64
        public let bytes: Int64

        /// received = delivered + waiting + dropped, and the rows are what the books say.
        public var isBalanced: Bool {
            damages.isEmpty && books.balance == 0 && rows == books.waiting && bytes == books.bytes
        }
    }

    private let queue: DatabaseQueue

    /// Opens the database for reading.
    public init(path: String) throws(OutboxError) {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw .cannotOpen(path: path, detail: Self.words(error))
        }
    }

    /// Calls `body` with each waiting message, oldest first.
    public func forEach(limit: Int = .max, _ body: (Entry) throws -> Void) throws {
        try queue.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT sequence, queued_at, expires_at, qos, alink_id, topic, length(payload)
                    FROM message ORDER BY sequence LIMIT ?
                    """, arguments: [limit])
            while let row = try rows.next() { try body(Self.entry(row)) }
        }
    }

    /// A waiting message with its payload.
    public func message(_ receipt: Int64) throws -> (entry: Entry, payload: [UInt8])? {
        try queue.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT sequence, queued_at, expires_at, qos, alink_id, topic, length(payload), payload
                    FROM message WHERE sequence = ?
                    """, arguments: [receipt]
            ).map { row in
                let payload: Data = row[7]
                return (Self.entry(row), [UInt8](payload))
            }
        }
    }

    /// What became of a message that waits no more.
    public func receipt(_ number: Int64) throws -> Receipt? {
        try queue.read { db in try ReceiptStore.find(.number(number), db) }
    }

    /// The accounts as of the last commit.
    public func books() throws -> OutboxBooks {
        try queue.read { db in try OutboxStore.books(db) } ?? OutboxBooks()
    }

    /// Reads the whole file.
    public func verify() throws -> Verification {
        try queue.read { db in
            let verdict = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
            guard let books = try OutboxStore.books(db) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the ledger is missing")
            }
            let totals = try Row.fetchOne(db, sql: "SELECT count(*), ifnull(sum(size), 0) FROM message")
            return Verification(
                damages: verdict == ["ok"] ? [] : verdict, books: books, rows: totals?[0] ?? 0, bytes: totals?[1] ?? 0)
        }
    }

    /// Whether a daemon works with the outbox at `path`.
    public static func isInUse(path: String) -> Bool { OutboxLock.isHeld(databasePath: path) }

    /// What SQLite says, without GRDB's statement around it.
    public static func words(_ error: any Error) -> String { (error as? DatabaseError)?.message ?? "\(error)" }

    private static func entry(_ row: Row) -> Entry {
        let queuedAt: Int64 = row[1]
        return Entry(
            receipt: row[0], queuedAt: queuedAt == .max ? nil : queuedAt, expiresAt: row[2],
            qos: UInt8(clamping: row[3] as Int), alinkID: row[4], topic: row[5], bytes: row[6])
    }
}
