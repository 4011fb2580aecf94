/// A control packet of MQTT 3.1.1, in either direction.
///
/// The decoder is strict: whatever the standard forbids throws an ``MQTTError`` that names the
/// normative statement.
public enum MQTTPacket: Equatable, Sendable {
    case connect(Connect)
    case connectAcknowledgement(ConnectAcknowledgement)
    case publish(Publish)
    case pubAck(PubAck)
    case pubRec(PubRec)
    case pubRel(PubRel)
    case pubComp(PubComp)
    case subscribe(Subscribe)
    case subAck(SubAck)
    case unsubscribe(Unsubscribe)
    case unsubAck(UnsubAck)
    case pingReq
    case pingResp
    case disconnect

    /// The type.
    public var kind: PacketKind {
        switch self {
        case .connect: .connect
        case .connectAcknowledgement: .connectAcknowledgement
        case .publish: .publish
        case .pubAck: .pubAck
        case .pubRec: .pubRec
        case .pubRel: .pubRel
        case .pubComp: .pubComp
        case .subscribe: .subscribe
        case .subAck: .subAck
        case .unsubscribe: .unsubscribe
        case .unsubAck: .unsubAck
        case .pingReq: .pingReq
        case .pingResp: .pingResp
        case .disconnect: .disconnect
        }
    }

    /// The packet as it goes over the line.
    ///
    /// Writes what the values say, right or wrong, and traps only when a string or the packet is
    /// too long to be written at all. For values of unknown origin see ``strictlyEncoded()``.
    public func encoded() -> [UInt8] {
        switch self {
        case .connect(let packet): packet.encoded()
        case .connectAcknowledgement(let packet): packet.encoded()
        case .publish(let packet): packet.encoded()
        case .pubAck(let packet): packet.encoded()
        case .pubRec(let packet): packet.encoded()
        case .pubRel(let packet): packet.encoded()
        case .pubComp(let packet): packet.encoded()
        case .subscribe(let packet): packet.encoded()
        case .subAck(let packet): packet.encoded()
        case .unsubscribe(let packet): packet.encoded()
        case .unsubAck(let packet): packet.encoded()
        case .pingReq: PacketWriter().packet(.pingReq)
        case .pingResp: PacketWriter().packet(.pingResp)
        case .disconnect: PacketWriter().packet(.disconnect)
        }
    }

    /// The packet as it goes over the line, after every rule of the decoder was applied to it.
    public func strictlyEncoded() throws(MQTTError) -> [UInt8] {
        for (name, length) in lengths where length > MQTTTopic.greatestLength {
            throw MQTTError(rule: "section 1.5.3", "The \(name) has \(length) bytes; at most 65,535 are possible")
        }
        if case .publish(let packet) = self, packet.encodedLength > FixedHeader.greatestLength {
            throw MQTTError(rule: "section 2.2.3", "The packet has \(packet.encodedLength) bytes, which is too long")
        }
        let bytes = encoded()
        _ = try MQTTPacket.decode(bytes)
        return bytes
    }

    /// The lengths of everything that stands behind a two-byte length.
    private var lengths: [(String, Int)] {
        switch self {
        case .connect(let packet):
            [
                ("client identifier", packet.clientIdentifier.utf8.count),
                ("will topic", packet.will?.topic.utf8.count ?? 0),
                ("will message", packet.will?.message.count ?? 0),
                ("user name", packet.username?.utf8.count ?? 0),
                ("password", packet.password?.count ?? 0),
            ]
        case .publish(let packet): [("topic name", packet.topic.utf8.count)]
        case .subscribe(let packet): packet.subscriptions.map { ("topic filter", $0.filter.utf8.count) }
        case .unsubscribe(let packet): packet.filters.map { ("topic filter", $0.utf8.count) }
        default: []
        }
    }

    /// The packet at the start of `bytes` and its length; nil while it is not complete.
    ///
    /// An illegal beginning is an error at once, before the rest has come.
    public static func decodeFirst(
        _ bytes: ArraySlice<UInt8>, maximumPacketSize: Int = 268_435_460
    ) throws(MQTTError) -> (packet: MQTTPacket, length: Int)? {
        guard let header = try FixedHeader.read(from: bytes, maximumPacketSize: maximumPacketSize),
            bytes.count >= header.packetLength
        else { return nil }
        var reader = FieldReader(bytes.prefix(header.packetLength))
        return (try MQTTPacket(header, reading: &reader), header.packetLength)
    }

    /// The one packet that `bytes` are; anything missing or following is an error.
    public static func decode(_ bytes: [UInt8]) throws(MQTTError) -> MQTTPacket {
        guard let (packet, length) = try decodeFirst(bytes[...]) else {
            throw MQTTError(rule: "section 2.2.3", "The packet is not complete", at: bytes.count..<bytes.count)
        }
        guard length == bytes.count else {
            throw MQTTError(
                rule: "section 2.2.3", "\(bytes.count - length) bytes follow the packet", at: length..<bytes.count)
        }
        return packet
    }

    /// Reads all of a packet, whose fixed header has been read, from its first byte on.
    init(_ header: FixedHeader, reading reader: inout FieldReader) throws(MQTTError) {
        reader.recordFixedHeader(header)
        switch header.kind {
        case .connect: self = .connect(try Connect(reading: &reader))
        case .connectAcknowledgement: self = .connectAcknowledgement(try ConnectAcknowledgement(reading: &reader))
        case .publish: self = .publish(try Publish(header, reading: &reader))
        case .pubAck: self = .pubAck(try PubAck(reading: &reader))
        case .pubRec: self = .pubRec(try PubRec(reading: &reader))
        case .pubRel: self = .pubRel(try PubRel(reading: &reader))
        case .pubComp: self = .pubComp(try PubComp(reading: &reader))
        case .subscribe: self = .subscribe(try Subscribe(reading: &reader))
        case .subAck: self = .subAck(try SubAck(reading: &reader))
        case .unsubscribe: self = .unsubscribe(try Unsubscribe(reading: &reader))
        case .unsubAck: self = .unsubAck(try UnsubAck(reading: &reader))
        case .pingReq: self = .pingReq
        case .pingResp: self = .pingResp
        case .disconnect: self = .disconnect
        }
        try reader.expectEnd(of: header.kind)
    }
}

extension FieldReader {
    /// Steps over the fixed header, and records its two fields.
    mutating func recordFixedHeader(_ header: FixedHeader) {
        skip(1)
        record(
            "packet type, flags", from: 0, value: "\(header.kind.name), flags \(header.flags.binary(digits: 4))",
            remark: header.kind == .publish ? MQTTPacket.Publish.remark(flags: header.flags) : "")
        skip(header.length - 1)
        record("remaining length", from: 1, value: "\(header.remainingLength)")
    }
}
