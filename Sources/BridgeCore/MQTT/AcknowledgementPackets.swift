extension MQTTPacket {
    /// PUBACK: a PUBLISH of QoS 1 has arrived (MQTT 3.1.1, section 3.4).
    public struct PubAck: IdentifierPacket {
        static let kind = PacketKind.pubAck
        public var packetIdentifier: UInt16
        public init(packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }
    }

    /// PUBREC: a PUBLISH of QoS 2 has arrived (section 3.5).
    public struct PubRec: IdentifierPacket {
        static let kind = PacketKind.pubRec
        public var packetIdentifier: UInt16
        public init(packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }
    }

    /// PUBREL: the receiver of a QoS 2 message may forget its identifier (section 3.6).
    public struct PubRel: IdentifierPacket {
        static let kind = PacketKind.pubRel
        public var packetIdentifier: UInt16
        public init(packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }
    }

    /// PUBCOMP: a message of QoS 2 is done with (section 3.7).
    public struct PubComp: IdentifierPacket {
        static let kind = PacketKind.pubComp
        public var packetIdentifier: UInt16
        public init(packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }
    }

    /// UNSUBACK: the subscriptions are gone (section 3.11).
    public struct UnsubAck: IdentifierPacket {
        static let kind = PacketKind.unsubAck
        public var packetIdentifier: UInt16
        public init(packetIdentifier: UInt16) { self.packetIdentifier = packetIdentifier }
    }
}

/// A packet that carries nothing but the identifier of the packet it answers [MQTT-2.3.1-6].
protocol IdentifierPacket: Equatable, Sendable {
    static var kind: PacketKind { get }
    var packetIdentifier: UInt16 { get }
    init(packetIdentifier: UInt16)
}

extension IdentifierPacket {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.uint16(packetIdentifier)
        return writer.packet(Self.kind)
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        self.init(packetIdentifier: try reader.packetIdentifier(rule: Self.kind.section))
    }
}
