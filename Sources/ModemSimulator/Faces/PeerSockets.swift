import BridgeCore
import Glibc

/// The module's TCP connections, as real ones.
struct PeerSockets {
    /// A connection that the module uses.
    struct Peer {
        let descriptor: Int32
        var isConnected = false
        var unsent: [UInt8] = []
        /// A payload was given that is not yet reported as taken.
        var owesTaken = false
    }

    /// What came of serving a connection.
    typealias Report = SimulatedModem.Input

    private(set) var peers: [SimulatedModem.ConnectionID: Peer] = [:]
    /// Connections that the module has forgotten: reset when the peer sends, as a module would that was restarted.
    private(set) var forgotten: [Int32] = []
    var isNetworkUp = true
    private static let mostForgotten = 64

    // MARK: Effects

    mutating func dial(_ id: SimulatedModem.ConnectionID, address: String, port: Int) -> Report? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        guard let result = Self.connect(descriptor, address, port) else {
            Glibc.close(descriptor)
            return nil
        }
        if result != 0, errno != EINPROGRESS {
            let wasRefused = errno == ECONNREFUSED
            Glibc.close(descriptor)
            return wasRefused ? .refused(id) : nil
        }
        peers[id] = Peer(descriptor: descriptor)
        return result == 0 ? dialled(id) : nil
    }

    mutating func send(_ id: SimulatedModem.ConnectionID, _ bytes: [UInt8]) -> Report? {
        guard peers[id] != nil else { return nil }
        peers[id]?.unsent += bytes
        peers[id]?.owesTaken = true
        return flush(id)
    }

    mutating func close(_ id: SimulatedModem.ConnectionID) {
        guard let peer = peers.removeValue(forKey: id) else { return }
        Glibc.close(peer.descriptor)
    }

    mutating func abandon(_ id: SimulatedModem.ConnectionID) {
        guard let peer = peers.removeValue(forKey: id) else { return }
        forgotten.append(peer.descriptor)
        if forgotten.count > Self.mostForgotten { reset(forgotten.removeFirst()) }
    }

    mutating func closeAll() {
        for peer in peers.values { Glibc.close(peer.descriptor) }
        forgotten.forEach { Glibc.close($0) }
        (peers, forgotten) = ([:], [])
    }

    // MARK: Events

    /// The connection can be written to.
    mutating func writable(_ id: SimulatedModem.ConnectionID) -> Report? {
        guard let peer = peers[id] else { return nil }
        return peer.isConnected ? flush(id) : dialled(id)
    }

    /// The connection can be read.
    mutating func readable(_ id: SimulatedModem.ConnectionID, atMost limit: Int) -> Report? {
        guard let peer = peers[id], peer.isConnected, limit > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: min(limit, 4096))
        let count = read(peer.descriptor, &bytes, bytes.count)
        if count > 0 { return .arrived(id, Array(bytes.prefix(count))) }
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        return .ended(id)
    }

    /// The peer of a forgotten connection did something.
    mutating func stirred(_ descriptor: Int32) {
        forgotten.removeAll { $0 == descriptor }
        reset(descriptor)
    }

    private mutating func dialled(_ id: SimulatedModem.ConnectionID) -> Report? {
        guard let peer = peers[id] else { return nil }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(peer.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else {
            close(id)
            // Without an answer the module waits for the end of its SYN retransmissions.
            return code == ECONNREFUSED ? .refused(id) : nil
        }
        peers[id]?.isConnected = true
        return .connected(id, localPort: Self.localPort(peer.descriptor))
    }

    private mutating func flush(_ id: SimulatedModem.ConnectionID) -> Report? {
        guard let peer = peers[id], peer.isConnected else { return nil }
        if !peer.unsent.isEmpty {
            let count = Glibc.send(peer.descriptor, peer.unsent, peer.unsent.count, Int32(MSG_NOSIGNAL))
            if count > 0 { peers[id]?.unsent.removeFirst(count) }
            if count < 0, errno != EAGAIN, errno != EINTR {
                peers[id]?.unsent = []
                return .ended(id)
            }
        }
        guard peers[id]?.unsent.isEmpty == true, peers[id]?.owesTaken == true else { return nil }
        peers[id]?.owesTaken = false
        return .taken(id)
    }

    private func reset(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }

    /// connect(2) to a numeric address; nil if it is none.
    private static func connect(_ descriptor: Int32, _ address: String, _ port: Int) -> Int32? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let first = found?.pointee else { return nil }
        defer { freeaddrinfo(found) }
        return Glibc.connect(descriptor, first.ai_addr, first.ai_addrlen)
    }

    private static func localPort(_ descriptor: Int32) -> Int {
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text = [CChar](repeating: 0, count: 16)
        let result = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0
                    ? getnameinfo(address, length, nil, 0, &text, socklen_t(text.count), NI_NUMERICSERV) : -1
            }
        }
        let digits = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return result == 0 ? Int(String(decoding: digits, as: UTF8.self)) ?? 0 : 0
    }
}
