import GRDB
import Glibc
import Synchronization

/// Damage of the database that shows only while it is in use: told once, and marked for the next opening, which checks the
/// file as a whole whatever its size, and saves what can be read.
final class OutboxDamage: Sendable {
    private let path: String
    private let isKnown = Mutex(false)
    private let tell: @Sendable (String) -> Void

    init(path: String, tell: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.tell = tell
    }

    /// An operation failed: perhaps because the file is damaged.
    ///
    /// - Returns: what failed, where SQLite's own words mislead.
    func failed(_ error: any Error) -> String? {
        guard let error = error as? DatabaseError, OutboxFile.isCorruption(error) else { return nil }
        return isKnown.withLock { isKnown in
            guard !isKnown else { return nil }
            // SQLite takes a block that the medium does not give back for damage (SQLITE_IOERR_CORRUPTFS), and so it is. But where
            // the medium is gone altogether, nothing can be mended by opening the file anew.
            if let hindrance = mark() { return "the disk does not work: \(hindrance)" }
            isKnown = true
            tell(QueueInspector.words(error))
            return nil
        }
    }

    /// Leaves the mark; says why the medium takes nothing at all. On a full one there is no mark.
    private func mark() -> String? {
        let descriptor = open(OutboxFile.damageMark(of: path), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard descriptor < 0 || fsync(descriptor) != 0 else { return nil }
        return errno == ENOSPC || errno == EDQUOT ? nil : String(cString: strerror(errno))
    }
}
