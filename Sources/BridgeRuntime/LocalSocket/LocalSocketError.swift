/// Why the local socket could not be opened.
public enum LocalSocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another daemon listens there.
    case inUse(path: String)
    /// Something that is no socket has that name.
    case notASocket(path: String)
    case noSuchGroup(name: String)
    /// Longer than unix(7) permits.
    case pathTooLong(path: String, limit: Int)
    /// What systemd passed is no listening stream socket.
    case notListening(descriptor: Int32)
    case failed(path: String, step: String, detail: String)

    public var description: String {
        switch self {
        case .inUse(let path): "a living daemon listens on \(path)"
        case .notASocket(let path): "\(path) exists and is no socket; remove it, or choose another [socket] path"
        case .noSuchGroup(let name): "[socket] group: there is no group \(name)"
        case .pathTooLong(let path, let limit): "[socket] path: \(path) is longer than \(limit) bytes"
        case .notListening(let descriptor): "descriptor \(descriptor) is no listening stream socket"
        case .failed(let path, let step, let detail): "the socket \(path): \(step): \(detail)"
        }
    }
}
