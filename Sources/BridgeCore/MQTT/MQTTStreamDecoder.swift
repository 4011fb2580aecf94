/// Cuts a stream of bytes into packets, however the bytes are split.
///
/// What cannot become a packet is refused as early as it can be known: a wrong first byte at once, a
/// packet over ``maximumPacketSize`` as soon as its length is read. Memory is bounded by that size.
public struct MQTTStreamDecoder: Sendable {
    /// Bytes of one packet, fixed header included.
    public let maximumPacketSize: Int
    private var buffer: [UInt8] = []
    /// How much of the buffer has been read.
    private var position = 0

    public init(maximumPacketSize: Int) {
        self.maximumPacketSize = maximumPacketSize
    }

    /// Bytes that were received and are not yet part of a decoded packet.
    public var pending: ArraySlice<UInt8> { buffer[position...] }

    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        // What has been read is dropped once it is the larger part: each byte moves at most once or twice.
        if position > buffer.count / 2 {
            buffer.removeFirst(position)
            position = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole packet, or nil when more bytes are needed. After an error the stream is of no use.
    public mutating func next() throws(MQTTError) -> MQTTPacket? {
        let rest = pending
        guard let first = rest.first else { return nil }
        let kind = try MQTTPacket.checkFirstByte(first)
        guard let (length, size) = try RemainingLength.decode(rest.dropFirst()) else { return nil }
        try check(length, of: kind)
        let total = 1 + size + length
        guard total <= maximumPacketSize else {
            throw MQTTError(nil, "\(kind.name) of \(total) bytes, more than the \(maximumPacketSize) that are taken")
        }
        guard rest.count >= total else { return nil }
        position += total
        return try MQTTPacket(firstByte: first, body: rest.dropFirst(1 + size).prefix(length))
    }

    /// Types of fixed size are known by their length, before the body is there.
    private func check(_ length: Int, of kind: MQTTPacket.Kind) throws(MQTTError) {
        let expected: Int? =
            switch kind {
            case .pingreq, .pingresp, .disconnect: 0
            case .connack, .puback, .pubrec, .pubrel, .pubcomp, .unsuback: 2
            default: nil
            }
        if let expected, length != expected {
            throw MQTTError(nil, "\(kind.name) with remaining length \(length), not \(expected)")
        }
    }
}
