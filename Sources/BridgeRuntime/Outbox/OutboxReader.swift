import BridgeCore
import Foundation
import GRDB

/// Reads waiting messages in the order in which they are to go; whose turn it is, ``FairTurns`` decides.
struct OutboxReader: Sendable {
    var turns: FairTurns

    struct Request {
        /// The result ends with the message that makes it as many bytes of payload, or more.
        var bytes: Int
        var count: Int
        var now: Int64
        var limits: OutboxLimits
        /// Messages that were handed out before.
        var taken: Set<Int64>
    }

    struct Result {
        var messages: [WaitingMessage] = []
        /// Messages met whose time is over.
        var expired: [Int64] = []
    }

    /// So many messages whose time is over end a reading, to be dropped before it goes on.
    private static let mostExpired = 1000

    mutating func read(_ request: Request, _ db: Database) throws -> Result {
        var result = Result()
        var passed = request.taken
        var bytes = 0
        var exhausted: Set<FairTurns.Lane> = []
        let source = StoredTurns(db: db)
        var isFull: Bool {
            result.messages.count >= request.count || bytes >= request.bytes || result.expired.count >= Self.mostExpired
        }
        while !isFull, let lane = try turns.next(source, without: exhausted) {
            let rows = try Self.rows(lane, db)
            var turn: Int64 = 0
            while turn < FairTurns.quantum, !isFull {
                guard let row = try rows.next() else {
                    exhausted.insert(lane)
                    break
                }
                guard let message = Self.message(row) else {
                    throw OutboxPlausibility.damage("a message has no value where one belongs")
                }
                guard passed.insert(message.sequence).inserted else { continue }
                if request.limits.hasExpired(
                    queuedAt: message.queuedAt, expiresAt: message.expiresAt, now: request.now)
                {
                    result.expired.append(message.sequence)
                    continue
                }
                result.messages.append(message)
                bytes += message.payload.count
                turn += message.cost
            }
        }
        return result
    }

    private static func rows(_ lane: FairTurns.Lane, _ db: Database) throws -> RowCursor {
        let statement = try db.cachedStatement(
            sql: """
                SELECT sequence, queued_at, expires_at, qos, alink_id, topic, payload FROM message
                WHERE epoch = ? AND program = ? AND connection = ? ORDER BY sequence
                """)
        return try Row.fetchCursor(
            statement, arguments: [lane.epoch, lane.sender.program, lane.sender.connection])
    }

    /// Nil when a column has what cannot be there: larger files are not checked as a whole.
    private static func message(_ row: Row) -> WaitingMessage? {
        guard let sequence = Int64.fromDatabaseValue(row[0]), let queuedAt = Int64.fromDatabaseValue(row[1]),
            let qos = Int.fromDatabaseValue(row[3]), let topic = String.fromDatabaseValue(row[5]),
            let payload = Data.fromDatabaseValue(row[6])
        else { return nil }
        return WaitingMessage(
            sequence: sequence, topic: topic, payload: [UInt8](payload), qos: UInt8(clamping: qos),
            alinkID: String.fromDatabaseValue(row[4]), queuedAt: queuedAt,
            expiresAt: Int64.fromDatabaseValue(row[2]))
    }
}

/// What waits in the database; each question is one step in the index `message_by_turn`.
struct StoredTurns: TurnSource {
    let db: Database

    func epoch(after epoch: Int64) throws -> Int64? {
        try first("SELECT min(epoch) FROM message WHERE epoch > ?", [epoch])
    }

    func program(after program: Int64, in epoch: Int64) throws -> Int64? {
        try first("SELECT min(program) FROM message WHERE epoch = ? AND program > ?", [epoch, program])
    }

    func connection(after connection: Int64, of program: Int64, in epoch: Int64) throws -> Int64? {
        try first(
            "SELECT min(connection) FROM message WHERE epoch = ? AND program = ? AND connection > ?",
            [epoch, program, connection])
    }

    /// The greatest epoch, or 0.
    func lastEpoch() throws -> Int64 { try first("SELECT max(epoch) FROM message", []) ?? 0 }

    private func first(_ sql: String, _ arguments: StatementArguments) throws -> Int64? {
        try Int64.fetchOne(try db.cachedStatement(sql: sql), arguments: arguments)
    }
}
