import Foundation
import GRDB
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
    func failed(_ error: any Error) {
        guard let error = error as? DatabaseError, OutboxFile.isCorruption(error) else { return }
        let isNew = isKnown.withLock { isKnown in
            defer { isKnown = true }
            return !isKnown
        }
        guard isNew else { return }
        _ = FileManager.default.createFile(atPath: OutboxFile.damageMark(of: path), contents: nil)
        tell(QueueInspector.words(error))
    }
}
