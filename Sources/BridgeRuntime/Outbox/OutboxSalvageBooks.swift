import BridgeCore
import Foundation
import GRDB

/// Balances the books of a salvaged outbox: what is not accounted for by what was found is missing.
struct SalvageBooks {
    private let harvest: SalvageHarvest
    /// The largest key that the trees name.
    private let largestKey: Int64

    init(_ harvest: SalvageHarvest, largestKey: Int64) {
        self.harvest = harvest
        self.largestKey = largestKey
    }

    func settle(now: Int64, _ db: Database) throws -> OutboxSalvage.Summary {
        try harvest.removeSettled(db)
        let kept = try OutboxStore.books(db) ?? OutboxBooks()
        let totals = try Row.fetchOne(db, sql: "SELECT count(*), ifnull(sum(size), 0), min(sequence) FROM message")
        let waiting: Int64 = totals?[0] ?? 0
        let past = try left(db)
        // Without the ledger the trees' keys are the best that is known; with it, they only could be wrong.
        var received = max(kept.received, harvest.largest, harvest.hasLedger ? 0 : largestKey)
        var delivered = max(kept.delivered, past.delivered)
        if !harvest.hasLedger {
            // What is older than everything that was found left so long ago that its receipt is forgotten.
            let oldest = min(totals?[2] ?? Int64.max, past.oldest ?? Int64.max)
            delivered += oldest == .max ? received : oldest - 1
        }
        var dropped = kept.dropped.mapValues { max(0, $0) }
        for (reason, count) in past.dropped { dropped[reason] = max(dropped[reason] ?? 0, count) }
        var rest = received - delivered - waiting - dropped.values.reduce(0, +)
        if rest < 0 {
            // Parts of the file are older than others. A number more is better than one given out twice.
            received -= rest
            rest = 0
        }
        // Messages with a receipt that the ledger still had waiting.
        let settled = min(rest, harvest.settled)
        delivered += settled
        let missing = rest - settled
        if missing > 0 { dropped[.damaged, default: 0] += missing }
        let books = OutboxBooks(
            received: received, delivered: delivered, waiting: waiting, dropped: dropped, bytes: totals?[1] ?? 0)
        var used = try OutboxStore.used(db)
        let connection = try Int64.fetchOne(db, sql: "SELECT max(connection) FROM message") ?? 0
        used.lastConnection = max(used.lastConnection, connection, harvest.used.lastConnection)
        used.upcomingID = harvest.used.upcomingID ?? used.upcomingID
        try OutboxStore.save(books, before: kept, used, db)
        if harvest.hasReceipts { try noteBroken(now: now, db) }
        return OutboxSalvage.Summary(brought: waiting, missing: missing)
    }

    /// What the receipts say.
    private func left(_ db: Database) throws -> (delivered: Int64, dropped: [DropReason: Int64], oldest: Int64?) {
        guard harvest.hasReceipts else { return (0, [:], nil) }
        var delivered: Int64 = 0
        var dropped: [DropReason: Int64] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT reason, count(*) FROM receipt GROUP BY reason") {
            let reason: String? = row[0]
            if let reason = reason.flatMap(DropReason.init) { dropped[reason] = row[1] } else { delivered += row[1] }
        }
        return (delivered, dropped, try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM receipt"))
    }

    /// Whoever asks for a message of which only a part could be read is told what became of it.
    private func noteBroken(now: Int64, _ db: Database) throws {
        for message in harvest.broken {
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO receipt (sequence, left_at, outcome, alink_id, topic, reason)
                    SELECT ?, ?, 3, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM message WHERE sequence = ?)
                    """,
                arguments: [
                    message.sequence, now, message.alinkID, message.topic, DropReason.damaged.rawValue,
                    message.sequence,
                ])
        }
    }
}

/// Why nothing could be salvaged.
enum OutboxSalvageError: Error, CustomStringConvertible {
    case unreadable

    var description: String { "the file cannot be read" }
}
