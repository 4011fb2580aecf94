import BridgeCore
import Glibc

/// A connection to the daemon's local socket, for the companion commands: lines out, lines in.
struct BridgeClient: ~Copyable {
    /// The daemon could not be reached, or went away.
    struct Unreachable: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: CInt
    private let path: String
    private var received: [UInt8] = []
    private var searched = 0

    init(path: String) throws(Unreachable) {
        descriptor = try Self.connected(to: path)
        self.path = path
    }

    deinit { close(descriptor) }

    private static func connected(to path: String) throws(Unreachable) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Unreachable(description: "\(path): longer than the 107 bytes a socket's path may have")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw Unreachable(description: advice(path: path, code: code))
        }
        return descriptor
    }

    private static func advice(path: String, code: CInt) -> String {
        switch code {
        case ENOENT:
            "\(path): no such socket, so no daemon is running. Start it (systemctl start espbridged), or name its socket (--socket)"
        case ECONNREFUSED:
            "\(path): nobody listens: the daemon has ended. Start it (systemctl start espbridged), or name its socket (--socket)"
        case EACCES: "\(path): permission denied. Join the socket's group (ls -l \(path))"
        default: "\(path): \(String(cString: strerror(code)))"
        }
    }

    /// Writes all of it.
    func send(_ bytes: some Collection<UInt8>) throws(Unreachable) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                throw Unreachable(
                    description: "\(path): \(partingWords ?? "\(String(cString: strerror(code))) while sending")")
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Why the daemon hung up, if it said so before.
    private var partingWords: String? {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        guard count > 0, let line = chunk[..<count].split(separator: 10).first else { return nil }
        return (try? JSONValue(parsing: Array(line)))?["detail"]?.text
    }

    /// Says that nothing more will be sent; answers still come.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What reading came to.
    enum Reading {
        case line(String)
        case timedOut
        case ended
    }

    /// What there is to do first.
    enum Readiness {
        /// ``readLine(milliseconds:)`` does not wait.
        case line
        /// The other descriptor can be read.
        case input
        case timedOut
    }

    /// Waits up to `milliseconds` (nil: for ever) for something from the daemon, or on another descriptor.
    func wait(orFor other: CInt?, milliseconds: Int?) throws(Unreachable) -> Readiness {
        if received.contains(10) { return .line }
        // A negative descriptor is passed over (poll(2)).
        var pollers = [descriptor, other ?? -1].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let start = Self.now()
        while true {
            let left = milliseconds.map { max(0, $0 - Int(Self.now() - start)) }
            let ready = poll(&pollers, 2, left.map { Int32(clamping: $0) } ?? -1)
            if ready < 0, errno == EINTR { continue }
            guard ready >= 0 else { throw Unreachable(description: "\(path): \(String(cString: strerror(errno)))") }
            if ready == 0 { return .timedOut }
            return pollers[0].revents != 0 ? .line : .input
        }
    }

    /// The next line, waiting up to `milliseconds` (nil: for ever).
    mutating func readLine(milliseconds: Int?) throws(Unreachable) -> Reading {
        let start = Self.now()
        while true {
            if let end = received[searched...].firstIndex(of: 10) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                searched = 0
                return .line(line)
            }
            searched = received.count
            let left = milliseconds.map { max(0, $0 - Int(Self.now() - start)) }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, left.map { Int32(clamping: $0) } ?? -1)
            if ready < 0, errno == EINTR { continue }
            guard ready != 0 else { return .timedOut }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Unreachable(description: "\(path): \(String(cString: strerror(errno))) while reading")
            }
            guard count > 0 else { return .ended }
            received.append(contentsOf: chunk[..<count])
        }
    }

    /// Milliseconds of the monotonic clock.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
