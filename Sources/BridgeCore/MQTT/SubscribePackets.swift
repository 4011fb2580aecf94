/// A topic filter and the greatest QoS wanted for it.
public struct Subscription: Equatable, Sendable {
    public var filter: String
    public var qos: QoS

    public init(filter: String, qos: QoS) {
        self.filter = filter
        self.qos = qos
    }
}

extension MQTTPacket {
    /// SUBSCRIBE: a client wants messages (MQTT 3.1.1, section 3.8).
    public struct Subscribe: Equatable, Sendable {
        public var packetIdentifier: UInt16
        public var subscriptions: [Subscription]

        public init(packetIdentifier: UInt16, subscriptions: [Subscription]) {
            self.packetIdentifier = packetIdentifier
            self.subscriptions = subscriptions
        }
    }

    /// SUBACK: one answer for each filter, in the same order [MQTT-3.9.3-1] (section 3.9).
    public struct SubAck: Equatable, Sendable {
        public var packetIdentifier: UInt16
        /// The QoS that was granted; nil where the subscription was refused (0x80).
        public var granted: [QoS?]

        public init(packetIdentifier: UInt16, granted: [QoS?]) {
            self.packetIdentifier = packetIdentifier
            self.granted = granted
        }
    }

    /// UNSUBSCRIBE: a client wants no more messages (section 3.10).
    public struct Unsubscribe: Equatable, Sendable {
        public var packetIdentifier: UInt16
        public var filters: [String]

        public init(packetIdentifier: UInt16, filters: [String]) {
            self.packetIdentifier = packetIdentifier
            self.filters = filters
        }
    }
}

extension MQTTPacket.Subscribe {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.uint16(packetIdentifier)
        for subscription in subscriptions {
            writer.string(subscription.filter)
            writer.byte(subscription.qos.rawValue)
        }
        return writer.packet(.subscribe)
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        packetIdentifier = try reader.packetIdentifier(remark: "answered by SUBACK")
        subscriptions = []
        repeat {
            let filter = try reader.topicFilter(rule: "MQTT-3.8.3-3")
            let start = reader.offset
            let number = try reader.byte("requested QoS", rule: "MQTT-3.8.3-3")
            guard let qos = QoS(rawValue: number) else {
                throw MQTTError(
                    rule: "MQTT-3-8.3-4", "The requested QoS is \(number)", at: start..<reader.offset)
            }
            reader.record("requested QoS", from: start, value: String(number))
            subscriptions.append(Subscription(filter: filter, qos: qos))
        } while reader.remaining > 0
    }
}

extension MQTTPacket.SubAck {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.uint16(packetIdentifier)
        for qos in granted { writer.byte(qos?.rawValue ?? 0x80) }
        return writer.packet(.subAck)
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        packetIdentifier = try reader.packetIdentifier(rule: "MQTT-2.3.1-7")
        granted = []
        repeat {
            let start = reader.offset
            let code = try reader.byte("return code", rule: "MQTT-3.8.4-5")
            let qos = QoS(rawValue: code)
            guard qos != nil || code == 0x80 else {
                throw MQTTError(
                    rule: "MQTT-3.9.3-2", "The SUBACK return code 0x\(code.hex) is reserved", at: start..<reader.offset)
            }
            reader.record(
                "return code", from: start, value: "0x\(code.hex)",
                remark: qos.map { "granted QoS \($0.rawValue)" } ?? "refused")
            granted.append(qos)
        } while reader.remaining > 0
    }
}

extension MQTTPacket.Unsubscribe {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.uint16(packetIdentifier)
        for filter in filters { writer.string(filter) }
        return writer.packet(.unsubscribe)
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        packetIdentifier = try reader.packetIdentifier(remark: "answered by UNSUBACK")
        filters = []
        repeat {
            filters.append(try reader.topicFilter(rule: "MQTT-3.10.3-2"))
        } while reader.remaining > 0
    }
}

extension FieldReader {
    /// A topic filter (section 4.7).
    fileprivate mutating func topicFilter(rule: String) throws(MQTTError) -> String {
        let start = offset
        let filter = try string("topic filter", rule: rule)
        do { try MQTTTopic.checkFilter(filter) } catch { throw error.shifted(by: start + 2) }
        record("topic filter", from: start, value: filter.quoted)
        return filter
    }
}
