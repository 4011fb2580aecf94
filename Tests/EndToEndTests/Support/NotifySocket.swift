import Foundation

/// The service manager's end of sd_notify(3), with the time at which each message came.
final class NotifySocket: @unchecked Sendable {
    let path: String
    private let descriptor: CInt
    private let lock = NSLock()
    private var entries: [(time: Date, text: String)] = []
    private var reaction: (@Sendable () -> Void)?

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw SocketClient.Broken(description: "\(path): \(String(cString: strerror(errno)))") }
        // A message to an end that nobody holds any more would be the daemon's error, not the test's.
        Thread { [self] in gather() }.start()
    }

    /// Does something as soon as READY=1 comes.
    func whenReady(_ reaction: @escaping @Sendable () -> Void) { lock.withLock { self.reaction = reaction } }

    /// Ends the gathering, with a message to itself.
    func close() { shutdown(descriptor, Int32(SHUT_RD)) }

    private func gather() {
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            let react = lock.withLock {
                entries.append((Date(), text))
                return text.contains("READY=1") ? reaction : nil
            }
            react?()
        }
        Glibc.close(descriptor)
    }

    /// When `WATCHDOG=1` came.
    var beats: [Date] { lock.withLock { entries.filter { $0.text.contains("WATCHDOG=1") }.map(\.time) } }

    var texts: [String] { lock.withLock { entries.map(\.text) } }
}
