import BridgeCore
import Glibc
import Logging
import NIOCore

/// The program at the other end of a connection, as the kernel knows it (SO_PEERCRED, unix(7)).
public struct Peer: Equatable, Sendable {
    /// Process id when it connected; 0 if the kernel does not say.
    public var pid: Int32
    public var uid: UInt32
    /// Its systemd unit, if `/proc` shows one.
    public var unit: String?
    /// The name of its command, at most 15 bytes (proc_pid_comm(5)).
    public var command: String?

    public init(pid: Int32, uid: UInt32, unit: String? = nil, command: String? = nil) {
        self.pid = pid
        self.uid = uid
        self.unit = unit
        self.command = command
    }

    /// Stands for the program over its restarts and connections: the command's name, run by one user in one unit.
    var program: Int64 { Sender.program(named: "\(uid) \(unit ?? "-") \(command ?? "-")") }

    /// `struct ucred` of socket(7), which the C library shows only to programs that ask for GNU extensions.
    private struct Credentials {
        var pid: Int32 = 0
        var uid = UInt32.max
        var gid = UInt32.max
    }

    /// Asks the kernel who is connected; on the channel's event loop.
    static func connected(to channel: any Channel) -> Peer {
        final class Box { var credentials = Credentials() }
        let box = NIOLoopBound(Box(), eventLoop: channel.eventLoop)
        // On the loop the future is complete at once.
        (channel as? any SocketOptionProvider)?
            .unsafeGetSocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
            .whenSuccess { (credentials: Credentials) in box.value.credentials = credentials }
        let credentials = box.value.credentials
        return Peer(
            pid: credentials.pid, uid: credentials.uid, unit: unit(ofProcess: credentials.pid),
            command: text("comm", ofProcess: credentials.pid).map { String($0.prefix { $0 != "\n" }) })
    }

    /// Whether it has read all that was written to it through a socket (SIOCOUTQ, unix(7)).
    static func hasReadAll(of socket: NIOBSDSocket.Handle) -> Bool {
        var unread: Int32 = 0
        guard ioctl(socket, UInt(TIOCOUTQ), &unread) == 0, unread == 0 else { return false }
        // What a program left unread when it went is gone, too; that it went, the kernel says before.
        var state = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&state, 1, 0) >= 0 && Int32(state.revents) & (POLLHUP | POLLERR) == 0
    }

    static func unit(ofProcess pid: Int32) -> String? {
        text("cgroup", ofProcess: pid).flatMap { unit(inControlGroups: $0) }
    }

    /// Reads `/proc/PID/NAME`, at most 4 KiB of it.
    private static func text(_ name: String, ofProcess pid: Int32) -> String? {
        guard pid > 0 else { return nil }
        let descriptor = open("/proc/\(pid)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// The innermost unit in the text of `/proc/PID/cgroup` (cgroups(7): `id:controllers:path`).
    static func unit(inControlGroups text: String) -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, fields[1].isEmpty || fields[1] == "name=systemd" else { continue }
            let names = fields[2].split(separator: "/")
            if let unit = names.last(where: { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }) {
                return String(unit.prefix(128))
            }
        }
        return nil
    }

    /// Fields for the journal lines about this program.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["peer-pid": "\(pid)", "peer-uid": "\(uid)"]
        if let unit { metadata["peer-unit"] = "\(unit)" }
        return metadata
    }
}
