import BridgeCore
import NIOCore

/// What one write to the staging file brings there: some messages, with all that is stored of them.
///
/// A batch has blocks of its own, so that no later write touches what was promised, and a checksum, by which one whose write
/// was cut off is known. All numbers are little-endian.
struct StagedBatch: Equatable, Sendable {
    /// Bytes: what a medium writes as a whole, and what O_DIRECT can have to be aligned to.
    static let blockSize = 4096
    /// Most blocks of a batch.
    static let mostBlocks = 16

    /// Of the outbox that the file belongs to.
    var identity: Int64
    /// Counts the batches of an outbox: of two that claim the same place in the queue, the later one is right.
    var serial: UInt64
    /// Their places in the queue follow one another.
    var messages: [StagedMessage]

    private static let magic: UInt64 = 0x3130_6465_6761_7473
    /// Magic, checksum, length.
    private static let preludeSize = 24

    /// The batch in whole blocks; nil when it is too large.
    func encoded(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        let limit = Self.mostBlocks * Self.blockSize
        guard messages.reduce(Self.preludeSize, { $0 &+ $1.message.payload.count }) < limit else { return nil }
        var bytes = allocator.buffer(capacity: Self.blockSize)
        bytes.writeRepeatingByte(0, count: Self.preludeSize)
        bytes.writeInteger(identity, endianness: .little)
        bytes.writeInteger(serial, endianness: .little)
        bytes.writeInteger(messages.first?.sequence ?? 0, endianness: .little)
        bytes.writeInteger(UInt32(messages.count), endianness: .little)
        for staged in messages { bytes.write(staged.message) }
        guard bytes.readableBytes <= limit else { return nil }
        let checksum = bytes.withUnsafeReadableBytes { whole in
            Fingerprint.of(UnsafeRawBufferPointer(rebasing: whole.dropFirst(Self.preludeSize)))
        }
        let length = UInt64(bytes.readableBytes - Self.preludeSize)
        for (place, number) in [Self.magic, checksum, length].enumerated() {
            bytes.setInteger(number, at: 8 * place, endianness: .little)
        }
        let rest = bytes.readableBytes % Self.blockSize
        if rest > 0 { bytes.writeRepeatingByte(0, count: Self.blockSize - rest) }
        return bytes
    }

    /// The batch at the beginning of `bytes`; nil when there is no whole one.
    init?(at bytes: ByteBuffer) {
        var bytes = bytes
        guard bytes.readInteger(endianness: .little, as: UInt64.self) == Self.magic,
            let checksum = bytes.readInteger(endianness: .little, as: UInt64.self),
            let length = bytes.readInteger(endianness: .little, as: UInt64.self),
            length <= Self.mostBlocks * Self.blockSize,
            var body = bytes.readSlice(length: Int(length)),
            body.withUnsafeReadableBytes({ Fingerprint.of($0) }) == checksum,
            let identity = body.readInteger(endianness: .little, as: Int64.self),
            let serial = body.readInteger(endianness: .little, as: UInt64.self),
            let first = body.readInteger(endianness: .little, as: Int64.self),
            let count = body.readInteger(endianness: .little, as: UInt32.self),
            count == 0 || 1...(.max - Int64(count)) ~= first
        else { return nil }
        var messages: [StagedMessage] = []
        for place in 0..<Int64(count) {
            guard let message = body.readNewMessage() else { return nil }
            messages.append(StagedMessage(sequence: first &+ place, message: message))
        }
        self.init(identity: identity, serial: serial, messages: messages)
    }

    init(identity: Int64, serial: UInt64, messages: [StagedMessage]) {
        self.identity = identity
        self.serial = serial
        self.messages = messages
    }
}

extension ByteBuffer {
    /// What of a ``NewMessage/isPlain`` message is stored.
    fileprivate mutating func write(_ message: NewMessage) {
        writeInteger(message.queuedAt, endianness: .little)
        writeInteger(message.sender.program, endianness: .little)
        writeInteger(message.sender.connection, endianness: .little)
        writeInteger(message.qos)
        writeInteger(message.awaitsReply ? 1 : 0, as: UInt8.self)
        writeOptional(message.expiresAt)
        writeOptional(message.upcomingID)
        writeInteger(message.alinkID == nil ? 0 : 1, as: UInt8.self)
        for text in [message.alinkID ?? "", message.topic] {
            writeInteger(UInt32(text.utf8.count), endianness: .little)
            writeString(text)
        }
        writeInteger(UInt32(message.payload.count), endianness: .little)
        writeBytes(message.payload)
    }

    private mutating func writeOptional(_ number: Int64?) {
        writeInteger(number == nil ? 0 : 1, as: UInt8.self)
        writeInteger(number ?? 0, endianness: .little)
    }

    fileprivate mutating func readNewMessage() -> NewMessage? {
        guard let queuedAt = readInteger(endianness: .little, as: Int64.self),
            let program = readInteger(endianness: .little, as: Int64.self),
            let connection = readInteger(endianness: .little, as: Int64.self),
            let qos = readInteger(as: UInt8.self), let awaitsReply = readInteger(as: UInt8.self),
            let expiresAt = readOptional(), let upcomingID = readOptional(),
            let hasID = readInteger(as: UInt8.self),
            let id = readText(), let topic = readText(),
            let length = readInteger(endianness: .little, as: UInt32.self),
            let payload = Int(exactly: length).flatMap({ readBytes(length: $0) })
        else { return nil }
        var message = NewMessage(
            topic: topic, payload: payload, qos: qos, alinkID: hasID == 1 ? id : nil, expiresAt: expiresAt.number,
            queuedAt: queuedAt)
        message.sender = Sender(program: program, connection: connection)
        message.awaitsReply = awaitsReply == 1
        message.upcomingID = upcomingID.number
        return message
    }

    private mutating func readOptional() -> (number: Int64?, Void)? {
        guard let isThere = readInteger(as: UInt8.self), let number = readInteger(endianness: .little, as: Int64.self)
        else { return nil }
        return (isThere == 1 ? number : nil, ())
    }

    private mutating func readText() -> String? {
        readInteger(endianness: .little, as: UInt32.self).flatMap { Int(exactly: $0) }.flatMap {
            readString(length: $0)
        }
    }
}
