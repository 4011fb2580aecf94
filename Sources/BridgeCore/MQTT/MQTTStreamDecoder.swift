/// Cuts a byte stream, whose chunks mean nothing, into packets.
///
/// - A header that cannot be right is refused as soon as its bytes are there, so that garbage does
///   not make the decoder wait for a body that never comes.
/// - What waits is never more than `maximumPacketSize` and the last chunk, provided that ``next()`` is
///   called until it answers nil after every ``append(_:)``.
/// - Consumed bytes are dropped only when they are at least half of the buffer: each byte is moved
///   once on average.
/// - After an error the stream has no packet boundaries any more: every further call throws the same.
public struct MQTTStreamDecoder: Sendable {
    /// The longest packet that is accepted, fixed header included, in bytes.
    public let maximumPacketSize: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var failure: MQTTError?

    public init(maximumPacketSize: Int) {
        self.maximumPacketSize = maximumPacketSize
    }

    /// Bytes that have come and do not yet make up a packet.
    public var waitingBytes: Int { buffer.count - start }

    /// Takes the next bytes of the stream.
    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard failure == nil else { return }
        buffer += bytes
    }

    /// The next packet; nil when more bytes are needed.
    public mutating func next() throws(MQTTError) -> MQTTPacket? {
        if let failure { throw failure }
        do {
            guard
                let (packet, length) = try MQTTPacket.decodeFirst(
                    buffer[start...], maximumPacketSize: maximumPacketSize)
            else { return nil }
            consume(length)
            return packet
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    private mutating func consume(_ count: Int) {
        start += count
        if start == buffer.count {
            // An unusually long packet does not hold its memory for ever.
            buffer.removeAll(keepingCapacity: buffer.capacity <= 16_384)
            start = 0
        } else if start >= buffer.count - start {
            buffer.removeSubrange(..<start)
            start = 0
        }
    }
}
