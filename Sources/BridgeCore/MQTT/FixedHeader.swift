/// The first two to five bytes of every packet: type, flags, remaining length (MQTT 3.1.1, section 2.2).
struct FixedHeader: Equatable {
    /// The greatest remaining length that four bytes can say (section 2.2.3).
    static let greatestLength = 268_435_455

    var kind: PacketKind
    var flags: UInt8
    /// Bytes that follow the fixed header.
    var remainingLength: Int
    /// Bytes of the fixed header itself, 2 to 5.
    var length: Int

    /// Bytes of the whole packet.
    var packetLength: Int { length + remainingLength }

    /// Reads the header at the start of `bytes`; nil while too few of them have come.
    ///
    /// Whatever can be known to be wrong from the bytes at hand is an error at once. The standard
    /// does not ask for the shortest form of the remaining length, so `81 00` passes for 1; a
    /// fifth byte does not.
    static func read(from bytes: ArraySlice<UInt8>, maximumPacketSize: Int) throws(MQTTError) -> FixedHeader? {
        guard let first = bytes.first else { return nil }
        let kind = try checkedKind(first)
        guard let (remaining, length) = try extent(of: bytes) else { return nil }
        let header = FixedHeader(kind: kind, flags: first & 0x0F, remainingLength: remaining, length: length)
        try header.checkLength(maximumPacketSize: maximumPacketSize)
        return header
    }

    /// The remaining length, and the length of the header itself; nil while bytes are missing.
    static func extent(of bytes: ArraySlice<UInt8>) throws(MQTTError) -> (remaining: Int, header: Int)? {
        var value = 0
        for (index, byte) in bytes.dropFirst().prefix(4).enumerated() {
            value |= Int(byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return (value, 2 + index) }
        }
        guard bytes.count >= 5 else { return nil }
        throw MQTTError(rule: "section 2.2.3", "The remaining length does not end with its fourth byte", at: 1..<5)
    }

    /// The type in the first byte, when type and flags are possible ones.
    static func checkedKind(_ first: UInt8) throws(MQTTError) -> PacketKind {
        guard let kind = PacketKind(rawValue: first >> 4) else {
            throw MQTTError(rule: "section 2.2.1", "Packet type \(first >> 4) is forbidden", at: 0..<1)
        }
        let flags = first & 0x0F
        if let reserved = kind.reservedFlags {
            guard flags == reserved else {
                throw MQTTError(
                    rule: kind.reservedFlagsRule,
                    "The flags of \(kind.name) are \(flags.binary(digits: 4)) instead of \(reserved.binary(digits: 4))",
                    at: 0..<1)
            }
            return kind
        }
        let qos = flags >> 1 & 0b11
        guard qos != 0b11 else {
            throw MQTTError(rule: "MQTT-3.3.1-4", "A PUBLISH has both QoS bits set", at: 0..<1)
        }
        guard qos != 0 || flags & 0b1000 == 0 else {
            throw MQTTError(rule: "MQTT-3.3.1-2", "A PUBLISH of QoS 0 has DUP set", at: 0..<1)
        }
        return kind
    }

    private func checkLength(maximumPacketSize: Int) throws(MQTTError) {
        guard kind.possibleLengths.contains(remainingLength) else {
            throw MQTTError(
                rule: kind.section, "A remaining length of \(remainingLength) is impossible for \(kind.name)",
                at: 1..<length)
        }
        guard packetLength <= maximumPacketSize else {
            throw MQTTError(
                rule: "section 2.2.3",
                "The packet is \(packetLength) bytes long, more than the \(maximumPacketSize) taken here",
                at: 1..<length)
        }
    }

    /// The header as bytes, with the shortest form of the remaining length.
    static func encoded(kind: PacketKind, flags: UInt8, remainingLength: Int) -> [UInt8] {
        precondition(
            (0...greatestLength).contains(remainingLength), "An MQTT packet carries at most 268,435,455 bytes")
        var bytes = [kind.rawValue << 4 | flags]
        var rest = remainingLength
        repeat {
            let low = UInt8(rest & 0x7F)
            rest >>= 7
            bytes.append(rest > 0 ? low | 0x80 : low)
        } while rest > 0
        return bytes
    }

    /// Bytes that the header needs for that remaining length.
    static func length(forRemaining remaining: Int) -> Int {
        switch remaining {
        case ..<128: 2
        case ..<16_384: 3
        case ..<2_097_152: 4
        default: 5
        }
    }
}

extension UInt8 {
    /// The lowest bits as `0` and `1`.
    func binary(digits: Int) -> String {
        let text = String(self, radix: 2)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }

    /// Two upper-case hexadecimal digits.
    var hex: String {
        let text = String(self, radix: 16, uppercase: true)
        return text.count < 2 ? "0" + text : text
    }
}
