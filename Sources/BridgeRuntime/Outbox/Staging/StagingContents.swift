import Glibc
import NIOCore

/// What a staging file holds; read after a crash, and by those who look into an outbox from outside.
///
/// Whatever stands at the beginning of a block and has a right checksum looks like a batch, and a payload can be made to look so,
/// too. The identity, which no program knows, tells the batches of an outbox from all others.
struct StagingContents: Sendable {
    /// Of the outbox that the file was made for, by its first block; nil when there is none, or it cannot be read.
    let identity: Int64?
    /// Blocks that the medium does not give back, by number.
    let unreadable: Set<Int>
    /// Oldest first.
    private let batches: [Placed]

    private struct Placed {
        var batch: StagedBatch
        /// Its first block.
        var start: Int
        /// The block behind it.
        var end: Int { start + (batch.encoded(ByteBufferAllocator())?.readableBytes ?? 0) / StagedBatch.blockSize }
    }

    /// Beside the database.
    static func path(of database: String) -> String { database + "-staged" }

    /// Reads the file of a database; one that is not there has nothing in it.
    init(database: String) throws(StagingError) {
        let path = Self.path(of: database)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        let blocks = StagingFile.size / StagedBatch.blockSize
        guard descriptor >= 0 else {
            guard errno == ENOENT || Self.isDamage(errno) else { throw StagingError(lastCall: "open", path) }
            self.init(ByteBuffer(), unreadable: errno == ENOENT ? [] : Set(0..<blocks))
            return
        }
        defer { close(descriptor) }
        var bytes = ByteBuffer()
        var unreadable: Set<Int> = []
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
                unreadable.insert(number)
                bytes.writeRepeatingByte(0, count: block.count)
            }
        }
        self.init(bytes, unreadable: unreadable)
    }

    /// Whether an error says that the medium is no good, or what the file system has on it.
    private static func isDamage(_ error: CInt) -> Bool { error == EIO || error == EUCLEAN }

    init(_ bytes: ByteBuffer, unreadable: Set<Int> = []) {
        var identity: Int64?
        var batches: [Placed] = []
        for start in stride(from: 0, to: bytes.readableBytes, by: StagedBatch.blockSize) {
            let rest = bytes.getSlice(at: start, length: bytes.readableBytes - start)
            guard let batch = rest.flatMap(StagedBatch.init(at:)) else { continue }
            if start == 0 {
                identity = batch.identity
            } else {
                batches.append(Placed(batch: batch, start: start / StagedBatch.blockSize))
            }
        }
        self.identity = identity
        self.batches = batches.sorted { $0.batch.serial < $1.batch.serial }
        self.unreadable = unreadable
    }

    /// Of the newest batch.
    var lastIdentity: Int64? { batches.last?.batch.identity }

    /// All messages of an outbox, oldest first. Those that its database has, too, are among them.
    func messages(of identity: Int64) -> [StagedMessage] {
        var found: [Int64: StagedMessage] = [:]
        for placed in batches where placed.batch.identity == identity {
            for message in placed.batch.messages { found[message.sequence] = message }
        }
        return found.values.sorted { $0.sequence < $1.sequence }
    }

    /// The messages of an outbox that its database does not have.
    ///
    /// - Parameter received: the last message that the database has, or had.
    func missing(from identity: Int64, received: Int64) -> [StagedMessage] {
        messages(of: identity).filter { $0.sequence > received }
    }

    /// As many messages, newer than all that is found, may stand where the medium gives nothing back: their receipts may have
    /// been given out.
    func hidden(from identity: Int64) -> Int64 {
        guard !unreadable.isEmpty, (self.identity ?? lastIdentity ?? identity) == identity else { return 0 }
        let ours = batches.filter { $0.batch.identity == identity }
        let starts = Set(ours.map(\.start))
        var blocks: Set<Int> = []
        // What comes next begins behind the newest, or the round anew (``StagingRing``), and is no batch if one of its blocks is gone.
        for start in [ours.last?.end ?? 1, 1] {
            var block = start
            var patience = StagedBatch.mostBlocks
            while patience > 0, block < StagingFile.size / StagedBatch.blockSize, !starts.contains(block) {
                patience -= 1
                if unreadable.contains(block) {
                    blocks.insert(block)
                    patience = StagedBatch.mostBlocks
                }
                block += 1
            }
        }
        return Int64(blocks.count * Staging.mostTogether)
    }

    /// ``StagedBatch/serial`` of an outbox's next batch. One is left out: the last write of a process that was killed may have
    /// landed after this was read.
    func nextSerial(of identity: Int64) -> UInt64 {
        (batches.last { $0.batch.identity == identity }?.batch.serial ?? 0) &+ 2
    }
}
