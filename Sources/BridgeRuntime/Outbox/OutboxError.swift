import BridgeCore

/// Why the outbox could not be opened.
public enum OutboxError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, or the folder it stands in, cannot be used.
    case cannotOpen(path: String, detail: String)
    /// A later release wrote the file.
    case fromTheFuture(path: String, version: Int)
    /// The file is corrupt and cannot be renamed.
    case cannotSetAside(path: String, detail: String)
    /// The file is corrupt, and what can be read of it cannot be written anew: nothing was changed.
    case cannotSave(path: String, detail: String, hindrance: String)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let detail):
            "cannot open the outbox \(path): \(detail)"
        case .fromTheFuture(let path, let version):
            "the outbox \(path) was written by a later release (layout \(version)); install that release again"
        case .cannotSetAside(let path, let detail):
            "the outbox \(path) is corrupt and cannot be set aside: \(detail)"
        case .cannotSave(let path, let detail, let hindrance):
            "the outbox \(path) is corrupt (\(detail)), and what can be read of it cannot be saved: \(hindrance). Nothing was "
                + "changed. Make room for a copy of it beside it, or look at the disk (dmesg), and start the daemon again"
        }
    }
}

/// Why a message was not stored, or the outbox not read.
public enum OutboxRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// `max_bytes` is reached.
    case queueFull(maxBytes: Int64)
    /// The file system has no room left.
    case diskFull(detail: String)
    /// The disk failed, is read-only, or the file is damaged.
    case diskFailed(detail: String)
    /// The daemon is stopping.
    case closed

    /// The word a local program is given.
    public var error: RequestError {
        switch self {
        case .queueFull: .queueFull
        case .diskFull, .diskFailed: .diskFull
        case .closed: .shuttingDown
        }
    }

    public var description: String {
        switch self {
        case .queueFull(let maxBytes): "the outbox holds all it may (max_bytes = \(maxBytes))"
        case .diskFull(let detail): "no room on the disk of the outbox: \(detail)"
        case .diskFailed(let detail): "the outbox cannot be written: \(detail)"
        case .closed: "the daemon is stopping"
        }
    }
}

/// Something about the outbox file that a person should read in the journal.
public enum OutboxNotice: Equatable, Sendable, CustomStringConvertible {
    /// The file was corrupt; it was renamed, and another one begun with what could still be read.
    ///
    /// `missing` is nil when nothing could be read, for the reason `hindrance`.
    case setAside(path: String, detail: String, brought: Int64, missing: Int64?, hindrance: String?)
    /// Somebody put another database in the place of the one that these messages were for.
    case foreignStaging(path: String, messages: Int)
    /// The medium does not give back parts of the staging file.
    case stagingUnreadable(path: String, blocks: Int)
    /// Parts of the staging file are not what was written there.
    case stagingDamaged(path: String, messages: Int)

    public var description: String {
        switch self {
        case .setAside(let path, let detail, let brought, let missing, let hindrance):
            "the outbox was corrupt (\(detail)); it is kept as \(path). "
                + (missing.map { "\(brought) waiting messages were brought over, \($0) are missing" }
                    ?? "An empty one was begun: nothing could be brought over\(hindrance.map { " (\($0))" } ?? "")")
        case .stagingUnreadable(let path, let blocks):
            "the disk does not give back \(blocks == 1 ? "a block" : "\(blocks) blocks") of \(path): messages that were there may "
                + "be lost. Another file takes its place; look at the disk (dmesg)"
        case .stagingDamaged(let path, let messages):
            "\(messages == 1 ? "a message" : "\(messages) messages") in \(path) can no longer be read, and count as dropped "
                + "(damaged); look at the disk (dmesg)"
        case .foreignStaging(let path, let messages):
            "the staging file beside the outbox belongs to another database; it is kept as \(path), with \(messages) messages"
        }
    }
}
