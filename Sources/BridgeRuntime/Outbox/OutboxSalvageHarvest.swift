import BridgeCore
import Foundation
import GRDB

/// Puts salvaged rows into the new database, and remembers what there was beside them.
final class SalvageHarvest {
    let tables: [SalvageTable]
    /// The largest receipt number met in a row.
    private(set) var largest: Int64 = 0
    /// The old file's ledger was found.
    private(set) var hasLedger = false
    /// Messages of which only a part can be read.
    private(set) var broken: [(sequence: Int64, alinkID: String?, topic: String)] = []
    private let statements: [String: Statement]

    init(_ db: Database) throws {
        tables = try SalvageTable.all(db)
        statements = try Dictionary(
            uniqueKeysWithValues: tables.map { table in
                let names = table.columns.map(\.name).joined(separator: ", ")
                let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
                // The layouts begin with a row of the ledger.
                let verb = table.name == "ledger" ? "REPLACE" : "IGNORE"
                let sql = "INSERT OR \(verb) INTO \(table.name) (\(names)) VALUES (\(marks))"
                return (table.name, try db.makeStatement(sql: sql))
            })
    }

    /// Takes a row, unless it is none of this table or there already.
    func take(_ row: SalvageReader.Row, of table: SalvageTable, _ db: Database) throws {
        guard let values = table.values(of: row) else { return }
        let sequence: Int64? = table.value("sequence", values)
        if let sequence { largest = max(largest, sequence) }
        guard values.count == table.columns.count else {
            if table.name == "message", let sequence, let topic: String = table.value("topic", values) {
                broken.append((sequence, table.value("alink_id", values), topic))
            }
            return
        }
        if table.name == "ledger" { hasLedger = true }
        do {
            try statements[table.name]?.execute(arguments: StatementArguments(values))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            // It only looked like a row of this table.
        }
    }

    /// Takes messages that may have left or not: those without a receipt, until as many wait as the books say.
    func takeMissed(_ rows: some Sequence<SalvageReader.Row>, of table: SalvageTable, _ db: Database) throws {
        try removeSettled(db)
        let books = try OutboxStore.books(db) ?? OutboxBooks()
        let waiting = try Int64.fetchOne(db, sql: "SELECT count(*) FROM message") ?? 0
        var room = hasLedger && largest <= books.received ? books.waiting - waiting : .max
        for row in rows where room > 0 {
            let before = db.totalChangesCount
            if try !isSettled(row.rowid, db) { try take(row, of: table, db) }
            if db.totalChangesCount > before { room -= 1 }
        }
    }

    /// Takes from the staging file what had not come into the database, and of what had, as much as the books miss.
    func take(_ staging: StagingContents, _ db: Database) throws {
        guard let identity = hasLedger ? try OutboxStore.stagingIdentity(db) : staging.identity else { return }
        if !hasLedger { try OutboxStore.saveStagingIdentity(identity, db) }
        try removeSettled(db)
        let staged = staging.messages(of: identity)
        let books = try OutboxStore.books(db) ?? OutboxBooks()
        let waiting = try Int64.fetchOne(db, sql: "SELECT count(*) FROM message") ?? 0
        let epoch = max(0, try StoredTurns(db: db).lastEpoch())
        var room = books.waiting - waiting
        for entry in staged.reversed() where try !isSettled(entry.sequence, db) {
            let isKnown = hasLedger && entry.sequence <= books.received
            guard !isKnown || room > 0, try !OutboxStore.contains(entry.sequence, db) else { continue }
            if isKnown { room -= 1 }
            try OutboxStore.insert(entry.message, as: entry.sequence, epoch: epoch, db)
            largest = max(largest, entry.sequence)
        }
        for entry in staged where entry.sequence > books.received { used.note(entry.message) }
    }

    /// What messages that the ledger does not know used up.
    private(set) var used = OutboxStore.Used()

    /// Messages that were found waiting and have a receipt all the same.
    private(set) var settled: Int64 = 0

    /// Removes messages that have a receipt: they have left, or the cloud has answered them.
    func removeSettled(_ db: Database) throws {
        guard hasReceipts else { return }
        try db.execute(sql: "DELETE FROM message WHERE sequence IN (SELECT sequence FROM receipt)")
        settled += Int64(db.changesCount)
    }

    private func isSettled(_ sequence: Int64, _ db: Database) throws -> Bool {
        guard hasReceipts else { return false }
        return try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM receipt WHERE sequence = ?)", arguments: [sequence]) ?? false
    }

    var hasReceipts: Bool { tables.contains { $0.name == "receipt" } }
}
