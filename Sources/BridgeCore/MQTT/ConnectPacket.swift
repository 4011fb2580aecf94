extension MQTTPacket {
    /// CONNECT: a client introduces itself (MQTT 3.1.1, section 3.1).
    public struct Connect: Equatable, Sendable {
        public var clientIdentifier: String
        public var cleanSession: Bool
        /// Seconds; 0 turns keep-alive off.
        public var keepAlive: UInt16
        public var will: Will?
        public var username: String?
        public var password: [UInt8]?

        public init(
            clientIdentifier: String, cleanSession: Bool = true, keepAlive: UInt16, will: Will? = nil,
            username: String? = nil, password: [UInt8]? = nil
        ) {
            self.clientIdentifier = clientIdentifier
            self.cleanSession = cleanSession
            self.keepAlive = keepAlive
            self.will = will
            self.username = username
            self.password = password
        }
    }

    /// The message that the server publishes when the client goes without DISCONNECT.
    public struct Will: Equatable, Sendable {
        public var topic: String
        public var message: [UInt8]
        public var qos: QoS
        public var retain: Bool

        public init(topic: String, message: [UInt8], qos: QoS = .atMostOnce, retain: Bool = false) {
            self.topic = topic
            self.message = message
            self.qos = qos
            self.retain = retain
        }
    }
}

/// Printing a packet must not print its password.
extension MQTTPacket.Connect: CustomStringConvertible, CustomReflectable {
    public var description: String {
        let secret = password.map { "••• (\($0.count) bytes)" } ?? "none"
        return "CONNECT \(clientIdentifier), user \(username ?? "none"), password \(secret), "
            + "keep-alive \(keepAlive) s, clean session \(cleanSession)"
    }

    public var customMirror: Mirror { Mirror(self, children: ["summary": description]) }
}

extension MQTTPacket.Connect {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.string("MQTT")
        writer.byte(4)
        writer.byte(flags)
        writer.uint16(keepAlive)
        writer.string(clientIdentifier)
        if let will {
            writer.string(will.topic)
            writer.binary(will.message)
        }
        if let username { writer.string(username) }
        if let password { writer.binary(password) }
        return writer.packet(.connect)
    }

    private var flags: UInt8 {
        var flags: UInt8 = cleanSession ? 0b10 : 0
        if let will {
            flags |= 0b100 | will.qos.rawValue << 3 | (will.retain ? 0b10_0000 : 0)
        }
        if password != nil { flags |= 0b100_0000 }
        if username != nil { flags |= 0b1000_0000 }
        return flags
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        try Self.readProtocol(&reader)
        let flags = try Self.readFlags(&reader)
        cleanSession = flags & 0b10 != 0
        let keepAliveStart = reader.offset
        keepAlive = try reader.uint16("keep-alive", rule: "section 3.1.2.10")
        reader.record(
            "keep-alive", from: keepAliveStart, value: "\(keepAlive) s",
            remark: keepAlive == 0 ? "off" : "silence the server allows: \(Double(keepAlive) * 1.5) s [MQTT-3.1.2-24]")
        let identifierStart = reader.offset
        clientIdentifier = try reader.string("client identifier", rule: "MQTT-3.1.3-3")
        reader.record("client identifier", from: identifierStart, value: clientIdentifier.quoted)
        guard cleanSession || !clientIdentifier.isEmpty else {
            throw MQTTError(
                rule: "MQTT-3.1.3-7", "An empty client identifier needs a clean session",
                at: identifierStart..<reader.offset)
        }
        will = try MQTTPacket.Will(flags: flags, reading: &reader)
        username = nil
        password = nil
        if flags & 0b1000_0000 != 0 {
            let start = reader.offset
            let name = try reader.string("user name", rule: "MQTT-3.1.2-19")
            reader.record("user name", from: start, value: name.quoted)
            username = name
        }
        if flags & 0b100_0000 != 0 {
            password = Array(try reader.binary("password", rule: "MQTT-3.1.2-21", secret: true))
        }
    }

    private static func readProtocol(_ reader: inout FieldReader) throws(MQTTError) {
        let nameStart = reader.offset
        let name = try reader.string("protocol name", rule: "MQTT-3.1.2-1")
        guard name == "MQTT" else {
            throw MQTTError(
                rule: "MQTT-3.1.2-1", "The protocol name is not \"MQTT\"",
                at: nameStart..<reader.offset)
        }
        reader.record("protocol name", from: nameStart, value: name.quoted)
        let levelStart = reader.offset
        let level = try reader.byte("protocol level", rule: "MQTT-3.1.2-2")
        guard level == 4 else {
            throw MQTTError(
                rule: "MQTT-3.1.2-2", "The protocol level is \(level); 4 stands for MQTT 3.1.1",
                at: levelStart..<reader.offset)
        }
        reader.record("protocol level", from: levelStart, value: "4", remark: "MQTT 3.1.1")
    }

    private static func readFlags(_ reader: inout FieldReader) throws(MQTTError) -> UInt8 {
        let start = reader.offset
        let flags = try reader.byte("connect flags", rule: "section 3.1.2.3")
        let broken: (rule: String, sentence: String)? =
            if flags & 0b1 != 0 {
                ("MQTT-3.1.2-3", "The reserved connect flag is set")
            } else if flags & 0b100 == 0, flags & 0b1_1000 != 0 {
                ("MQTT-3.1.2-13", "There is a will QoS without a will")
            } else if flags & 0b100 == 0, flags & 0b10_0000 != 0 {
                ("MQTT-3.1.2-15", "Will retain is set without a will")
            } else if flags & 0b1_1000 == 0b1_1000 {
                ("MQTT-3.1.2-14", "The will QoS is 3")
            } else if flags & 0b1100_0000 == 0b100_0000 {
                ("MQTT-3.1.2-22", "There is a password without a user name")
            } else {
                nil
            }
        if let broken { throw MQTTError(rule: broken.rule, broken.sentence, at: start..<reader.offset) }
        reader.record("connect flags", from: start, value: flags.binary(digits: 8), remark: remark(flags: flags))
        return flags
    }

    private static func remark(flags: UInt8) -> String {
        var words: [String] = []
        if flags & 0b1000_0000 != 0 { words.append("user name") }
        if flags & 0b100_0000 != 0 { words.append("password") }
        if flags & 0b100 != 0 {
            words.append("will at QoS \(flags >> 3 & 0b11)\(flags & 0b10_0000 != 0 ? ", retained" : "")")
        }
        words.append(flags & 0b10 != 0 ? "clean session" : "session kept")
        return words.joined(separator: ", ")
    }
}

extension MQTTPacket.Will {
    /// Nil when the flags announce no will.
    fileprivate init?(flags: UInt8, reading reader: inout FieldReader) throws(MQTTError) {
        guard flags & 0b100 != 0, let qos = QoS(rawValue: flags >> 3 & 0b11) else { return nil }
        topic = try reader.topicName("will topic", rule: "MQTT-3.1.2-9")
        let start = reader.offset
        message = Array(try reader.binary("will message", rule: "MQTT-3.1.2-9"))
        reader.record("will message", from: start, value: message.readable, remark: "\(message.count) bytes")
        self.qos = qos
        retain = flags & 0b10_0000 != 0
    }
}
