import BridgeCore
import Glibc
import Synchronization

/// Says that a process uses an outbox: flock(2) on a file beside the database.
///
/// Not on the database itself: closing any descriptor of that would release SQLite's own locks (fcntl_locking(2)).
final class OutboxLock: Sendable {
    private let descriptor: Mutex<CInt>

    /// Nil when another process uses the outbox, and goes on doing so.
    ///
    /// - Parameter patience: how long one that is about to end is waited for; blocks.
    init?(databasePath: String, patience: Duration = .zero) throws(OutboxError) {
        let path = databasePath + "-lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .cannotOpen(path: databasePath, detail: "\(path): \(String(cString: strerror(errno)))")
        }
        Self.giveToOwner(descriptor, of: databasePath)
        let step = Duration.milliseconds(50)
        var waited = Duration.zero
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard waited < patience else {
                close(descriptor)
                return nil
            }
            poll(nil, 0, Int32(step.inMilliseconds))
            waited += step
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Whether a process uses the outbox; makes no file.
    static func isHeld(databasePath: String) -> Bool {
        let descriptor = open(databasePath + "-lock", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    /// What root makes must be usable by the daemon's own user, as SQLite sees to it for its files.
    private static func giveToOwner(_ descriptor: CInt, of databasePath: String) {
        guard geteuid() == 0 else { return }
        var owner = stat()
        let folder = databasePath.lastIndex(of: "/").map { String(databasePath[..<$0]) } ?? "."
        guard stat(databasePath, &owner) == 0 || stat(folder.isEmpty ? "/" : folder, &owner) == 0 else { return }
        _ = fchown(descriptor, owner.st_uid, owner.st_gid)
    }

    func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
