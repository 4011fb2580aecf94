/// Puts the two streams of a connection into IPv4 packets, as a capture on a network would show them.
///
/// The modem speaks TCP itself and does not tell of it, so addresses (RFC 5737), ports, sequence numbers and segments are
/// made up; order and content are what was seen.
public struct SyntheticTCP: Sendable {
    /// Bytes of one segment, as on Ethernet.
    static let segment = 1460
    private static let device: [UInt8] = [192, 0, 2, 1]
    private static let server: [UInt8] = [192, 0, 2, 2]

    private enum Flag {
        static let fin: UInt8 = 0x01
        static let syn: UInt8 = 0x02
        static let push: UInt8 = 0x08
        static let ack: UInt8 = 0x10
    }

    /// MQTT's own port, whatever the real one is, so that a reader knows what it sees.
    private let serverPort: UInt16 = 1883
    private var devicePort: UInt16 = 49_151
    private var isOpen = false
    /// The next sequence numbers: the device's, and the server's.
    private var next: (device: UInt32, server: UInt32) = (0, 0)
    private var identification: UInt16 = 0

    public init() {}

    /// The packets that show what happened. A recording that begins in the middle gets a beginning made up too.
    public mutating func packets(_ event: StreamEvent) -> [[UInt8]] {
        switch event {
        case .opened: close() + open()
        case .closed: close()
        case .sent(let bytes): (isOpen ? [] : open()) + segments(bytes, fromDevice: true)
        case .received(let bytes): (isOpen ? [] : open()) + segments(bytes, fromDevice: false)
        }
    }

    private mutating func open() -> [[UInt8]] {
        isOpen = true
        devicePort = devicePort == .max ? 49_152 : devicePort + 1
        next = (1000, 5000)
        let first = packet(Flag.syn, fromDevice: true)
        next.device += 1
        let second = packet(Flag.syn | Flag.ack, fromDevice: false)
        next.server += 1
        return [first, second, packet(Flag.ack, fromDevice: true)]
    }

    private mutating func close() -> [[UInt8]] {
        guard isOpen else { return [] }
        isOpen = false
        let first = packet(Flag.fin | Flag.ack, fromDevice: true)
        next.device &+= 1
        let second = packet(Flag.fin | Flag.ack, fromDevice: false)
        next.server &+= 1
        return [first, second, packet(Flag.ack, fromDevice: true)]
    }

    private mutating func segments(_ bytes: [UInt8], fromDevice: Bool) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: Self.segment).map { start in
            let part = Array(bytes[start..<min(start + Self.segment, bytes.count)])
            let packet = packet(Flag.push | Flag.ack, part, fromDevice: fromDevice)
            if fromDevice { next.device &+= UInt32(part.count) } else { next.server &+= UInt32(part.count) }
            return packet
        }
    }

    /// An IPv4 header (RFC 791), a TCP header (RFC 9293) and the payload.
    private mutating func packet(_ flags: UInt8, _ payload: [UInt8] = [], fromDevice: Bool) -> [UInt8] {
        identification &+= 1
        let (source, target) = fromDevice ? (Self.device, Self.server) : (Self.server, Self.device)
        let ports = fromDevice ? (devicePort, serverPort) : (serverPort, devicePort)
        let numbers = fromDevice ? (next.device, next.server) : (next.server, next.device)
        let acknowledged = flags & Flag.ack != 0 ? numbers.1 : 0
        var tcp = Self.big(ports.0) + Self.big(ports.1) + Self.big(numbers.0) + Self.big(acknowledged)
        tcp += [5 << 4, flags] + Self.big(UInt16(64_240)) + [0, 0, 0, 0] + payload
        let pseudo = source + target + [0, 6] + Self.big(UInt16(tcp.count))
        tcp.replaceSubrange(16..<18, with: Self.big(Self.checksum(pseudo + tcp)))
        var header = [0x45, 0] + Self.big(UInt16(20 + tcp.count)) + Self.big(identification)
        header += [0x40, 0, 64, 6, 0, 0] + source + target
        header.replaceSubrange(10..<12, with: Self.big(Self.checksum(header)))
        return header + tcp
    }

    /// RFC 1071.
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 + (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(sum)
    }

    private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
