import Glibc
import NIOCore

/// What a staging file holds; read after a crash, and by those who look into an outbox from outside.
///
/// Whatever stands at the beginning of a block and has a right checksum looks like a batch, and a payload can be made to look so,
/// too. The identity, which no program knows, tells the batches of an outbox from all others.
struct StagingContents: Sendable {
    /// Of the outbox that the file was made for, by its first block; nil when there is none, or it cannot be read.
    let identity: Int64?
    /// Blocks that the medium does not give back.
    let unreadable: Int
    private let batches: [StagedBatch]

    /// Beside the database.
    static func path(of database: String) -> String { database + "-staged" }

    /// Reads the file of a database; one that is not there has nothing in it.
    init(database: String) throws(StagingError) {
        let path = Self.path(of: database)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        let blocks = StagingFile.size / StagedBatch.blockSize
        guard descriptor >= 0 else {
            guard errno == ENOENT || Self.isDamage(errno) else { throw StagingError(lastCall: "open", path) }
            self.init(ByteBuffer(), unreadable: errno == ENOENT ? 0 : blocks)
            return
        }
        defer { close(descriptor) }
        var bytes = ByteBuffer()
        var unreadable = 0
        var block = [UInt8](repeating: 0, count: StagedBatch.blockSize)
        // One by one: a block that is gone must not take the others with it.
        for number in 0..<blocks {
            let count = pread(descriptor, &block, block.count, off_t(number * StagedBatch.blockSize))
            if count == 0 { break }
            if count > 0 {
                bytes.writeBytes(block[..<count])
                guard count == block.count else { break }
            } else {
                guard Self.isDamage(errno) else { throw StagingError(lastCall: "read", path) }
                unreadable += 1
                bytes.writeRepeatingByte(0, count: block.count)
            }
        }
        self.init(bytes, unreadable: unreadable)
    }

    /// Whether an error says that the medium is no good, or what the file system has on it.
    private static func isDamage(_ error: CInt) -> Bool { error == EIO || error == EUCLEAN }

    init(_ bytes: ByteBuffer, unreadable: Int = 0) {
        let found = stride(from: 0, to: bytes.readableBytes, by: StagedBatch.blockSize).map { start in
            bytes.getSlice(at: start, length: bytes.readableBytes - start).flatMap(StagedBatch.init(at:))
        }
        identity = found.first.flatMap { $0 }?.identity
        batches = found.dropFirst().compactMap { $0 }.sorted { $0.serial < $1.serial }
        self.unreadable = unreadable
    }

    /// All messages of an outbox, oldest first. Those that its database has, too, are among them.
    func messages(of identity: Int64) -> [StagedMessage] {
        var found: [Int64: StagedMessage] = [:]
        for batch in batches where batch.identity == identity {
            for message in batch.messages { found[message.sequence] = message }
        }
        return found.values.sorted { $0.sequence < $1.sequence }
    }

    /// The messages of an outbox that its database does not have.
    ///
    /// - Parameter received: the last message that the database has, or had.
    func missing(from identity: Int64, received: Int64) -> [StagedMessage] {
        messages(of: identity).filter { $0.sequence > received }
    }

    /// ``StagedBatch/serial`` of an outbox's next batch.
    func nextSerial(of identity: Int64) -> UInt64 {
        (batches.last { $0.identity == identity }?.serial ?? 0) &+ 1
    }
}
