/// Puts stars for the password of CONNECT, the first packet of a connection, in pieces that are cut anywhere.
///
/// Where the password stands follows from the bytes before it, so a piece cannot be masked by itself: a CONNECT that is
/// longer than a burst, or than a piece of packet mode, would show the rest of its password.
public struct ConnectMask: Sendable {
    /// Variable header and protocol name stand within this.
    private static let longestName = 16

    /// What has gone of the packet, until it is known where the password stands.
    private var head: [UInt8] = []
    private var passed = 0
    private var password: Range<Int>?
    private var isOver = false

    public init() {}

    /// The next bytes that the client sends in this connection.
    public mutating func masked(_ bytes: [UInt8]) -> [UInt8] {
        guard !isOver else { return bytes }
        defer { passed += bytes.count }
        if password == nil { search(bytes) }
        guard let password else { return bytes }
        isOver = passed + bytes.count >= password.upperBound
        var result = bytes
        for index in bytes.indices where password.contains(passed + index) { result[index] = UInt8(ascii: "*") }
        return result
    }

    private mutating func search(_ bytes: [UInt8]) {
        head += bytes
        switch SecretMask.password(in: head) {
        case .at(let range):
            password = range
            head = []
        case .none:
            (isOver, head) = (true, [])
        case .undecided:
            let isConnect = head.first.map { $0 >> 4 == 1 } ?? true
            let hasName =
                head.count < Self.longestName
                || SecretMask.contains(Array("MQTT".utf8), in: Array(head.prefix(Self.longestName)))
            if !isConnect || !hasName { (isOver, head) = (true, []) }
        }
    }
}
