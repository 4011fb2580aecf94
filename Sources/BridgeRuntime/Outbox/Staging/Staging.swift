import BridgeCore
import NIOCore

/// The short way of a message to the medium: into the ``StagingFile``, and into the database later, with others.
///
/// It is for messages that come by themselves. What comes while the database takes messages goes there, too, and so does
/// everything that needs a look at what the database has; so both ways keep one order. Not more than one write is under way, and
/// places in the queue are given when it begins: one that fails leaves no gap.
struct Staging: Sendable {
    typealias Completion = @Sendable (Result<Appended, OutboxRefusal>) -> Void
    typealias Append = (message: NewMessage, completion: Completion)

    /// So many messages that came while one was being written are written together; more go into the database, which takes a
    /// hundred of them nearly as fast as one.
    static let mostTogether = 16

    /// Promised, and not in the database yet; oldest first.
    private(set) var staged: [StagedMessage]
    /// What came behind those that are being written.
    private(set) var queued: [Append] = []
    /// Nil when everything goes into the database.
    private var file: (any StagingMedium)?
    private var ring = StagingRing(size: 0)
    private var identity: Int64 = 0
    private var serial: UInt64 = 0
    private var writing: Writing?
    private var isAnswering = false
    /// Whether the file system had room when that was last looked at.
    var hasRoom = true
    /// Places in the queue may be taken by messages that were refused; see ``OutboxWriter/Report/mayHaveLeftTraces``.
    var isSuspended = false
    private let allocator = ByteBufferAllocator()

    private struct Writing: Sendable {
        var length: Int
        var messages: [StagedMessage]
        var completions: [Completion]
    }

    /// - Parameter staged: what a process before left.
    init(staged: [StagedMessage] = []) { self.staged = staged }

    /// Messages are on their way, or have just arrived: others have to wait behind them.
    var isBusy: Bool { writing != nil || isAnswering }

    var isWriting: Bool { writing != nil }

    /// What is being written to, unless something waits behind it.
    var fileToPoll: (any StagingMedium)? { writing != nil && queued.isEmpty ? file : nil }

    var isInUse: Bool { file != nil }

    /// Whether the database should take what is staged.
    var isDue: Bool { staged.count >= Outbox.mostUnwritten || isInUse && ring.isHalfFull }

    /// From now on messages are staged.
    ///
    /// - Parameter serial: ``StagedBatch/serial`` of the next batch.
    mutating func use(_ file: any StagingMedium, identity: Int64, serial: UInt64) {
        self.file = file
        ring = StagingRing(size: file.blocks)
        self.identity = identity
        self.serial = serial
    }

    /// From now on no message is staged.
    mutating func giveUp() { file = nil }

    /// Takes one that comes while others are on their way.
    mutating func queue(_ append: Append) { queued.append(append) }

    /// Begins to write messages; false when they have to go into the database.
    ///
    /// - Parameters:
    ///   - books: with all that is staged.
    ///   - last: the last place in the queue that was given.
    mutating func begin(
        _ appends: [Append], last: Int64, limits: OutboxLimits, books: OutboxBooks
    ) throws(StagingError) -> Bool {
        guard let file, hasRoom, !isSuspended, appends.count <= Self.mostTogether else { return false }
        var books = books
        var messages: [StagedMessage] = []
        for (message, _) in appends {
            guard message.isPlain,
                limits.decision(for: message, books) == .accept
            else { return false }
            books.accepted(bytes: message.cost)
            messages.append(StagedMessage(sequence: last + Int64(messages.count) + 1, message: message))
        }
        let batch = StagedBatch(identity: identity, serial: serial, messages: messages)
        guard let bytes = batch.encoded(allocator),
            let block = ring.reserve(
                bytes.readableBytes / StagedBatch.blockSize, last: last + Int64(messages.count))
        else { return false }
        try file.begin(bytes, at: block)
        serial += 1
        writing = Writing(
            length: bytes.readableBytes, messages: messages, completions: appends.map(\.completion))
        return true
    }

    /// What came of a write.
    enum Outcome {
        /// The messages are on the medium; their completions are to be called, and ``answered()`` then.
        case written([StagedMessage], [Completion])
        /// These, and what waits behind them, have to go into the database.
        case failed([Append], StagingError)
    }

    /// Takes the result of the write that is under way; nil when there is none.
    ///
    /// - Parameter patience: milliseconds to wait for it.
    mutating func finish(patience: UInt32) -> Outcome? {
        guard let writing, let result = file?.result(length: writing.length, patience: patience) else { return nil }
        self.writing = nil
        switch result {
        case .success:
            isAnswering = true
            staged += writing.messages
            return .written(writing.messages, writing.completions)
        case .failure(let error):
            file = nil
            let appends = zip(writing.messages.map(\.message), writing.completions).map { ($0, $1) }
            return .failed(appends + takeQueued(), error)
        }
    }

    /// The messages before have been answered; what came meanwhile.
    mutating func answered() -> [Append] {
        isAnswering = false
        return takeQueued()
    }

    private mutating func takeQueued() -> [Append] {
        defer { queued = [] }
        return queued
    }

    /// The database has what is staged, up to that message.
    mutating func filed(upTo last: Int64) {
        staged.removeAll { $0.sequence <= last }
        ring.release(upTo: last)
    }
}
