import BridgeCore
import Foundation
import GRDB
import Glibc

/// Opens the database of the outbox, and sets a corrupt one aside.
enum OutboxFile {
    struct Opened {
        let queue: DatabaseQueue
        let books: OutboxBooks
        let inheritance: Outbox.Inheritance
        /// Messages on disk that the database does not have.
        let staged: [StagedMessage]
        var notices: [OutboxNotice] = []
    }

    /// A file up to this size is checked as a whole before it is used.
    static let checkedSize = 128 << 20

    /// How a file is checked before it is used.
    private enum Check: String {
        case quick = "PRAGMA quick_check(1)"
        /// Indexes against their tables, too.
        case whole = "PRAGMA integrity_check(1)"
    }

    /// A process that met damage in a larger file leaves this beside it, so that the next one checks it as a whole, too.
    static func damageMark(of path: String) -> String { path + "-damaged" }

    static func open(path: String, limits: OutboxLimits) throws(OutboxError) -> Opened {
        do {
            // Where it cannot be read although it is there, nothing may be set aside or begun anew.
            let staging = try StagingContents(database: path)
            let interrupted = try OutboxExchange.finish(path: path)
            var opened = try begin(path: path, staging, limits: limits)
            if let interrupted { opened.notices += [notice(of: opened.books, aside: interrupted)] }
            return opened
        } catch let error as Corrupt {
            do {
                return try replace(path: path, limits: limits, error)
            } catch let error as OutboxError {
                throw error
            } catch {
                throw OutboxError.cannotOpen(path: path, detail: words(error))
            }
        } catch let error as OutboxError {
            throw error
        } catch {
            throw OutboxError.cannotOpen(path: path, detail: words(error))
        }
    }

    /// A database is no good, and what could be saved of it.
    private struct Corrupt: Error {
        var detail: String
        var salvage: Result<OutboxSalvage.Summary, any Error>
        var staging: StagingContents

        init(_ detail: String, path: String, _ staging: StagingContents) {
            self.detail = detail
            self.staging = staging
            salvage = Result { try OutboxSalvage.run(path: path, staging, now: WallTime.now.milliseconds) }
        }
    }

    private static func words(_ error: any Error) -> String {
        (error as? Corrupt)?.detail ?? QueueInspector.words(error)
    }

    /// Sets the corrupt database aside, and goes on with what was saved of it.
    private static func replace(path: String, limits: OutboxLimits, _ corrupt: Corrupt) throws -> Opened {
        var brought: Int64 = 0
        var missing: Int64?
        var hindrance: String?
        switch corrupt.salvage {
        case .success(let summary): (brought, missing) = (summary.brought, summary.missing)
        case .failure(let error):
            hindrance = QueueInspector.words(error)
            // What is there may still be saved when there is room, or the disk is well. An empty outbox would give its receipts
            // to others.
            if let error = error as? DatabaseError, isOfTheDisk(error) {
                throw OutboxError.cannotSave(
                    path: path, detail: corrupt.detail, hindrance: QueueInspector.words(error))
            }
        }
        let aside = try OutboxExchange.setAside(path: path)
        if hindrance == nil { try OutboxExchange.install(salvageOf: path, like: aside) }
        try? FileManager.default.removeItem(atPath: damageMark(of: path))
        var opened = try begin(path: path, corrupt.staging, limits: limits)
        opened.notices += [
            .setAside(path: aside, detail: corrupt.detail, brought: brought, missing: missing, hindrance: hindrance)
        ]
        return opened
    }

    /// Whether an error says that the disk took nothing, or had no room.
    private static func isOfTheDisk(_ error: DatabaseError) -> Bool {
        [.SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_NOMEM].contains(error.resultCode)
    }

    private static func notice(of books: OutboxBooks, aside: String) -> OutboxNotice {
        .setAside(
            path: aside, detail: "as an earlier start found", brought: books.waiting,
            missing: books.dropped[.damaged] ?? 0, hindrance: nil)
    }

    private static func begin(
        path: String, _ staging: StagingContents, limits: OutboxLimits
    ) throws -> Opened {
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(2)
        configuration.label = "espbridged.outbox"
        configuration.foreignKeysEnabled = false
        // Not GRDB's own setting of it, which writes to the file each time it is opened: a full disk would prevent that.
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA page_size = \(OutboxLayout.pageSize)")
            try db.execute(sql: "PRAGMA journal_mode = WAL")
        }
        // GRDB would trap when a failing disk prevents a rollback; the writer repeats it instead.
        configuration.allowsUnsafeTransactions = true
        let size = Self.size(of: path)
        // SQLite takes an empty file for a new database and deletes its log.
        let logSize = Self.size(of: path + "-wal")
        if size == 0, logSize > 0 { throw Corrupt("the database is empty, its log is not", path: path, staging) }
        if size % 512 != 0 || logSize > 0, SalvagePages(path: path)?.isCutOff ?? false {
            throw Corrupt("the file is cut short", path: path, staging)
        }
        guard size == 0 || !isForeign(path) else {
            throw OutboxError.cannotOpen(path: path, detail: "it is a database of another program")
        }
        let isMarked = FileManager.default.fileExists(atPath: damageMark(of: path))
        let queue: DatabaseQueue
        do {
            makePrivate(path)
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as DatabaseError where isCorruption(error) {
            throw Corrupt(QueueInspector.words(error), path: path, staging)
        }
        do {
            // What was met while it was in use may be where the quick check does not look.
            let check: Check? = size == 0 ? nil : isMarked ? .whole : size <= checkedSize ? .quick : nil
            let opened = try queue.writeWithoutTransaction { db in
                try prepare(db, queue, path: path, staging, limits: limits, check: check, hasLog: logSize > 0)
            }
            if size == 0 { OutboxExchange.syncFolder(of: path) }
            if isMarked { try? FileManager.default.removeItem(atPath: damageMark(of: path)) }
            return opened
        } catch let error as DatabaseError where isCorruption(error) {
            // Before the connection ends, which would fold the log into what is no good.
            let corrupt = Corrupt(QueueInspector.words(error), path: path, staging)
            try? queue.close()
            throw corrupt
        } catch {
            try? queue.close()
            throw error
        }
    }

    /// Whether another program's tables are there, and none of an outbox's. Looked at without a change: even the journal's mode stays.
    private static func isForeign(_ path: String) -> Bool {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        // One that cannot be read like that is seen to when it is opened.
        guard let queue = try? DatabaseQueue(path: path, configuration: configuration) else { return false }
        let tables = try? queue.read { db in
            try String.fetchSet(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        try? queue.close()
        return tables.map { !$0.isEmpty && $0.isDisjoint(with: ["ledger", "taken_key"]) } ?? false
    }

    /// Makes the file, if there is none, so that only its owner reads what waits; SQLite gives log and index the same mode.
    static func makePrivate(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        // What is wrong with it is said when it is opened as a database.
        if descriptor >= 0 { close(descriptor) }
    }

    private static func prepare(
        _ db: Database, _ queue: DatabaseQueue, path: String, _ contents: StagingContents, limits: OutboxLimits,
        check: Check?, hasLog: Bool
    ) throws -> Opened {
        // A commit returns once the log is on the medium (https://www.sqlite.org/pragma.html#pragma_synchronous).
        try db.execute(sql: "PRAGMA synchronous = FULL")
        // Deleted rows need not be overwritten with zeros, as Debian's SQLite would do: half the writes.
        try db.execute(sql: "PRAGMA secure_delete = OFF")
        // A log that grew in a burst shrinks again.
        try db.execute(sql: "PRAGMA journal_size_limit = 4194304")
        if let pages = limits.maxPages { try db.execute(sql: "PRAGMA max_page_count = \(pages)") }
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= OutboxLayout.all.count else {
            throw OutboxError.fromTheFuture(path: path, version: version)
        }
        if let check, let verdict = try String.fetchOne(db, sql: check.rawValue), verdict != "ok" {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict)
        }
        // A process before may have written into SQLite's log what it did not live to sync, or could not: of that the kernel says
        // nothing a second time. What is committed behind it would be gone with it.
        var isLogDoubtful = hasLog
        if hasLog, (try? fold(db, path: path)) != nil { isLogDoubtful = false }
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
        var used = try OutboxStore.used(db)
        try OutboxPlausibility.checkNumbers(books, used, db)
        if check != nil { try OutboxPlausibility.compare(books, db) }
        let identity = try OutboxStore.stagingIdentity(db)
        let staged = contents.missing(from: identity, received: books.received)
        for entry in staged { used.note(entry.message) }
        let endedInOrder = try OutboxStore.endedInOrder(db)
        let crash =
            endedInOrder
            ? nil
            : BrokenConnections.Suspects.Crash(
                connection: used.lastConnection,
                settled: try OutboxStore.settledBeforeTheEnd(staged.last?.message.queuedAt, db))
        if endedInOrder { markAsOpen(db) }
        let inheritance = Outbox.Inheritance(
            used: used, crash: crash, lastEpoch: try StoredTurns(db: db).lastEpoch(),
            stagingSerial: contents.nextSerial(of: identity), isStagingWorn: !contents.unreadable.isEmpty,
            hidden: contents.hidden(from: identity), isLogDoubtful: isLogDoubtful)
        var opened = Opened(queue: queue, books: books, inheritance: inheritance, staged: staged)
        let lost = (staged.last?.sequence ?? books.received) - books.received - Int64(staged.count)
        if lost > 0 {
            opened.notices.append(.stagingDamaged(path: StagingContents.path(of: path), messages: Int(lost)))
        }
        if !contents.unreadable.isEmpty {
            opened.notices.append(
                .stagingUnreadable(path: StagingContents.path(of: path), blocks: contents.unreadable.count))
        }
        if let notice = try StagingFile.setForeignAside(contents, database: path, identity: identity) {
            opened.notices.append(notice)
        }
        return opened
    }

    /// Moves SQLite's log into the database, with what of it had been read in good faith.
    ///
    /// Syncing the log would not do: of what once failed to be written the kernel says nothing a second time. So it is written anew,
    /// and is gone itself, for good.
    static func fold(_ db: Database, path: String) throws {
        try db.checkpoint(.truncate)
        try StagingFile.sync(path + "-wal")
    }

    /// A process that does not end in order leaves this mark. On a full disk there may be no room for it; then a crash goes
    /// unnoticed, which matters only to messages that come a second time after it.
    private static func markAsOpen(_ db: Database) { try? OutboxStore.save(endedInOrder: false, db) }

    /// Whether an error says that the file is damaged, rather than the disk or the room on it.
    static func isCorruption(_ error: DatabaseError) -> Bool {
        let code = error.resultCode
        return code == .SQLITE_CORRUPT || code == .SQLITE_NOTADB
            // The layout is not what `user_version` says (no such table or column), or the format is none that is known.
            || code == .SQLITE_ERROR
    }

    private static func size(of path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }
}
