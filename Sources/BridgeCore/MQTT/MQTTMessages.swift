/// A message on its way to the server.
public struct OutgoingMessage: Equatable, Sendable {
    /// The outbox row; it comes back in ``MQTTConnection/Effect``.
    public var sequence: Int64
    public var topic: String
    public var payload: [UInt8]
    /// 0 or 1.
    public var qos: QoS
    public var retain: Bool

    public init(sequence: Int64, topic: String, payload: [UInt8], qos: QoS = .atLeastOnce, retain: Bool = false) {
        self.sequence = sequence
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
    }

    /// Bytes on the wire, which is what ``MQTTConnection/canPublish(bytes:)`` asks for.
    public var encodedLength: Int {
        MQTTPacket.Publish.encodedLength(topic: topic, payload: payload.count, qos: qos)
    }

    /// Throws when no server could ever take the message.
    public func check() throws(MQTTError) {
        try MQTTTopic.checkName(topic)
        guard qos != .exactlyOnce else {
            throw MQTTError(rule: "section 4.3.3", "QoS 2 is not spoken here")
        }
        guard encodedLength <= FixedHeader.greatestLength else {
            throw MQTTError(rule: "section 2.2.3", "The message is longer than an MQTT packet can be")
        }
    }

    func packet(dup: Bool = false, packetIdentifier: UInt16?) -> [UInt8] {
        MQTTPacket.Publish(
            topic: topic, payload: payload, qos: qos, retain: retain, dup: dup, packetIdentifier: packetIdentifier
        ).encoded()
    }
}

/// A message from the server.
public struct InboundMessage: Equatable, Sendable {
    public var topic: String
    public var payload: [UInt8]
    public var qos: QoS
    /// It may have been delivered before [MQTT-3.3.1-1].
    public var dup: Bool
    /// It was kept by the server for new subscribers.
    public var retain: Bool
    /// For ``MQTTConnection/acknowledge(packetIdentifier:now:)``; nil at QoS 0.
    public var packetIdentifier: UInt16?

    public init(
        topic: String, payload: [UInt8], qos: QoS = .atMostOnce, dup: Bool = false, retain: Bool = false,
        packetIdentifier: UInt16? = nil
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.dup = dup
        self.retain = retain
        self.packetIdentifier = packetIdentifier
    }
}
