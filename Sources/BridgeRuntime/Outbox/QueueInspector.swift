import BridgeCore
import Foundation
import GRDB
import Glibc

/// Looks into an outbox from outside, whether or not a daemon works with it; changes nothing.
public struct QueueInspector {
    /// A message without its payload.
    public struct Entry: Equatable, Sendable {
        /// When it was set aside as poison, wall clock, milliseconds since 1970; nil: it waits.
        public var setAsideAt: Int64?
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
    private let path: String

    /// Opens the database for reading.
    public init(path: String) throws(OutboxError) {
        self.path = path
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        // In the system's words, which SQLite does not pass on.
        guard access(path, R_OK) == 0 else {
            throw .cannotOpen(path: path, detail: String(cString: strerror(errno)))
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw .cannotOpen(path: path, detail: Self.words(error))
        }
    }

    /// Which messages.
    public enum Shelf: CaseIterable, Sendable {
        case waiting
        /// Poison: the link broke with them.
        case setAside

        /// Without the payload; columns in the order of ``QueueInspector/entry(_:)``.
        fileprivate var columns: String {
            switch self {
            case .waiting: "sequence, queued_at, expires_at, qos, alink_id, topic, length(payload), NULL FROM message"
            case .setAside: "sequence, queued_at, NULL, qos, alink_id, topic, length(payload), left_at FROM set_aside"
            }
        }

        fileprivate var table: String { self == .waiting ? "message" : "set_aside" }
    }

    /// So many messages are read at a time.
    private static let portion = 500

    /// Calls `body` with each message of a shelf, oldest first.
    ///
    /// They are read in portions, and no reading goes on while `body` is called, which may take as long as a pager is open:
    /// SQLite's log cannot be folded into the database while somebody reads (sqlite.org/wal.html, "Avoiding Excessively Large
    /// WAL Files").
    public func forEach(_ shelf: Shelf = .waiting, limit: Int = .max, _ body: (Entry) throws -> Void) throws {
        var left = limit
        var last = Int64.min
        while left > 0 {
            let entries = try portion(of: shelf, after: last, count: min(left, Self.portion))
            for entry in entries { try body(entry) }
            guard entries.count == Self.portion, let end = entries.last else { return }
            last = end.receipt
            left -= entries.count
        }
    }

    private func portion(of shelf: Shelf, after receipt: Int64, count: Int) throws -> [Entry] {
        try read { db, staged in
            // A daemon of an earlier release left no such table.
            guard try db.tableExists(shelf.table) else { return [] }
            let entries = try Row.fetchAll(
                db, sql: "SELECT \(shelf.columns) WHERE sequence > ? ORDER BY sequence LIMIT ?",
                arguments: [receipt, count]
            ).map(Self.entry)
            guard shelf == .waiting else { return entries }
            return entries + staged.filter { $0.sequence > receipt }.prefix(count - entries.count).map(Self.entry)
        }
    }

    /// A message that waits or was set aside, with its payload.
    public func message(_ receipt: Int64) throws -> (entry: Entry, payload: [UInt8])? {
        try read { db, staged in
            for shelf in Shelf.allCases where try db.tableExists(shelf.table) {
                guard
                    let row = try Row.fetchOne(
                        db, sql: "SELECT \(shelf.columns) WHERE sequence = ?", arguments: [receipt]),
                    let payload = try Data.fetchOne(
                        db, sql: "SELECT payload FROM \(shelf.table) WHERE sequence = ?", arguments: [receipt])
                else { continue }
                return (Self.entry(row), [UInt8](payload))
            }
            return staged.first { $0.sequence == receipt }.map { (Self.entry($0), $0.message.payload) }
        }
    }

    /// What became of a message that waits no more.
    public func receipt(_ number: Int64) throws -> Receipt? {
        try queue.read { db in try ReceiptStore.find(.number(number), db) }
    }

    /// The accounts as they are on disk.
    public func books() throws -> OutboxBooks {
        try read { db, staged in
            var books = try OutboxStore.books(db) ?? OutboxBooks()
            for entry in staged { _ = books.accepted(entry) }
            return books
        }
    }

    /// Reads the database, and with it the messages that are on disk and not in it.
    private func read<Result>(_ body: (Database, [StagedMessage]) throws -> Result) throws -> Result {
        // In this order: what comes into the database meanwhile is found there.
        let contents = try StagingContents(database: path)
        return try queue.read { db in
            guard try db.tableExists("ledger") else {
                throw OutboxError.cannotOpen(path: path, detail: "it is no outbox")
            }
            // A daemon of an earlier release had no such file.
            guard try db.columns(in: "ledger").contains(where: { $0.name == "staging" }) else {
                return try body(db, [])
            }
            let received = try OutboxStore.books(db)?.received ?? 0
            return try body(db, contents.missing(from: try OutboxStore.stagingIdentity(db), received: received))
        }
    }

    /// Reads the whole file.
    public func verify() throws -> Verification {
        try read { db, staged in
            let verdict = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
            guard var books = try OutboxStore.books(db) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the ledger is missing")
            }
            for entry in staged { _ = books.accepted(entry) }
            let totals = try Row.fetchOne(db, sql: "SELECT count(*), ifnull(sum(size), 0) FROM message")
            return Verification(
                damages: verdict == ["ok"] ? [] : verdict, books: books,
                rows: (totals?[0] ?? 0) + Int64(staged.count),
                bytes: (totals?[1] ?? 0) + staged.reduce(0) { $0 + $1.message.cost })
        }
    }

    /// Whether a daemon works with the outbox at `path`.
    public static func isInUse(path: String) -> Bool { OutboxLock.isHeld(databasePath: path) }

    /// What SQLite says, without GRDB's statement around it.
    public static func words(_ error: any Error) -> String { (error as? DatabaseError)?.message ?? "\(error)" }

    private static func entry(_ staged: StagedMessage) -> Entry {
        let message = staged.message
        return Entry(
            receipt: staged.sequence, queuedAt: message.isDated ? message.queuedAt : nil, expiresAt: message.expiresAt,
            qos: message.qos, alinkID: message.alinkID, topic: message.topic, bytes: message.payload.count)
    }

    private static func entry(_ row: Row) -> Entry {
        let queuedAt: Int64 = row[1]
        return Entry(
            setAsideAt: row[7], receipt: row[0], queuedAt: queuedAt == .max ? nil : queuedAt, expiresAt: row[2],
            qos: UInt8(clamping: row[3] as Int), alinkID: row[4], topic: row[5], bytes: row[6])
    }
}
