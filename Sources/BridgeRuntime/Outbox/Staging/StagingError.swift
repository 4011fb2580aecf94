import Glibc

/// Each message is committed to the database by itself.
public enum StagingHindrance: Equatable, Sendable, CustomStringConvertible {
    /// There is no staging file, or none can be used here.
    case unavailable(String)
    /// It was in use, and a write to it failed.
    case failed(String)

    public var description: String {
        switch self {
        case .unavailable(let reason): "each message is committed to the database by itself: \(reason)"
        case .failed(let reason): "until the next start each message is committed to the database by itself: \(reason)"
        }
    }
}

/// Why the staging file cannot be used, and messages go into the database directly.
struct StagingError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// What the last system call said.
    init(lastCall name: String, _ path: String) {
        self.init("\(name) \(path): \(String(cString: strerror(errno)))")
    }
}
