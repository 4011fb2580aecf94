import BridgeCore
import Foundation
import GRDB

/// Brings what can still be read of a corrupt outbox into a new database beside it.
///
/// It does not ask SQLite, which stops at the first thing it does not like, but reads the file's pages, along the trees and,
/// where these are broken, wherever rows stand. A message for which there is a receipt has left and is not brought back. What
/// the books of the old file say is missing is counted as ``DropReason/damaged``.
struct OutboxSalvage {
    /// What came of it.
    struct Summary: Equatable, Sendable {
        /// Messages that wait in the new database.
        var brought: Int64
        /// Messages that are known to be lost.
        var missing: Int64
    }

    /// The database that it makes, until it takes the place of the corrupt one.
    static func target(of path: String) -> String { path + ".salvaged" }

    /// Makes the new database; blocks. The corrupt one is only read.
    ///
    /// - Parameters:
    ///   - staging: what the staging file beside it holds.
    ///   - now: wall clock, milliseconds since 1970.
    static func run(path: String, _ staging: StagingContents, now: Int64) throws -> Summary {
        discard(of: path)
        let pages = SalvagePages(path: path)
        guard pages != nil || staging.identity != nil else { throw OutboxSalvageError.unreadable }
        var configuration = GRDB.Configuration()
        configuration.label = "espbridged.salvage"
        OutboxFile.makePrivate(target(of: path))
        let queue = try DatabaseQueue(path: target(of: path), configuration: configuration)
        do {
            let summary = try queue.writeWithoutTransaction { db in
                // Until it is whole, nobody needs it: no journal on disk, one sync at the end.
                try db.execute(sql: "PRAGMA page_size = \(OutboxLayout.pageSize)")
                try db.execute(sql: "PRAGMA journal_mode = MEMORY")
                var summary = Summary(brought: 0, missing: 0)
                try db.inTransaction(.immediate) {
                    let version = pages?.version ?? OutboxLayout.all.count
                    let layouts = (1...OutboxLayout.all.count).contains(version) ? version : OutboxLayout.all.count
                    for layout in OutboxLayout.all.prefix(layouts) { try db.execute(sql: layout) }
                    try db.execute(sql: "PRAGMA user_version = \(layouts)")
                    let isStaging = layouts == OutboxLayout.all.count
                    summary = try carryOver(pages, isStaging ? staging : nil, now: now, db)
                    return .commit
                }
                return summary
            }
            try queue.close()
            return summary
        } catch {
            try? queue.close()
            discard(of: path)
            throw error
        }
    }

    /// Removes what an interrupted run left.
    static func discard(of path: String) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: target(of: path) + suffix)
        }
    }

    /// Reads the old file into the new database.
    private static func carryOver(
        _ pages: SalvagePages?, _ staging: StagingContents?, now: Int64, _ db: Database
    ) throws -> Summary {
        let harvest = try SalvageHarvest(db)
        let largestKey = try pages.map { try take($0, harvest, db) } ?? 0
        if let staging { try harvest.take(staging, db) }
        return try SalvageBooks(harvest, largestKey: largestKey).settle(now: now, db)
    }

    /// Takes all rows; the largest key that the trees name.
    private static func take(_ pages: SalvagePages, _ harvest: SalvageHarvest, _ db: Database) throws -> Int64 {
        var scan = SalvageScan(pages)
        for table in harvest.tables { try scan.walk(table) { try harvest.take($0, of: table, db) } }
        let strays = scan.strays(harvest.tables)
        for table in harvest.tables {
            var strays = strays[table.name] ?? []
            if table.name == "message", !scan.knowsFreePages {
                // Some may have left long ago. The newest wait, as many as the books say.
                strays.sort { $0.key > $1.key }
                try harvest.takeMissed(strays.lazy.compactMap(scan.row), of: table, db)
            } else {
                for row in strays.lazy.compactMap(scan.row) { try harvest.take(row, of: table, db) }
            }
        }
        return scan.largestKey
    }
}
