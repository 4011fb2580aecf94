import BridgeCore
import BridgeRuntime
import Foundation
import GRDB

/// A folder of its own that goes away with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        // Short, because socket paths are limited to 107 bytes.
        path = "/tmp/eb-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { path + "/outbox.db" }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? [] }
}

extension NewMessage {
    static func test(
        _ text: String, key: String? = nil, expiresAt: Int64? = nil, queuedAt: Int64 = 1_000_000,
        sender: Sender = Sender(program: 1, connection: 1)
    ) -> NewMessage {
        var message = NewMessage(
            topic: "/t", payload: Array(text.utf8), qos: 1, alinkID: "5", key: key, expiresAt: expiresAt,
            queuedAt: queuedAt)
        message.sender = sender
        return message
    }
}

extension Outbox {
    func append(_ message: NewMessage) async -> Result<Appended, OutboxRefusal> {
        await withCheckedContinuation { continuation in append(message) { continuation.resume(returning: $0) } }
    }

    /// The receipt, which has to be given.
    func receipt(_ message: NewMessage) async throws -> Int64 { try await append(message).get().sequence }

    func remove(_ sequence: Int64, as departure: Departure) async -> Bool {
        await withCheckedContinuation { continuation in
            remove(sequence, as: departure, at: 1_000_000) { continuation.resume(returning: $0) }
        }
    }

    /// Hands messages out, for good.
    func take(
        limitBytes: Int = .max, limitCount: Int = .max, now: Int64 = 1_000_000
    ) async throws -> [WaitingMessage] {
        try await withCheckedContinuation { continuation in
            next(limitBytes: limitBytes, limitCount: limitCount, now: now) { continuation.resume(returning: $0) }
        }.get()
    }

    /// What would be handed out.
    func next(
        limitBytes: Int = .max, limitCount: Int = .max, now: Int64 = 1_000_000
    ) async throws -> [WaitingMessage] {
        let messages = try await take(limitBytes: limitBytes, limitCount: limitCount, now: now)
        putBack(messages.map(\.sequence))
        return messages
    }

    func sweep(now: Int64) async -> Int {
        await withCheckedContinuation { continuation in sweep(now: now) { continuation.resume(returning: $0) } }
    }

    /// The texts that wait, in order.
    func texts(now: Int64 = 1_000_000) async throws -> [String] {
        try await next(now: now).map { String(decoding: $0.payload, as: UTF8.self) }
    }
}

/// Another connection that holds the write lock, for longer than the outbox waits for it (two seconds).
struct Blocker {
    private let queue: DatabaseQueue

    init(_ path: String) async throws {
        var configuration = GRDB.Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try await queue.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
    }

    func end() async throws {
        try await queue.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
    }
}
