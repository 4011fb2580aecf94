import Glibc

/// A pseudo-terminal whose slave is the host's serial port; the master is the module's pins.
///
/// An own descriptor of the slave stays open, so that a host that closes the port does not end the line: as a real
/// adapter, it is there whether or not somebody has it open.
struct PseudoTerminal {
    let master: Int32
    private let slave: Int32
    /// `/dev/pts/N`.
    let path: String
    /// A symbolic link to ``path``.
    let link: String?

    init(link: String?) throws(SimulatorError) {
        var master: Int32 = -1
        var slave: Int32 = -1
        guard openpty(&master, &slave, nil, nil, nil) == 0 else { throw .system("openpty", errno) }
        self.master = master
        self.slave = slave
        self.link = link
        func failed(_ error: SimulatorError) -> SimulatorError {
            close(slave)
            close(master)
            return error
        }
        var name = [CChar](repeating: 0, count: 128)
        guard ttyname_r(slave, &name, name.count) == 0 else { throw failed(.system("ttyname_r", errno)) }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for descriptor in [master, slave] {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        _ = fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK)
        var settings = termios()
        guard tcgetattr(slave, &settings) == 0 else { throw failed(.system("tcgetattr", errno)) }
        cfmakeraw(&settings)
        guard tcsetattr(slave, TCSANOW, &settings) == 0 else { throw failed(.system("tcsetattr", errno)) }
        guard let link else { return }
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else { throw failed(.occupied(path: link)) }
            unlink(link)
        }
        guard symlink(path, link) == 0 else { throw failed(.system("symlink \(link)", errno)) }
    }

    /// Bytes that the host has written and that were not yet read.
    var waiting: Int {
        var count: Int32 = 0
        return ioctl(master, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// Bytes for the host that it has not yet read.
    var unread: Int {
        var count: Int32 = 0
        return ioctl(slave, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// The port vanishes under the host.
    func unplug() {
        if let link { unlink(link) }
        close(slave)
        close(master)
    }
}

/// What keeps the simulator from starting.
public enum SimulatorError: Error, CustomStringConvertible, Sendable {
    /// A call of the system and its errno.
    case system(String, Int32)
    /// Something that is not the simulator's stands where its link or socket is to be.
    case occupied(path: String)
    /// An argument that cannot be used.
    case argument(String)

    public var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .occupied(let path): "\(path) exists and was not made by espsim; remove it or name another place"
        case .argument(let text): text
        }
    }
}
