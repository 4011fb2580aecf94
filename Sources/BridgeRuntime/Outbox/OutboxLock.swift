import Glibc

/// Says that a process uses an outbox: flock(2) on a file beside the database.
///
/// Not on the database itself: closing any descriptor of that would release SQLite's own locks (fcntl_locking(2)).
final class OutboxLock: Sendable {
    private let descriptor: CInt

    /// Nil when another process uses the outbox.
    init?(databasePath: String) throws(OutboxError) {
        let path = databasePath + "-lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .cannotOpen(path: databasePath, detail: "\(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
