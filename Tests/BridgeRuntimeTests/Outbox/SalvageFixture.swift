import BridgeCore
import Foundation
import GRDB

@testable import BridgeRuntime

/// An outbox's files as they stood at one moment, and what should be in them; each trial gets a damaged copy.
struct SalvageFixture: Sendable {
    /// What waits: sequence and payload.
    let waiting: [Int64: [UInt8]]
    /// Messages that have left.
    let left: Set<Int64>
    let received: Int64
    let database: [UInt8]
    /// Empty when there is none.
    let log: [UInt8]
    /// For each waiting message the pages of the database, from 0, that have something of it.
    let pages: [Int64: Set<Int>]

    static let pageSize = OutboxLayout.pageSize

    /// Some hundred messages, a part of them long, of which many have left.
    ///
    /// - Parameter keepsLog: the newest changes stand in the log only.
    static func make(keepsLog: Bool, seed: Int) async throws -> SalvageFixture {
        let folder = try TemporaryFolder()
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        var waiting: [Int64: [UInt8]] = [:]
        var left: Set<Int64> = []
        func append(_ count: Int) async throws {
            for _ in 0..<count {
                let number = waiting.count + left.count + 1
                let repetitions = number % 17 == 0 ? 1_500 + number * 7 : 10 + (number * 37 + seed) % 150
                let text = String(repeating: "\(number) ", count: repetitions)
                let message = NewMessage.test(text, key: number % 4 == 0 ? "key-\(number)" : nil)
                waiting[try await outbox.receipt(message)] = message.payload
            }
        }
        func remove(_ share: Int) async throws {
            for sequence in waiting.keys.sorted() where Int(sequence) % share != 0 {
                guard await outbox.remove(sequence, as: .delivered) else { continue }
                waiting[sequence] = nil
                left.insert(sequence)
            }
        }
        try await append(120)
        try await remove(3)
        try await append(80)
        if keepsLog {
            // What came until now is moved into the database, the rest is not.
            let other = try DatabaseQueue(path: folder.database)
            _ = try await other.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
            try await append(60)
            try await remove(7)
            try await append(10)
        } else {
            outbox.close()
        }
        let database = Self.bytes(folder.database)
        let fixture = SalvageFixture(
            waiting: waiting, left: left, received: Int64(waiting.count + left.count), database: database,
            log: keepsLog ? Self.bytes(folder.database + "-wal") : [],
            pages: Self.pages(of: waiting.keys, in: database))
        if keepsLog { outbox.close() }
        return fixture
    }

    /// For each waiting message the pages of the database, from 0, on which its content stands, old copies included: each
    /// message repeats its own number.
    ///
    /// By this, and by nothing that knows the format, the tests tell what is intact.
    private static func pages(of sequences: some Sequence<Int64>, in database: [UInt8]) -> [Int64: Set<Int>] {
        var pages = Dictionary(uniqueKeysWithValues: sequences.map { ($0, Set<Int>()) })
        for page in 0..<database.count / pageSize {
            let words = database[(page * pageSize)..<((page + 1) * pageSize)].split(separator: UInt8(ascii: " "))
            for (word, next) in zip(words, words.dropFirst()) where word == next {
                guard let sequence = Int64(String(decoding: word, as: UTF8.self)) else { continue }
                pages[sequence]?.insert(page)
            }
        }
        return pages
    }

    static func bytes(_ path: String) -> [UInt8] {
        FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
    }

    /// What an outbox has that opens these bytes.
    struct Outcome {
        var notices: [OutboxNotice]
        var waiting: [Int64: [UInt8]]
        var books: OutboxBooks
        var isBalanced: Bool
        /// The receipt of the next message.
        var next: Int64
    }

    /// Opens a database and its log, and one message more is taken.
    static func open(_ database: [UInt8], log: [UInt8]) async throws -> Outcome {
        let folder = try TemporaryFolder()
        try Data(database).write(to: URL(fileURLWithPath: folder.database))
        if !log.isEmpty { try Data(log).write(to: URL(fileURLWithPath: folder.database + "-wal")) }
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let books = outbox.books
        var waiting: [Int64: [UInt8]] = [:]
        for message in try await outbox.next() { waiting[message.sequence] = message.payload }
        let next = try await outbox.receipt(.test("one more"))
        outbox.close()
        let verification = try QueueInspector(path: folder.database).verify()
        return Outcome(
            notices: outbox.notices, waiting: waiting, books: books, isBalanced: verification.isBalanced, next: next)
    }
}
