extension MQTTPacket {
    /// Checks the first byte of a packet: a known type with the flags it must have.
    static func checkFirstByte(_ byte: UInt8) throws(MQTTError) -> Kind {
        guard let kind = Kind(rawValue: byte >> 4) else {
            throw MQTTError(nil, "packet type \(byte >> 4) is reserved (table 2.1)")
        }
        if let flags = kind.flags {
            guard byte & 0x0F == flags else {
                throw MQTTError("MQTT-2.2.2-2", "\(kind.name) with flags \(byte & 0x0F), not \(flags)")
            }
        } else {
            guard byte & 0x06 != 0x06 else { throw MQTTError("MQTT-3.3.1-4", "PUBLISH with quality of service 3") }
            guard byte & 0x0E != 0x08 else {
                throw MQTTError("MQTT-3.3.1-2", "PUBLISH with DUP at quality of service 0")
            }
        }
        return kind
    }

    /// Decodes one packet from its first byte and what stands behind its remaining length.
    init(firstByte: UInt8, body: ArraySlice<UInt8>) throws(MQTTError) {
        let kind = try Self.checkFirstByte(firstByte)
        var reader = Reader(kind: kind, rest: body)
        switch kind {
        case .connect: self = .connect(try reader.connect())
        case .connack: self = try reader.connectAcknowledgement()
        case .publish:
            self = .publish(try reader.publish(firstByte: firstByte))
            return
        case .puback: self = .publishAcknowledgement(try reader.identifier())
        case .pubrec: self = .publishReceived(try reader.identifier())
        case .pubrel: self = .publishRelease(try reader.identifier())
        case .pubcomp: self = .publishComplete(try reader.identifier())
        case .subscribe: self = try reader.subscribe()
        case .suback: self = try reader.subscribeAcknowledgement()
        case .unsubscribe: self = try reader.unsubscribe()
        case .unsuback: self = .unsubscribeAcknowledgement(try reader.identifier())
        case .pingreq: self = .pingRequest
        case .pingresp: self = .pingResponse
        case .disconnect: self = .disconnect
        }
        guard reader.rest.isEmpty else {
            throw MQTTError(nil, "\(reader.rest.count) bytes too many at the end of \(kind.name)")
        }
    }

    /// Takes fields off the front of a packet's body.
    private struct Reader {
        let kind: Kind
        var rest: ArraySlice<UInt8>

        mutating func byte() throws(MQTTError) -> UInt8 {
            guard let byte = rest.popFirst() else { throw short }
            return byte
        }

        mutating func number() throws(MQTTError) -> UInt16 {
            let high = try byte()
            return UInt16(high) << 8 | UInt16(try byte())
        }

        mutating func field() throws(MQTTError) -> ArraySlice<UInt8> {
            let count = Int(try number())
            guard rest.count >= count else { throw short }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        mutating func text() throws(MQTTError) -> String { try MQTTText.decode(try field()) }

        mutating func identifier() throws(MQTTError) -> PacketIdentifier {
            let identifier = try number()
            guard identifier != 0 else { throw MQTTError("MQTT-2.3.1-1", "\(kind.name) with packet identifier 0") }
            return identifier
        }

        private var short: MQTTError { MQTTError(nil, "\(kind.name) ends in the middle of a field") }

        mutating func qos(_ byte: UInt8, _ statement: String) throws(MQTTError) -> QoS {
            guard let qos = QoS(rawValue: byte) else {
                throw MQTTError(statement, "\(kind.name) with quality of service \(byte)")
            }
            return qos
        }

        mutating func connect() throws(MQTTError) -> Connect {
            guard try text() == "MQTT" else { throw MQTTError("MQTT-3.1.2-1", "CONNECT with another protocol name") }
            let level = try byte()
            guard level == 4 else { throw MQTTError("MQTT-3.1.2-2", "CONNECT with protocol level \(level), not 4") }
            let flags = try byte()
            guard flags & 1 == 0 else { throw MQTTError("MQTT-3.1.2-3", "CONNECT with its reserved flag set") }
            let hasWill = flags & 0x04 != 0
            guard hasWill || flags & 0x38 == 0 else {
                throw MQTTError("MQTT-3.1.2-11", "CONNECT with will flags but no will")
            }
            let willQoS = try qos(flags >> 3 & 0x03, "MQTT-3.1.2-14")
            guard flags & 0x80 != 0 || flags & 0x40 == 0 else {
                throw MQTTError("MQTT-3.1.2-22", "CONNECT with a password but no user name")
            }
            let keepAlive = try number()
            var connect = Connect(
                clientIdentifier: try text(), cleanSession: flags & 0x02 != 0, keepAlive: keepAlive)
            guard !connect.clientIdentifier.isEmpty || connect.cleanSession else {
                throw MQTTError("MQTT-3.1.3-7", "CONNECT without a client identifier but with session state")
            }
            if hasWill {
                let topic = try text()
                if let mistake = MQTTText.mistake(inTopic: topic) { throw mistake }
                connect.will = Will(
                    topic: topic, payload: Array(try field()), qos: willQoS, retain: flags & 0x20 != 0)
            }
            if flags & 0x80 != 0 { connect.userName = try text() }
            if flags & 0x40 != 0 { connect.password = Array(try field()) }
            return connect
        }

        mutating func connectAcknowledgement() throws(MQTTError) -> MQTTPacket {
            let flags = try byte()
            guard flags <= 1 else { throw MQTTError(nil, "CONNACK with reserved flags set (section 3.2.2.1)") }
            let number = try byte()
            guard let code = ConnectReturnCode(rawValue: number) else {
                throw MQTTError(nil, "CONNACK with reserved return code \(number) (table 3.1)")
            }
            guard flags == 0 || code == .accepted else {
                throw MQTTError("MQTT-3.2.2-4", "CONNACK with return code \(number) and a present session")
            }
            return .connectAcknowledgement(sessionPresent: flags == 1, code)
        }

        mutating func publish(firstByte: UInt8) throws(MQTTError) -> Publish {
            let qos = try qos(firstByte >> 1 & 0x03, "MQTT-3.3.1-4")
            let topic = try text()
            if let mistake = MQTTText.mistake(inTopic: topic) { throw mistake }
            return Publish(
                topic: topic, payload: [], qos: qos, retain: firstByte & 1 != 0, duplicate: firstByte & 8 != 0,
                identifier: qos > .atMostOnce ? try identifier() : nil
            ).with(payload: Array(rest))
        }

        mutating func subscribe() throws(MQTTError) -> MQTTPacket {
            let identifier = try identifier()
            var subscriptions: [Subscription] = []
            while !rest.isEmpty {
                let filter = try text()
                if let mistake = MQTTText.mistake(inFilter: filter) { throw mistake }
                subscriptions.append(Subscription(filter: filter, qos: try qos(try byte(), "MQTT-3.8.3-4")))
            }
            guard !subscriptions.isEmpty else { throw MQTTError("MQTT-3.8.3-3", "SUBSCRIBE without a topic filter") }
            return .subscribe(identifier, subscriptions)
        }

        mutating func subscribeAcknowledgement() throws(MQTTError) -> MQTTPacket {
            let identifier = try identifier()
            var codes: [SubscribeReturnCode] = []
            while !rest.isEmpty {
                let code = try byte()
                codes.append(code == 0x80 ? .failure : .granted(try qos(code, "MQTT-3.9.3-2")))
            }
            guard !codes.isEmpty else { throw MQTTError("MQTT-3.8.4-5", "SUBACK without a return code") }
            return .subscribeAcknowledgement(identifier, codes)
        }

        mutating func unsubscribe() throws(MQTTError) -> MQTTPacket {
            let identifier = try identifier()
            var filters: [String] = []
            while !rest.isEmpty {
                let filter = try text()
                if let mistake = MQTTText.mistake(inFilter: filter) { throw mistake }
                filters.append(filter)
            }
            guard !filters.isEmpty else { throw MQTTError("MQTT-3.10.3-2", "UNSUBSCRIBE without a topic filter") }
            return .unsubscribe(identifier, filters)
        }
    }
}

extension MQTTPacket.Publish {
    fileprivate consuming func with(payload: [UInt8]) -> Self {
        self.payload = payload
        return self
    }
}
