import BridgeCore
import Foundation
import GRDB
import NIOCore
import Synchronization

@testable import BridgeRuntime

/// A staging file in memory, whose writes end when the test says so.
final class HeldMedium: StagingMedium {
    let blocks: Int
    private let state: Mutex<State>

    private struct State {
        var image: [UInt8]
        var underWay: (bytes: [UInt8], place: Int)?
        var result: Result<Void, StagingError>?
        var takesNone = false
        var writes = 0
        var endsWhenPolled = false
        var eventsForgotten = 0
    }

    init(blocks: Int = 128) {
        self.blocks = blocks
        state = Mutex(State(image: Array(repeating: 0, count: (blocks + 1) * StagedBatch.blockSize)))
    }

    /// What the medium has.
    var image: [UInt8] { state.withLock { $0.image } }

    var writes: Int { state.withLock { $0.writes } }

    func begin(_ bytes: ByteBuffer, at block: Int) throws(StagingError) {
        let isTaken = state.withLock { state in
            guard !state.takesNone else { return false }
            precondition(state.underWay == nil, "one write at a time")
            state.underWay = (Array(bytes.readableBytesView), (block + 1) * StagedBatch.blockSize)
            state.writes += 1
            return true
        }
        guard isTaken else { throw StagingError("no more writes") }
    }

    func result(length: Int, patience: UInt32) -> Result<Void, StagingError>? {
        state.withLock { state in
            guard let result = state.result, let write = state.underWay else { return nil }
            precondition(length == write.bytes.count)
            state.underWay = nil
            state.result = nil
            return result
        }
    }

    func poll() -> Bool {
        if state.withLock({ $0.endsWhenPolled }) { end() }
        return state.withLock { $0.result != nil }
    }

    func forgetEvent() { state.withLock { $0.eventsForgotten += 1 } }

    /// Says whose file it is.
    func begin(for identity: Int64) {
        let header = StagedBatch(identity: identity, serial: 0, messages: []).encoded(ByteBufferAllocator())!
        state.withLock { $0.image.replaceSubrange(0..<header.readableBytes, with: header.readableBytesView) }
    }

    /// The write that is under way comes to its end.
    ///
    /// - Parameter error: why it failed; what it wrote may be there all the same.
    func end(_ error: StagingError? = nil) {
        state.withLock { state in
            guard let write = state.underWay else { return }
            state.image.replaceSubrange(write.place..<(write.place + write.bytes.count), with: write.bytes)
            state.result = error.map { .failure($0) } ?? .success(())
        }
    }

    /// From now on a write ends while somebody polls for it.
    func endWhenPolled() { state.withLock { $0.endsWhenPolled = true } }

    var eventsForgotten: Int { state.withLock { $0.eventsForgotten } }

    /// Writes are not even taken any more.
    func takeNone() { state.withLock { $0.takesNone = true } }
}

/// Answers in the order in which they came.
final class Answers: Sendable {
    private let given = Mutex<[String]>([])

    var all: [String] { given.withLock { $0 } }

    func take(_ name: String) -> @Sendable (Result<Appended, OutboxRefusal>) -> Void {
        { result in
            self.given.withLock {
                switch result {
                case .success(let appended): $0.append("\(name) \(appended.sequence)")
                case .failure(let refusal): $0.append("\(name) \(refusal.error.rawValue)")
                }
            }
        }
    }
}

extension Outbox {
    /// What ``HeldMedium`` is doing comes to its end.
    func end(_ medium: HeldMedium, _ error: StagingError? = nil) {
        medium.end(error)
        stagingMayBeDone()
    }

    /// Appends, and has the write end at once.
    func stageAtOnce(_ message: NewMessage, _ medium: HeldMedium) async throws -> Int64 {
        try await withCheckedThrowingContinuation { continuation in
            append(message) { continuation.resume(with: $0.map(\.sequence)) }
            end(medium)
        }
    }

    /// An outbox whose staging file is in memory.
    static func staged(
        _ folder: TemporaryFolder, _ medium: HeldMedium, limits: OutboxLimits = OutboxLimits(),
        onDropped: @escaping @Sendable ([DroppedMessage]) -> Void = { _ in }
    ) throws -> Outbox {
        let outbox = try Outbox(path: folder.database, limits: limits, onDropped: onDropped)
        let identity = try identity(folder)
        medium.begin(for: identity)
        outbox.use(staging: medium, identity: identity)
        return outbox
    }

    private static func identity(_ folder: TemporaryFolder) throws -> Int64 {
        try DatabaseQueue(path: folder.database).read { db in try OutboxStore.stagingIdentity(db) }
    }
}

extension TemporaryFolder {
    /// A copy of the files as they are on disk at this moment, as after a power cut.
    ///
    /// - Parameter image: what the staging file has; by default what the medium has.
    func afterCrash(_ medium: HeldMedium, image: [UInt8]? = nil) throws -> TemporaryFolder {
        let copy = try TemporaryFolder()
        for name in names where name.hasSuffix(".db") || name.hasSuffix("-wal") {
            try FileManager.default.copyItem(atPath: path + "/" + name, toPath: copy.path + "/" + name)
        }
        try Data(image ?? medium.image).write(to: URL(fileURLWithPath: StagingContents.path(of: copy.database)))
        return copy
    }
}
