import Glibc

/// A pseudo-terminal: the far end of a line in place of a UART.
final class PseudoTerminal {
    let path: String
    let far: CInt
    /// Held, as an adapter is there whether or not somebody has it open.
    private let near: CInt

    struct Failure: Error {}

    init() throws {
        var (far, near): (CInt, CInt) = (-1, -1)
        var name = [CChar](repeating: 0, count: 128)
        guard openpty(&far, &near, nil, nil, nil) == 0, ttyname_r(near, &name, name.count) == 0 else { throw Failure() }
        for descriptor in [far, near] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        (self.far, self.near) = (far, near)
    }

    deinit {
        close(near)
        close(far)
    }

    /// Writes from the far end.
    func send(_ bytes: [UInt8]) throws {
        guard write(far, bytes, bytes.count) == bytes.count else { throw Failure() }
    }

    /// Reads until `count` bytes are there, for at most ten seconds.
    static func receive(_ count: Int, from descriptor: CInt) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while bytes.count < count, poll(&ready, 1, 10_000) > 0 {
            let received = read(descriptor, &chunk, min(chunk.count, count - bytes.count))
            guard received > 0 else { break }
            bytes += chunk.prefix(received)
        }
        return bytes
    }

    /// The settings of the line, as the kernel holds them.
    var settings: termios {
        var settings = termios()
        tcgetattr(far, &settings)
        return settings
    }
}
