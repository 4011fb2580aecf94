import BridgeCore
import CSystemd
import Foundation
import Glibc
import NIOCore
import Synchronization

/// Where batches are written to.
protocol StagingMedium: Sendable {
    /// Of ``StagedBatch/blockSize``.
    var blocks: Int { get }
    /// Begins to write whole blocks, of which no others may be under way; returns at once.
    func begin(_ bytes: ByteBuffer, at block: Int) throws(StagingError)
    /// The result of what was begun; nil as long as there is none.
    ///
    /// - Parameters:
    ///   - length: of what was begun, in bytes.
    ///   - patience: milliseconds to wait for it.
    func result(length: Int, patience: UInt32) -> Result<Void, StagingError>?
    /// Waits for the result of what was begun without sleeping, if that pays; whether it is there.
    func poll() -> Bool
    /// Nothing is under way any more, and nobody needs to be woken for what was.
    func forgetEvent()
}

/// The file beside the database into which messages are written first: one write past the page cache, into blocks that are
/// there already, which takes a medium little more than half the time of a commit, and for which the event loop does not
/// have to wait (Linux AIO; io_submit(2)).
final class StagingFile: StagingMedium {
    /// Room for as many messages by themselves as go into the database at once, twice.
    let blocks = 2 * Outbox.mostUnwritten
    /// In bytes: those, behind one that says whose file it is.
    static let size = (2 * Outbox.mostUnwritten + 1) * StagedBatch.blockSize
    /// Readable when there may be a result (eventfd(2)); whoever takes it closes it.
    let event: CInt
    private let descriptor: CInt
    private let context: UInt
    private let path: String
    /// What is being written has to stay where it is.
    nonisolated(unsafe) private let buffer: UnsafeMutableRawBufferPointer

    /// A file system that takes longer to accept a write does it while its caller waits.
    private static let patience = Duration.milliseconds(2)
    private static let trials = 4
    /// One that has once held its caller up for longer does not get a second chance: the serial line waits meanwhile.
    private static let longest = Duration.milliseconds(250)
    private let isSlow = Atomic(false)
    /// How long the write takes that is under way, and others before it.
    let pace = Mutex((polling: CompletionPolling(), began: Moment.zero))

    /// Opens the file of a database, or makes it; blocks. What was in it may be overwritten from now on.
    ///
    /// - Parameters:
    ///   - identity: of the outbox, for ``StagingContents/identity``.
    ///   - isWorn: the file that is there has blocks that cannot be read, and another one has to take its place.
    init(database: String, identity: Int64, isWorn: Bool = false) throws(StagingError) {
        path = StagingContents.path(of: database)
        var status = stat()
        if isWorn || stat(path, &status) != 0 || Int(status.st_size) != Self.size {
            try Self.make(path, like: database)
        }
        // Its name has to last, too, and a process before may have ended in between.
        try Self.sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        let descriptor = csystemd_open_direct(path)
        guard descriptor >= 0 else { throw StagingError(lastCall: "open with O_DIRECT", path) }
        var context: UInt = 0
        guard csystemd_aio_open(&context) == 0 else {
            let error = StagingError(lastCall: "io_setup for", path)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.context = context
        buffer = .allocate(
            byteCount: StagedBatch.mostBlocks * StagedBatch.blockSize, alignment: StagedBatch.blockSize)
        // From here on, `deinit` cleans up.
        event = csystemd_event_fd()
        guard event >= 0 else { throw StagingError(lastCall: "eventfd for", path) }
        do {
            try attempt(identity)
        } catch {
            close(event)
            throw error
        }
    }

    deinit {
        csystemd_aio_close(context)
        close(descriptor)
        buffer.deallocate()
    }

    /// For whoever did not take ``event``.
    func closeEvent() { close(event) }

    func begin(_ bytes: ByteBuffer, at block: Int) throws(StagingError) { try write(bytes, at: block + 1) }

    private func write(_ bytes: ByteBuffer, at block: Int) throws(StagingError) {
        bytes.withUnsafeReadableBytes { buffer.copyMemory(from: $0) }
        guard !isSlow.load(ordering: .relaxed) else { throw StagingError("\(path): a write held the event loop up") }
        let began = Moment.now
        let begun = csystemd_aio_write(
            context, descriptor, buffer.baseAddress, bytes.readableBytes, Int64(block * StagedBatch.blockSize), event)
        guard begun == 0 else { throw StagingError(lastCall: "io_submit for", path) }
        pace.withLock { $0.began = began }
        if Moment.now - began > Self.longest { isSlow.store(true, ordering: .relaxed) }
    }

    func result(length: Int, patience: UInt32) -> Result<Void, StagingError>? {
        var result: Int64 = 0
        guard csystemd_aio_result(context, patience, &result) else { return nil }
        let seen = Moment.now
        pace.withLock { $0.polling.ended(began: $0.began, seen: seen) }
        if result == length { return .success(()) }
        errno = result < 0 ? CInt(clamping: -result) : EIO
        return .failure(StagingError(lastCall: "write", path))
    }

    func poll() -> Bool {
        let began = Moment.now
        guard pace.withLock({ $0.polling.isWorthwhile(now: began) }) else { return false }
        let isThere = csystemd_aio_poll(context, CompletionPolling.patience)
        let ended = Moment.now
        pace.withLock { $0.polling.polled(began: began, ended: ended) }
        return isThere
    }

    func forgetEvent() {
        var count: UInt64 = 0
        _ = read(event, &count, MemoryLayout.size(ofValue: count))
    }

    /// Finds out whether writing works, and does not hold the caller up.
    private func attempt(_ identity: Int64) throws(StagingError) {
        let header = StagedBatch(identity: identity, serial: 0, messages: []).encoded(ByteBufferAllocator())
        guard let header else { return }
        var isSlow = true
        for _ in 0..<Self.trials where isSlow {
            let began = Moment.now
            try write(header, at: 0)
            isSlow = Moment.now - began > Self.patience
            guard let result = result(length: header.readableBytes, patience: 10_000) else {
                throw StagingError("\(path): no write ends in 10 s")
            }
            try result.get()
        }
        if isSlow { throw StagingError("\(path): its file system writes only while the caller waits") }
    }

    /// Blocks that were written once need no change of the file system's own records when they are written again.
    private static func make(_ path: String, like database: String) throws(StagingError) {
        var status = stat()
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StagingError(lastCall: "open", draft) }
        defer { close(descriptor) }
        if stat(database, &status) == 0 {
            fchown(descriptor, status.st_uid, status.st_gid)
            fchmod(descriptor, status.st_mode & 0o777)
        }
        let zeros = [UInt8](repeating: 0, count: size)
        guard Glibc.write(descriptor, zeros, size) == size, fsync(descriptor) == 0, rename(draft, path) == 0 else {
            let error = StagingError(lastCall: "write", draft)
            unlink(draft)
            throw error
        }
    }

    /// Has the kernel bring a file or a folder to the medium.
    static func sync(_ path: String) throws(StagingError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StagingError(lastCall: "open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StagingError(lastCall: "sync", path) }
    }

    /// Removes the file of a database, for good.
    static func remove(database: String) {
        unlink(StagingContents.path(of: database))
        OutboxExchange.syncFolder(of: database)
    }

    /// Renames a file that was for another database, if it has messages; what there is to say of it.
    ///
    /// - Parameter identity: of the file that belongs to the database.
    static func setForeignAside(
        _ contents: StagingContents, database: String, identity: Int64
    ) throws(StagingError) -> OutboxNotice? {
        // Where its first block cannot be read, what else is there tells.
        guard let other = contents.identity ?? contents.lastIdentity, other != identity,
            contents.identity != nil || contents.messages(of: identity).isEmpty
        else { return nil }
        // Given up (see `OutboxWriter`), and its process did not live to remove it. It is not removed here: that it is void may
        // stand in the kernel's memory only. Another one takes its place once the database is known to be on the medium.
        guard other != identity &- 1 else { return nil }
        let messages = contents.messages(of: other)
        let aside = OutboxExchange.unusedName(StagingContents.path(of: database) + ".foreign-")
        guard !messages.isEmpty else { return nil }
        guard rename(StagingContents.path(of: database), aside) == 0 else {
            throw StagingError(lastCall: "rename", StagingContents.path(of: database))
        }
        OutboxExchange.syncFolder(of: database)
        return .foreignStaging(path: aside, messages: messages.count)
    }
}
