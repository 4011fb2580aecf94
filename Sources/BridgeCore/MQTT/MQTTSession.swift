import DequeModule

/// A message on its way to the broker.
public struct OutgoingMessage: Equatable, Sendable {
    /// Its row in the outbox.
    public var sequence: Int64
    public var topic: String
    public var payload: [UInt8]
    /// 0 or 1.
    public var qos: QoS

    public init(sequence: Int64, topic: String, payload: [UInt8], qos: QoS) {
        precondition(qos < .exactlyOnce, "Messages go out at quality of service 0 or 1.")
        self.sequence = sequence
        self.topic = topic
        self.payload = payload
        self.qos = qos
    }

    /// Bytes of its PUBLISH on the wire.
    public var wireSize: Int {
        MQTTPacket.Publish.encodedLength(topic: topic, payload: payload.count, qos: qos)
    }

    func packet(identifier: UInt16?, duplicate: Bool) -> MQTTPacket {
        .publish(.init(topic: topic, payload: payload, qos: qos, dup: duplicate, packetIdentifier: identifier))
    }
}

/// A message from the broker.
public struct InboundMessage: Equatable, Sendable {
    public var topic: String
    public var payload: [UInt8]
    public var qos: QoS
    public var duplicate: Bool
    public var retain: Bool
}

/// What outlives a connection: packet identifiers and what is in flight, in the order it was sent (section 4.1).
public struct MQTTSession: Sendable {
    /// A QoS 1 PUBLISH that waits for its PUBACK.
    struct InFlight: Sendable {
        var identifier: UInt16
        var message: OutgoingMessage
    }

    private(set) var inFlight: Deque<InFlight> = []
    private var used: Set<UInt16> = []
    private var last: UInt16

    /// - Parameter lastIdentifier: the first identifier given out is the one behind it.
    public init(lastIdentifier: UInt16 = 0) { last = lastIdentifier }

    /// Messages that wait for their PUBACK.
    public var inFlightCount: Int { inFlight.count }

    /// An identifier that is not in flight [MQTT-2.3.1-2], never 0 [MQTT-2.3.1-1].
    mutating func nextIdentifier() -> UInt16 {
        precondition(used.count < 65_535, "All packet identifiers are in flight; the window is to keep far below.")
        repeat { last = last == .max ? 1 : last + 1 } while used.contains(last)
        return last
    }

    /// Puts a message in flight.
    mutating func add(_ message: OutgoingMessage) -> UInt16 {
        let identifier = nextIdentifier()
        used.insert(identifier)
        inFlight.append(InFlight(identifier: identifier, message: message))
        return identifier
    }

    /// Takes the message with that identifier out of flight; nil when there is none.
    mutating func acknowledge(_ identifier: UInt16) -> OutgoingMessage? {
        guard used.remove(identifier) != nil,
            let index = inFlight.firstIndex(where: { $0.identifier == identifier })
        else { return nil }
        return inFlight.remove(at: index).message
    }
}
