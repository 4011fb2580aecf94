/// Replaces what must not be read in a trace by stars.
public enum SecretMask {
    /// A chunk of the dialogue with the modem without the passwords of AT+CWJAP and of CONNECT.
    public static func masked(_ bytes: [UInt8], inDataMode: Bool) -> [UInt8] {
        inDataMode ? maskedConnect(bytes) : maskedCommand(bytes)
    }

    /// All from the second string of AT+CWJAP on, whichever suffix it has: an echo may be torn, and end anywhere.
    ///
    /// - Parameter isWhole: whether the command is known to be sound, so that what follows the password can be shown.
    static func maskedCommand(_ bytes: [UInt8], isWhole: Bool = false) -> [UInt8] {
        guard contains(Array("AT+CWJAP".utf8), in: bytes), let start = firstRange(of: Array("\",\"".utf8), in: bytes)
        else {
            return bytes
        }
        if isWhole, let end = endOfString(bytes, from: start + 3) {
            return bytes[..<(start + 3)] + Array("***".utf8) + bytes[end...]
        }
        let end = bytes.last == UInt8(ascii: "\n") ? "\"\r\n" : "\""
        return bytes[..<(start + 3)] + Array(("***" + end).utf8)
    }

    /// Where the closing quote of a string stands in which `\` escapes.
    private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") { return index }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    public static func contains(_ pattern: [UInt8], in bytes: [UInt8]) -> Bool {
        firstRange(of: pattern, in: bytes) != nil
    }

    /// The same bytes, with stars for each occurrence of one of `secrets`.
    static func masked(_ bytes: [UInt8], hiding secrets: [[UInt8]]) -> [UInt8] {
        var result = bytes
        for secret in secrets where result.count >= secret.count {
            for start in 0...(result.count - secret.count)
            where result[start] == secret[0] && result[start..<(start + secret.count)].elementsEqual(secret) {
                for index in start..<(start + secret.count) { result[index] = UInt8(ascii: "*") }
            }
        }
        return result
    }

    /// The password of an MQTT CONNECT in these bytes.
    enum Password: Equatable {
        case none
        /// More bytes will tell.
        case undecided
        /// It may go on behind the end of the bytes.
        case at(Range<Int>)
    }

    static func maskedConnect(_ bytes: [UInt8]) -> [UInt8] {
        guard case .at(let range) = password(in: bytes) else { return bytes }
        var result = bytes
        for position in range.clamped(to: bytes.indices) { result[position] = 0x2A }
        return result
    }

    /// The last field of CONNECT when the password flag is set [MQTT-3.1.2-21].
    static func password(in bytes: [UInt8]) -> Password {
        guard let name = firstRange(of: [0, 4, 0x4D, 0x51, 0x54, 0x54, 4], in: bytes), bytes.count > name + 7 else {
            return .undecided
        }
        let flags = bytes[name + 7]
        guard flags & 0x40 != 0 else { return .none }
        // Client identifier, will topic and message, user name; the password follows them.
        var fields = 1 + (flags & 0x04 != 0 ? 2 : 0) + (flags & 0x80 != 0 ? 1 : 0)
        var index = name + 10
        while fields > 0, index + 1 < bytes.count {
            index += 2 + Int(bytes[index]) << 8 + Int(bytes[index + 1])
            fields -= 1
        }
        guard fields == 0, index + 1 < bytes.count else { return .undecided }
        let start = index + 2
        return .at(start..<(start + Int(bytes[index]) << 8 + Int(bytes[index + 1])))
    }

    private static func firstRange(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (0...(bytes.count - pattern.count)).first { bytes[$0..<($0 + pattern.count)].elementsEqual(pattern) }
    }
}
