import BridgeCore
import Foundation
import GRDB

/// The statements about what became of messages, each on a connection that the caller holds.
enum ReceiptStore {
    /// Most receipts that are kept, whatever their age: about 150 MB of disk.
    static let most: Int64 = 1_000_000

    private enum Outcome: Int {
        case delivered = 1
        case confirmed = 2
        case dropped = 3
    }

    /// A message left the outbox. A reply that came before is not overwritten.
    static func record(
        _ message: OutboxStore.Deleted, _ sequence: Int64, as departure: Departure, at now: Int64, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO receipt
                    (sequence, left_at, outcome, program, connection, awaits, fingerprint, alink_id, topic, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        let (outcome, reason): (Outcome, String?) =
            switch departure {
            case .delivered: (.delivered, nil)
            case .dropped(let reason): (.dropped, reason.rawValue)
            }
        try statement.execute(arguments: [
            sequence, now, outcome.rawValue, message.sender.program, message.sender.connection,
            message.awaitsReply && departure == .delivered, message.fingerprint, message.alinkID, message.topic,
            reason,
        ])
    }

    /// Messages are lost of which nothing is known but their places in the queue: the last ones, as many as a staging file can have
    /// had.
    static func recordLost(_ sequences: Range<Int64>, at now: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO receipt (sequence, left_at, outcome, topic, reason) VALUES (?, ?, ?, '', ?)")
        for sequence in sequences.suffix(2 * Outbox.mostUnwritten * Staging.mostTogether) {
            try statement.execute(arguments: [
                sequence, now, Outcome.dropped.rawValue, DropReason.damaged.rawValue,
            ])
        }
    }

    /// What a reply of the cloud was to the receipts.
    enum Hit {
        case inTime
        /// The message was given up as `no-reply`.
        case late
        /// Nothing is known of such a message.
        case none
    }

    /// The cloud answered: noted for ``CloudReply/receipt``; or else, among the messages with this topic and id, for the first
    /// one delivered in this session behind the last that has its reply, or else for the first one in flight, or else for the
    /// newest one. An answer to nothing known is forgotten.
    static func record(_ reply: CloudReply, at now: Int64, _ db: Database) throws -> Hit {
        if let receipt = try reply.receipt ?? firstDelivered(reply, db) {
            let hit = try note(reply, for: receipt, db)
            if hit != .none { return hit }
        }
        for sequence in reply.receipt.map({ [$0] }) ?? reply.inFlight
        where try note(reply, forWaiting: sequence, at: now, db) { return .inTime }
        guard reply.receipt == nil else { return .none }
        let newest = try db.cachedStatement(
            sql: """
                SELECT sequence FROM (\(namesakes))
                WHERE topic = ? AND (outcome = 1 OR outcome = 3 AND reason = 'no-reply') LIMIT 1
                """)
        let receipt = try Int64.fetchOne(newest, arguments: [reply.id, reply.topic])
        return try receipt.map { try note(reply, for: $0, db) } ?? .none
    }

    /// The newest receipts with an id, newest first: a program that gives every message the same one must not have all of them
    /// looked at for each reply.
    private static let namesakes = """
        SELECT sequence, outcome, reason, topic, left_at FROM receipt WHERE alink_id = ? ORDER BY sequence DESC LIMIT 1000
        """

    private static func firstDelivered(_ reply: CloudReply, _ db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT sequence, outcome, left_at FROM (\(namesakes)) WHERE topic = ?
                """)
        let rows = try Row.fetchCursor(statement, arguments: [reply.id, reply.topic])
        var first: Int64?
        while let row = try rows.next(), Outcome(rawValue: row[1]) != .confirmed {
            if Outcome(rawValue: row[1]) == .delivered, row[2] >= reply.since { first = row[0] }
        }
        return first
    }

    /// For a message that was delivered; `none` when it was not, or has its reply.
    private static func note(_ reply: CloudReply, for receipt: Int64, _ db: Database) throws -> Hit {
        let update = try db.cachedStatement(
            sql: """
                UPDATE receipt SET outcome = 2, awaits = 0, reason = NULL, code = ?, data = ?, note = ?
                WHERE sequence = ? AND outcome = ? AND (outcome = 1 OR reason = 'no-reply')
                """)
        for (outcome, hit) in [(Outcome.delivered, Hit.inTime), (.dropped, .late)] {
            try update.execute(arguments: [
                reply.code, reply.data.map { Data($0) }, reply.message, receipt, outcome.rawValue,
            ])
            if db.changesCount > 0 { return hit }
        }
        return .none
    }

    /// For a message whose PUBACK is still to come; false when it is not there, or another.
    private static func note(
        _ reply: CloudReply, forWaiting sequence: Int64, at now: Int64, _ db: Database
    ) throws -> Bool {
        let insert = try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO receipt
                    (sequence, left_at, outcome, program, connection, fingerprint, alink_id, topic, code, data, note)
                SELECT sequence, ?, 2, program, connection, fingerprint, alink_id, topic, ?, ?, ?
                FROM message WHERE sequence = ? AND alink_id = ? AND topic = ?
                """)
        try insert.execute(arguments: [
            now, reply.code, reply.data.map { Data($0) }, reply.message, sequence, reply.id, reply.topic,
        ])
        return db.changesCount > 0
    }

    /// The cloud did not answer a delivered message in time; false when it did, or nobody waits for it.
    static func recordNoReply(_ sequence: Int64, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE receipt SET outcome = 3, reason = 'no-reply', awaits = 0
                WHERE sequence = ? AND awaits = 1 AND outcome = 1
                """)
        try statement.execute(arguments: [sequence])
        return db.changesCount > 0
    }

    /// Delivered messages whose senders wait for a reply since `time` or earlier, at most `count`.
    static func unanswered(since time: Int64, count: Int, _ db: Database) throws -> [Int64] {
        let statement = try db.cachedStatement(
            sql: "SELECT sequence FROM receipt WHERE awaits = 1 AND left_at <= ? AND outcome = 1 LIMIT ?")
        return try Int64.fetchAll(statement, arguments: [time, count])
    }

    static func find(_ query: ReceiptQuery, _ db: Database) throws -> Receipt? {
        let (column, value): (String, any DatabaseValueConvertible) =
            switch query {
            case .number(let number): ("sequence", number)
            case .id(let id): ("alink_id", id)
            }
        let left = try db.cachedStatement(
            sql: """
                SELECT sequence, alink_id, outcome, reason, code, data, note FROM receipt
                WHERE \(column) = ? ORDER BY sequence DESC LIMIT 1
                """)
        let waiting = try db.cachedStatement(
            sql: "SELECT sequence, alink_id FROM message WHERE \(column) = ? ORDER BY sequence DESC LIMIT 1")
        let gone = try Row.fetchOne(left, arguments: [value]).flatMap(Self.receipt)
        let here = try Row.fetchOne(waiting, arguments: [value]).map {
            Receipt(number: $0[0], alinkID: $0[1], state: .waiting)
        }
        switch (gone, here) {
        case (let gone?, let here?): return here.number > gone.number ? here : gone
        case (let gone, let here): return gone ?? here
        }
    }

    private static func receipt(_ row: Row) -> Receipt? {
        let state: Receipt.State
        switch Outcome(rawValue: row[2]) {
        case .delivered: state = .delivered
        case .confirmed:
            let data: Data? = row[5]
            state = .confirmed(code: row[4] ?? 0, data: data.map { [UInt8]($0) }, message: row[6])
        case .dropped:
            let reason: String? = row[3]
            state = .dropped(reason.flatMap(DropReason.init) ?? .purged)
        case nil: return nil
        }
        return Receipt(number: row[0], alinkID: row[1], state: state)
    }

    /// Forgets some, to make room.
    static func forgetOldest(count: Int, _ db: Database) throws -> Int {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM receipt WHERE sequence IN (SELECT sequence FROM receipt ORDER BY sequence LIMIT ?)")
        try statement.execute(arguments: [count])
        return db.changesCount
    }

    /// Forgets what left before `time`, and what is more than ``most`` messages behind; at most `count` of them.
    static func forget(before time: Int64, received: Int64, count: Int, _ db: Database) throws -> Int {
        let statement = try db.cachedStatement(
            sql: """
                DELETE FROM receipt WHERE sequence IN (SELECT sequence FROM receipt ORDER BY sequence LIMIT ?)
                AND (left_at < ? OR sequence <= ?)
                """)
        try statement.execute(arguments: [count, time, received &- most])
        return db.changesCount
    }
}
