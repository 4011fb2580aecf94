import Glibc

/// A Unix socket that takes one order a line and answers each with one line; part of a poll loop.
struct ControlServer {
    private struct Client {
        var received: [UInt8] = []
    }

    private static let longestLine = 65_536
    private static let mostClients = 16

    let path: String
    private let listener: Int32
    private var clients: [Int32: Client] = [:]

    init(path: String) throws(SimulatorError) {
        self.path = path
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: name.sun_path) - 1
        guard path.utf8.count <= capacity else { throw .argument("--control: \(path) is too long for a socket") }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else { throw .occupied(path: path) }
            unlink(path)
        }
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw .system("socket", errno) }
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        _ = fcntl(listener, F_SETFL, O_NONBLOCK)
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, listen(listener, 8) == 0 else {
            let code = errno
            Glibc.close(listener)
            throw .system("bind \(path)", code)
        }
    }

    var descriptors: [Int32] { [listener] + clients.keys }

    /// Serves a readable descriptor of ours; `answer` is asked for the reply to each line.
    mutating func readable(_ descriptor: Int32, answer: (String) -> String) {
        if descriptor == listener { return accept() }
        guard var client = clients[descriptor] else { return }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0, client.received.count < Self.longestLine else { return drop(descriptor) }
        client.received += bytes.prefix(count)
        while let end = client.received.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: client.received[..<end].filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
            client.received.removeFirst(end + 1)
            let reply = Array((answer(line) + "\n").utf8)
            // A client that does not read its replies does not get them.
            _ = send(descriptor, reply, reply.count, Int32(MSG_NOSIGNAL))
        }
        clients[descriptor] = client
    }

    /// Ends all clients and removes the socket.
    func close() {
        clients.keys.forEach { _ = Glibc.close($0) }
        Glibc.close(listener)
        unlink(path)
    }

    private mutating func accept() {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        guard clients.count < Self.mostClients else { return _ = Glibc.close(descriptor) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        clients[descriptor] = Client()
    }

    private mutating func drop(_ descriptor: Int32) {
        clients[descriptor] = nil
        Glibc.close(descriptor)
    }
}
