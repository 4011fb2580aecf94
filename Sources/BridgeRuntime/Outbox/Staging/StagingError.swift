import Glibc

/// Why the staging file cannot be used, and messages go into the database directly.
struct StagingError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// What the last system call said.
    init(lastCall name: String, _ path: String) {
        self.init("\(name) \(path): \(String(cString: strerror(errno)))")
    }
}
