import BridgeCore
import Foundation
import GRDB

/// Opens the database of the outbox, and sets a corrupt one aside.
enum OutboxFile {
    struct Opened {
        let queue: DatabaseQueue
        let books: OutboxBooks
        let inheritance: Outbox.Inheritance
        var notices: [OutboxNotice] = []
    }

    /// A file up to this size is checked as a whole before it is used.
    static let checkedSize = 128 << 20

    static func open(path: String, limits: OutboxLimits) throws(OutboxError) -> Opened {
        do {
            return try begin(path: path, limits: limits)
        } catch let error as DatabaseError where isCorruption(error) {
            let detail = error.message ?? "\(error.resultCode)"
            let aside = try setAside(path: path)
            do {
                var opened = try begin(path: path, limits: limits)
                opened.notices = [.setAside(path: aside, detail: detail)]
                return opened
            } catch {
                throw OutboxError.cannotOpen(path: path, detail: "\(error)")
            }
        } catch let error as OutboxError {
            throw error
        } catch {
            throw OutboxError.cannotOpen(path: path, detail: "\(error)")
        }
    }

    private static func begin(path: String, limits: OutboxLimits) throws -> Opened {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(2)
        configuration.label = "espbridged.outbox"
        configuration.foreignKeysEnabled = false
        // Not GRDB's own setting of it, which writes to the file each time it is opened: a full disk would prevent that.
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA journal_mode = WAL") }
        // GRDB would trap when a failing disk prevents a rollback; the writer repeats it instead.
        configuration.allowsUnsafeTransactions = true
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        do {
            let (books, inheritance) = try queue.writeWithoutTransaction { db in
                try prepare(db, path: path, limits: limits, check: size > 0 && size <= checkedSize)
            }
            if size == 0 { syncFolder(of: path) }
            return Opened(queue: queue, books: books, inheritance: inheritance)
        } catch {
            try? queue.close()
            throw error
        }
    }

    private static func prepare(
        _ db: Database, path: String, limits: OutboxLimits, check: Bool
    ) throws -> (OutboxBooks, Outbox.Inheritance) {
        // A commit returns once the log is on the medium (https://www.sqlite.org/pragma.html#pragma_synchronous).
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // Deleted rows need not be overwritten with zeros, as Debian's SQLite would do: half the writes.
        try db.execute(sql: "PRAGMA secure_delete = OFF")
        // A log that grew in a burst shrinks again.
        try db.execute(sql: "PRAGMA journal_size_limit = 4194304")
        if let pages = limits.maxPages { try db.execute(sql: "PRAGMA max_page_count = \(pages)") }
        if check, let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), verdict != "ok" {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict)
        }
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= OutboxLayout.all.count else {
            throw OutboxError.fromTheFuture(path: path, version: version)
        }
        for (index, layout) in OutboxLayout.all.enumerated().dropFirst(max(0, version)) {
            try db.inTransaction(.immediate) {
                try db.execute(sql: layout)
                try db.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
        guard let books = try OutboxStore.books(db) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the ledger is missing")
        }
        let inheritance = Outbox.Inheritance(
            upcomingID: try OutboxStore.upcomingID(db), endedInOrder: try OutboxStore.endedInOrder(db),
            received: books.received, lastEpoch: try StoredTurns(db: db).lastEpoch())
        if inheritance.endedInOrder { markAsOpen(db) }
        return (books, inheritance)
    }

    /// A process that does not end in order leaves this mark. On a full disk there may be no room for it; then a crash goes
    /// unnoticed, which matters only to messages that come a second time after it.
    private static func markAsOpen(_ db: Database) { try? OutboxStore.save(endedInOrder: false, db) }

    private static func isCorruption(_ error: DatabaseError) -> Bool {
        let code = error.resultCode
        return code == .SQLITE_CORRUPT || code == .SQLITE_NOTADB
            // The layout is not what `user_version` says: no such table or column.
            || code == .SQLITE_ERROR && (error.message ?? "").hasPrefix("no such ")
    }

    /// Renames the database, its log and its index, so that SQLite could still open them together.
    private static func setAside(path: String) throws(OutboxError) -> String {
        let stamp = Date().ISO8601Format().replacing(":", with: "")
        var aside = "\(path).corrupt-\(stamp)"
        var attempt = 1
        while FileManager.default.fileExists(atPath: aside) {
            attempt += 1
            aside = "\(path).corrupt-\(stamp)-\(attempt)"
        }
        do {
            for suffix in ["-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix)
            }
            try FileManager.default.moveItem(atPath: path, toPath: aside)
        } catch {
            throw .cannotSetAside(path: path, detail: "\(error)")
        }
        syncFolder(of: path)
        return aside
    }

    /// Makes the names in a folder last (fsync(2): the entry needs a sync of its own).
    private static func syncFolder(of path: String) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard let handle = FileHandle(forReadingAtPath: folder) else { return }
        try? handle.synchronize()
        try? handle.close()
    }
}
