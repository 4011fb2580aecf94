extension MQTTPacket {
    /// PUBLISH: a message, in either direction (MQTT 3.1.1, section 3.3).
    public struct Publish: Equatable, Sendable {
        public var topic: String
        public var payload: [UInt8]
        public var qos: QoS
        public var retain: Bool
        /// Set on every repetition [MQTT-3.3.1-1], never at QoS 0 [MQTT-3.3.1-2].
        public var dup: Bool
        /// There is none at QoS 0 [MQTT-2.3.1-5].
        public var packetIdentifier: UInt16?

        public init(
            topic: String, payload: [UInt8], qos: QoS = .atMostOnce, retain: Bool = false, dup: Bool = false,
            packetIdentifier: UInt16? = nil
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.dup = dup
            self.packetIdentifier = packetIdentifier
        }
    }
}

extension MQTTPacket.Publish {
    /// Bytes on the wire for such a message.
    static func encodedLength(topic: String, payload: Int, qos: QoS) -> Int {
        let remaining = 2 + topic.utf8.count + (qos == .atMostOnce ? 0 : 2) + payload
        return FixedHeader.length(forRemaining: remaining) + remaining
    }

    /// Bytes on the wire.
    public var encodedLength: Int { Self.encodedLength(topic: topic, payload: payload.count, qos: qos) }

    func encoded() -> [UInt8] {
        precondition(
            (qos == .atMostOnce) == (packetIdentifier == nil),
            "A PUBLISH has a packet identifier when its QoS is 1 or 2, and only then [MQTT-2.3.1-5]")
        var writer = PacketWriter()
        writer.string(topic)
        if let packetIdentifier { writer.uint16(packetIdentifier) }
        writer.append(payload)
        return writer.packet(.publish, flags: (dup ? 0b1000 : 0) | qos.rawValue << 1 | (retain ? 1 : 0))
    }

    init(_ header: FixedHeader, reading reader: inout FieldReader) throws(MQTTError) {
        guard let qos = QoS(rawValue: header.flags >> 1 & 0b11) else {
            throw MQTTError(rule: "MQTT-3.3.1-4", "A PUBLISH has both QoS bits set", at: 0..<1)
        }
        self.qos = qos
        dup = header.flags & 0b1000 != 0
        retain = header.flags & 0b1 != 0
        topic = try reader.topicName("topic name", rule: "MQTT-3.3.2-1")
        packetIdentifier =
            qos == .atMostOnce ? nil : try reader.packetIdentifier(remark: "answered by \(qos.answer)")
        let start = reader.offset
        payload = Array(reader.rest())
        reader.record("payload", from: start, value: payload.readable, remark: "\(payload.count) bytes")
    }

    /// What the flags of the fixed header say.
    static func remark(flags: UInt8) -> String {
        "\(flags & 0b1000 != 0 ? "sent again (DUP)" : "first sending"), QoS \(flags >> 1 & 0b11)"
            + (flags & 0b1 != 0 ? ", retained" : "")
    }
}

extension QoS {
    /// What the receiver answers [MQTT-3.3.4-1].
    fileprivate var answer: String {
        switch self {
        case .atMostOnce: "nothing"
        case .atLeastOnce: "PUBACK"
        case .exactlyOnce: "PUBREC"
        }
    }
}

extension FieldReader {
    /// A topic name: a string of at least one character [MQTT-4.7.3-1] without wildcards [MQTT-3.3.2-2].
    mutating func topicName(_ name: String, rule: String) throws(MQTTError) -> String {
        let start = offset
        let topic = try string(name, rule: rule)
        do { try MQTTTopic.checkName(topic) } catch { throw error.shifted(by: start + 2) }
        record(name, from: start, value: topic.quoted)
        return topic
    }
}
