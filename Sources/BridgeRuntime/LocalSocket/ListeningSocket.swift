import Glibc

/// A Unix stream socket that listens: bound here, or passed by systemd.
public struct ListeningSocket: Sendable {
    /// Owned by whoever starts the server with it.
    let descriptor: CInt
    /// What to remove at the end; nil when the name belongs to systemd.
    let name: Name?

    /// A name in the file system and the file it stood for when it was made.
    struct Name: Sendable {
        let path: String
        fileprivate let device: dev_t
        fileprivate let inode: ino_t

        /// Removes the name, unless it has come to stand for another file.
        func remove() {
            var status = stat()
            guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
            unlink(path)
        }
    }

    private static let backlog: CInt = 128

    /// Takes a socket that systemd holds (sd_listen_fds(3)); it is listening already.
    public init(adopting descriptor: CInt) throws(LocalSocketError) {
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening != 0 else {
            throw .notListening(descriptor: descriptor)
        }
        self.descriptor = descriptor
        name = nil
    }

    /// Binds `path`; blocks for a moment.
    ///
    /// A living daemon is found by connecting. The socket is made under another name, gets its
    /// mode and group, listens, and only then takes the name, so that nobody ever sees it with wrong
    /// permissions, and a stale one is replaced in one step (rename(2)).
    public init(path: String, mode: UInt32, group: String = "") throws(LocalSocketError) {
        try Self.checkLength(path)
        try Self.checkFree(path)
        let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .failed(path: path, step: "socket", detail: Self.reason()) }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        let temporary = "\(folder).\(getpid()).sock"
        do throws(LocalSocketError) {
            var status = stat()
            unlink(temporary)
            func check(_ step: String, _ result: CInt) throws(LocalSocketError) {
                if result != 0 { throw .failed(path: path, step: step, detail: Self.reason()) }
            }
            try check("bind", Self.withAddress(temporary) { bind(descriptor, $0, $1) })
            try check("chmod", chmod(temporary, mode & 0o777))
            if !group.isEmpty {
                try check("chown", chown(temporary, uid_t.max, Self.identifier(ofGroup: group)))
            }
            try check("listen", listen(descriptor, Self.backlog))
            try check("stat", lstat(temporary, &status))
            try check("rename", rename(temporary, path))
            self.descriptor = descriptor
            name = Name(path: path, device: status.st_dev, inode: status.st_ino)
        } catch {
            unlink(temporary)
            close(descriptor)
            throw error
        }
    }

    /// Throws if `path` is not ours to take.
    private static func checkFree(_ path: String) throws(LocalSocketError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw .failed(path: path, step: "stat", detail: reason())
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = Glibc.socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw .failed(path: path, step: "socket", detail: reason()) }
        defer { close(probe) }
        let result = try withAddress(path) { connect(probe, $0, $1) }
        // EAGAIN: it lives, but its backlog is full (connect(2)).
        if result == 0 || errno == EAGAIN { throw .inUse(path: path) }
        guard errno == ECONNREFUSED || errno == ENOENT else {
            throw .failed(path: path, step: "connect", detail: reason())
        }
    }

    private static func checkLength(_ path: String) throws(LocalSocketError) {
        let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
        guard path.utf8.count <= limit else { throw .pathTooLong(path: path, limit: limit) }
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(LocalSocketError) -> CInt {
        try checkLength(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func identifier(ofGroup name: String) throws(LocalSocketError) -> gid_t {
        if let number = gid_t(name) { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        let result = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil else { throw .noSuchGroup(name: name) }
        return entry.gr_gid
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
