extension MQTTPacket {
    /// CONNACK: the server's answer to CONNECT (MQTT 3.1.1, section 3.2).
    public struct ConnectAcknowledgement: Equatable, Sendable {
        public var sessionPresent: Bool
        public var returnCode: ConnectReturnCode

        public init(sessionPresent: Bool = false, returnCode: ConnectReturnCode = .accepted) {
            self.sessionPresent = sessionPresent
            self.returnCode = returnCode
        }
    }
}

extension MQTTPacket.ConnectAcknowledgement {
    func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.byte(sessionPresent ? 1 : 0)
        writer.byte(returnCode.rawValue)
        return writer.packet(.connectAcknowledgement)
    }

    init(reading reader: inout FieldReader) throws(MQTTError) {
        let flagsStart = reader.offset
        let flags = try reader.byte("acknowledge flags", rule: "section 3.2.2.1")
        guard flags & 0b1111_1110 == 0 else {
            throw MQTTError(
                rule: "section 3.2.2.1", "Reserved acknowledge flags are set: \(flags.binary(digits: 8))",
                at: flagsStart..<reader.offset)
        }
        sessionPresent = flags == 1
        reader.record(
            "acknowledge flags", from: flagsStart, value: flags.binary(digits: 8),
            remark: flags == 1 ? "session present" : "no session present")
        let codeStart = reader.offset
        let number = try reader.byte("return code", rule: "section 3.2.2.3")
        guard let code = ConnectReturnCode(rawValue: number) else {
            throw MQTTError(
                rule: "section 3.2.2.3", "The return code \(number) is reserved", at: codeStart..<reader.offset)
        }
        guard code == .accepted || !sessionPresent else {
            throw MQTTError(
                rule: "MQTT-3.2.2-4", "Session present is set together with return code \(number)",
                at: flagsStart..<reader.offset)
        }
        returnCode = code
        reader.record("return code", from: codeStart, value: String(number), remark: code.explanation)
    }
}

extension ConnectReturnCode {
    /// The meaning in a few words (table 3.1).
    public var explanation: String {
        switch self {
        case .accepted: "accepted"
        case .unacceptableProtocolVersion: "refused: protocol version"
        case .identifierRejected: "refused: client identifier"
        case .serverUnavailable: "refused: server unavailable"
        case .badUserNameOrPassword: "refused: user name or password"
        case .notAuthorized: "refused: not authorized"
        }
    }
}
