import Foundation

/// A local program on the daemon's socket.
final class SocketClient {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: CInt
    private var received: [UInt8] = []

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            throw Broken(description: "\(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Broken(description: "send: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next line; nil at the end of the stream.
    func line(seconds: Double = 20) throws -> String? {
        let limit = Date(timeIntervalSinceNow: seconds)
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = max(0, limit.timeIntervalSinceNow)
            guard poll(&poller, 1, Int32(left * 1000)) > 0 else {
                throw Broken(description: "no answer in \(seconds) s")
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw Broken(description: "read: \(String(cString: strerror(errno)))") }
            guard count > 0 else { return nil }
            received.append(contentsOf: chunk[..<count])
        }
    }

    /// The next line as a JSON object.
    func answer(seconds: Double = 20) throws -> [String: Any] {
        guard let line = try line(seconds: seconds) else {
            throw Broken(description: "the daemon closed the connection")
        }
        guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            throw Broken(description: "not an object: \(line)")
        }
        return object
    }

    /// Sends one request and returns its answer.
    func ask(_ request: String, seconds: Double = 20) throws -> [String: Any] {
        try send(request + "\n")
        return try answer(seconds: seconds)
    }
}
