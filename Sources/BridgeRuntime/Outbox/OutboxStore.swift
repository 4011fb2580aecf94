import BridgeCore
import Foundation
import GRDB

/// The statements of the outbox, each on a connection that the caller holds.
///
/// A message's sequence is the number of messages ever received, itself included, so that the
/// ledger alone guarantees that no receipt is given out twice; AUTOINCREMENT would write one page
/// more with each commit. What walks over the queue look at stands before `payload`, so that they need not read the pages of
/// long payloads. The tables are ``OutboxLayout``'s.
enum OutboxStore {
    // MARK: Messages

    /// - Parameter epoch: of messages that come now (``FairTurns/epoch``); answers to the cloud have their own.
    static func insert(_ message: NewMessage, as sequence: Int64, epoch: Int64, _ db: Database) throws {
        let epoch = message.sender == .daemon ? FairTurns.answers : epoch
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO message (sequence, queued_at, expires_at, size, qos, epoch, program, connection, awaits,
                    fingerprint, alink_id, topic, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(arguments: [
            sequence, message.queuedAt, message.expiresAt, message.cost, Int(message.qos), epoch,
            message.sender.program, message.sender.connection, message.awaitsReply, message.fingerprint,
            message.alinkID, message.topic, Data(message.payload),
        ])
    }

    /// A message that is no more.
    struct Deleted {
        var cost: Int64
        var sender: Sender
        var awaitsReply: Bool
        var fingerprint: Int64?
        var alinkID: String?
        var topic: String
    }

    /// Deletes a message; nil when it is not there.
    static func delete(_ sequence: Int64, _ db: Database) throws -> Deleted? {
        let statement = try db.cachedStatement(
            sql: """
                DELETE FROM message WHERE sequence = ?
                RETURNING size, program, connection, awaits, fingerprint, alink_id, topic
                """)
        return try Row.fetchOne(statement, arguments: [sequence]).map {
            Deleted(
                cost: $0[0], sender: Sender(program: $0[1], connection: $0[2]), awaitsReply: $0[3],
                fingerprint: $0[4], alinkID: $0[5], topic: $0[6])
        }
    }

    /// Keeps a copy of a message that is about to be deleted, for people to look at.
    static func setAside(_ sequence: Int64, at now: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO set_aside (sequence, left_at, queued_at, qos, alink_id, topic, payload)
                SELECT sequence, ?, queued_at, qos, alink_id, topic, payload FROM message WHERE sequence = ?
                """)
        try statement.execute(arguments: [now, sequence])
    }

    /// Forgets what was set aside before `time`.
    static func forgetSetAside(before time: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM set_aside WHERE left_at < ?", arguments: [time])
    }

    /// So many messages with the same id are compared with one that may be a repetition: a program that gives many the same
    /// one must not hold the others up.
    private static let mostNamesakes = 64

    /// The newest suspected message of that program with the same id and content, waiting or gone.
    static func original(
        program: Int64, id: String, fingerprint: Int64, suspects: BrokenConnections.Suspects, _ db: Database
    ) throws -> Int64? {
        for table in ["message", "receipt"] {
            let statement = try db.cachedStatement(
                sql: """
                    SELECT sequence, connection, program, fingerprint FROM \(table)
                    WHERE alink_id = ? AND sequence > ? ORDER BY sequence DESC LIMIT ?
                    """)
            let rows = try Row.fetchCursor(statement, arguments: [id, suspects.settled, mostNamesakes])
            while let row = try rows.next() {
                if suspects.contains(row[0], of: row[1]), row[2] == program, row[3] as Int64? == fingerprint {
                    return row[0]
                }
            }
        }
        return nil
    }

    static func contains(_ sequence: Int64, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM message WHERE sequence = ?")
        return try Int.fetchOne(statement, arguments: [sequence]) != nil
    }

    /// By what the cloud's reply to a message is found, waiting or gone; nil when nothing is known of it.
    static func identity(_ sequence: Int64, _ db: Database) throws -> Appended.Identity? {
        for table in ["message", "receipt"] {
            let statement = try db.cachedStatement(sql: "SELECT alink_id, topic FROM \(table) WHERE sequence = ?")
            if let row = try Row.fetchOne(statement, arguments: [sequence]) {
                return Appended.Identity(alinkID: row[0], topic: row[1])
            }
        }
        return nil
    }

    /// Somebody wants to know of the cloud's reply to a message that was stored before.
    static func awaitReply(to sequence: Int64, _ db: Database) throws {
        for update in [
            "UPDATE message SET awaits = 1 WHERE sequence = ?",
            "UPDATE receipt SET awaits = 1 WHERE sequence = ? AND outcome = 1",
        ] {
            try db.cachedStatement(sql: update).execute(arguments: [sequence])
        }
    }

    /// Waiting messages but for `taken`, or one of them, at most `count`.
    static func waiting(but taken: Set<Int64>, only: Int64?, count: Int, _ db: Database) throws -> [Int64] {
        if let only { return try !taken.contains(only) && contains(only, db) ? [only] : [] }
        let rows = try Row.fetchCursor(db, sql: "SELECT sequence FROM message ORDER BY sequence")
        var found: [Int64] = []
        while found.count < count, let row = try rows.next() {
            if !taken.contains(row[0]) { found.append(row[0]) }
        }
        return found
    }

    /// The oldest messages but for `taken` until their costs make up `bytes`; empty when all of them do not.
    static func oldest(but taken: Set<Int64>, making bytes: Int64, _ db: Database) throws -> [Int64] {
        let statement = try db.cachedStatement(sql: "SELECT sequence, size FROM message ORDER BY sequence")
        let rows = try Row.fetchCursor(statement)
        var found: [Int64] = []
        var sum: Int64 = 0
        while sum < bytes, let row = try rows.next() {
            if taken.contains(row[0]) { continue }
            found.append(row[0])
            sum &+= try OutboxPlausibility.number(row[1])
        }
        return sum < bytes ? [] : found
    }

    /// Messages but for `taken` whose time is over, at most `count`.
    static func expired(
        but taken: Set<Int64>, limits: OutboxLimits, now: Int64, count: Int, _ db: Database
    ) throws -> [Int64] {
        let byDate = try db.cachedStatement(
            sql: "SELECT sequence FROM message WHERE expires_at <= ? ORDER BY expires_at LIMIT ?")
        var found = Set(try Int64.fetchAll(byDate, arguments: [now, count + taken.count])).subtracting(taken)
        // By age: from the oldest one to the first that is young enough.
        let byAge = try db.cachedStatement(
            sql: "SELECT sequence, queued_at, expires_at FROM message ORDER BY sequence")
        let rows = try Row.fetchCursor(byAge)
        while found.count < count, let row = try rows.next() {
            if taken.contains(row[0]) { continue }
            let queuedAt = try OutboxPlausibility.number(row[1])
            guard limits.hasExpired(queuedAt: queuedAt, expiresAt: Int64.fromDatabaseValue(row[2]), now: now) else {
                break
            }
            found.insert(row[0])
        }
        return found.sorted()
    }

    /// When the next message with a date of its own is over; nil when none has one.
    static func nextExpiry(after now: Int64, _ db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT min(expires_at) FROM message WHERE expires_at > ?")
        return try Int64.fetchOne(statement, arguments: [now])
    }

    /// The clock is set: what came and left before that has an age from now on. At most `count` of them; says how many.
    static func date(now: Int64, count: Int, _ db: Database) throws -> Int {
        for (table, time) in [("message", "queued_at"), ("receipt", "left_at"), ("set_aside", "left_at")] {
            let statement = try db.cachedStatement(
                sql: """
                    UPDATE \(table) SET \(time) = ? WHERE sequence IN
                        (SELECT sequence FROM \(table) WHERE \(time) = 9223372036854775807 LIMIT ?)
                    """)
            try statement.execute(arguments: [now, count])
            if db.changesCount > 0 { return db.changesCount }
        }
        return 0
    }

    /// Pages inside the file that hold nothing.
    static func spareBytes(_ db: Database) throws -> Int64 {
        let pages = try Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        return pages * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
    }

    // MARK: Keys

    static let keyLifetime: Int64 = 86_400_000

    /// GRDB ends a text at U+0000; as bytes it is compared as a whole.
    private static func stored(_ key: String) -> DatabaseValue {
        key.utf8.contains(0) ? Data(key.utf8).databaseValue : key.databaseValue
    }

    static func sequence(ofKey key: String, now: Int64, _ db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT sequence FROM taken_key WHERE key = ? AND taken_at > ?")
        // As long as the clock is not set, nothing has an age.
        return try Int64.fetchOne(statement, arguments: [stored(key), now == .max ? .min : now &- keyLifetime])
    }

    static func take(key: String, sequence: Int64, now: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT OR REPLACE INTO taken_key VALUES (?, ?, ?)")
        try statement.execute(arguments: [stored(key), sequence, now])
    }

    static func forgetKeys(now: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM taken_key WHERE taken_at <= ?", arguments: [now &- keyLifetime])
        try db.execute(sql: "UPDATE taken_key SET taken_at = ? WHERE taken_at > ?", arguments: [now, now])
    }

    // MARK: What one process leaves to the next

    /// What messages used up, which no later process may use again.
    struct Used: Equatable, Sendable {
        /// ``AlinkIDs/upcoming``; nil when no message had an id of the daemon's.
        var upcomingID: Int64?
        /// The greatest ``Sender/connection``.
        var lastConnection: Int64 = 0

        mutating func note(_ message: NewMessage) {
            upcomingID = message.upcomingID ?? upcomingID
            lastConnection = max(lastConnection, message.sender.connection)
        }
    }

    static func used(_ db: Database) throws -> Used {
        guard let row = try Row.fetchOne(db, sql: "SELECT upcoming_id, last_connection FROM ledger") else {
            return Used()
        }
        return Used(
            upcomingID: Int64.fromDatabaseValue(row[0]), lastConnection: try OutboxPlausibility.number(row[1]))
    }

    static func endedInOrder(_ db: Database) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT in_order FROM ledger") ?? true
    }

    /// The last message that was stored more than a minute before the last trace of the process before: its answer has been
    /// read, or will not be.
    ///
    /// - Parameter trace: when the last message came that the database does not have; nil when it has all.
    static func settledBeforeTheEnd(_ trace: Int64?, _ db: Database) throws -> Int64 {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT sequence, queued_at FROM message UNION ALL SELECT sequence, left_at FROM receipt
                ORDER BY sequence DESC LIMIT 65536
                """)
        var bound = trace.map { $0 &- BrokenConnections.memory.inMilliseconds }
        var last: Int64 = 0
        while let row = try rows.next() {
            last = row[0]
            let time: Int64 = row[1]
            if time < bound ?? .min { return last }
            bound = bound ?? time &- BrokenConnections.memory.inMilliseconds
        }
        return max(0, last - 1)
    }

    /// ``StagedBatch/identity`` of the staging file that belongs to the database.
    static func stagingIdentity(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT staging FROM ledger") ?? 0
    }

    /// Another staging file belongs to the database; perhaps one that there is not, so that nothing in the present one counts.
    static func saveStagingIdentity(_ identity: Int64, _ db: Database) throws {
        try db.execute(sql: "UPDATE ledger SET staging = ?", arguments: [identity])
    }

    static func save(endedInOrder: Bool, _ db: Database) throws {
        try db.execute(sql: "UPDATE ledger SET in_order = ?", arguments: [endedInOrder])
    }

    // MARK: Books

    static func books(_ db: Database) throws -> OutboxBooks? {
        guard let row = try Row.fetchOne(db, sql: "SELECT received, delivered, waiting, bytes FROM ledger") else {
            return nil
        }
        var dropped: [DropReason: Int64] = [:]
        for entry in try Row.fetchAll(db, sql: "SELECT reason, messages FROM ledger_dropped") {
            guard let reason = DropReason(rawValue: entry[0]) else { continue }
            dropped[reason] = try OutboxPlausibility.number(entry[1])
        }
        let counts = try (0..<4).map { try OutboxPlausibility.number(row[$0]) }
        return OutboxBooks(
            received: counts[0], delivered: counts[1], waiting: counts[2], dropped: dropped, bytes: counts[3])
    }

    static func save(_ books: OutboxBooks, before: OutboxBooks, _ used: Used, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE ledger SET received = ?, delivered = ?, waiting = ?, bytes = ?, upcoming_id = ?,
                    last_connection = ?
                """)
        try statement.execute(arguments: [
            books.received, books.delivered, books.waiting, books.bytes, used.upcomingID, used.lastConnection,
        ])
        for (reason, count) in books.dropped where before.dropped[reason] != count {
            try db.execute(
                sql: "INSERT OR REPLACE INTO ledger_dropped VALUES (?, ?)", arguments: [reason.rawValue, count])
        }
    }
}
