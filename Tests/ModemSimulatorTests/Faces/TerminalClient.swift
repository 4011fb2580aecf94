import Glibc
import Testing

/// The host's side of a pseudo-terminal, blocking, with limits.
final class TerminalClient {
    let descriptor: Int32

    init(path: String) throws {
        descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(descriptor >= 0)
        var settings = termios()
        try #require(tcgetattr(descriptor, &settings) == 0)
        cfmakeraw(&settings)
        try #require(tcsetattr(descriptor, TCSANOW, &settings) == 0)
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Array(rest).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            try #require(count > 0)
            rest = rest.dropFirst(count)
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Reads until `isEnough`, the port is gone, or 10 s are over.
    func read(until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        while !isEnough(bytes) {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 10_000) == 1 else { return bytes }
            var part = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(descriptor, &part, part.count)
            guard count > 0 else { return bytes }
            bytes += part.prefix(count)
        }
        return bytes
    }

    /// Reads what comes before the line is quiet for so long.
    func read(forMilliseconds quiet: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&ready, 1, quiet) == 1 {
            let count = Glibc.read(descriptor, &part, part.count)
            guard count > 0 else { break }
            bytes += part.prefix(count)
        }
        return bytes
    }

    func read(until text: String) -> String {
        let bytes = read { $0.contains(Array(text.utf8)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func ask(_ line: String, until end: String = "\r\nOK\r\n") throws -> String {
        try send(line + "\r\n")
        return read(until: end)
    }
}
