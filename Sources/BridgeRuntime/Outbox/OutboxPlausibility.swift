import BridgeCore
import GRDB

/// Whether what stands in a database can be: parts of a file, each sound by itself, may be of different times, or a bit of them
/// may have flipped.
enum OutboxPlausibility {
    /// Counts and places in the queue that an outbox can come to; what is beyond was not written by one.
    static let numbers = -(Int64(1) << 53)...(Int64(1) << 53)

    /// Columns that have ``numbers``.
    static let columns: Set = [
        "bytes", "connection", "delivered", "epoch", "last_connection", "messages", "received", "sequence", "size",
        "upcoming_id", "waiting",
    ]

    /// What takes a few steps, whatever the size of the file: a receipt must never be given out twice.
    static func checkNumbers(_ books: OutboxBooks, _ used: OutboxStore.Used, _ db: Database) throws {
        let counts = [books.received, books.delivered, books.waiting, books.bytes] + books.dropped.values
        let others = [used.upcomingID ?? 0, used.lastConnection, try StoredTurns(db: db).lastEpoch()]
        guard (counts + others).allSatisfy(numbers.contains), counts.allSatisfy({ $0 >= 0 }) else {
            throw damage("the books have a number that cannot be")
        }
        for table in ["message", "receipt", "set_aside"] {
            let last = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM \(table)") ?? 0
            guard last <= books.received else {
                throw damage("the books have \(books.received) messages ever received, and there is number \(last)")
            }
        }
    }

    /// Compares the books with every message.
    static func compare(_ books: OutboxBooks, _ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT count(*), ifnull(sum(size), 0) FROM message NOT INDEXED")
        let waiting: Int64 = row?[0] ?? 0
        let bytes: Int64 = row?[1] ?? 0
        guard waiting == books.waiting, bytes == books.bytes, books.balance == 0 else {
            throw damage("the books have \(books.waiting) waiting messages, and there are \(waiting)")
        }
        // What is not in this one is never found by whoever reads them in turn. `quick_check` does not look.
        let inTurn = try Int64.fetchOne(db, sql: "SELECT count(*) FROM message INDEXED BY message_by_turn") ?? 0
        guard inTurn == waiting else { throw damage("an index has \(inTurn) of \(waiting) messages") }
    }

    /// What a column that is never NULL has; files too large to be checked as a whole may have one all the same.
    static func number(_ value: DatabaseValue) throws -> Int64 {
        guard let number = Int64.fromDatabaseValue(value) else { throw damage("there is no number where one belongs") }
        return number
    }

    static func damage(_ words: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: words)
    }
}
