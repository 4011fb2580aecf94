/// What the modem's bytes amount to while a link is open in packet mode.
enum PacketToken: Equatable, Sendable {
    /// A line that is not blank.
    case line(ATLine)
    /// The prompt `>` of `AT+CIPSEND=<n>`.
    case prompt
    /// Bytes of the peer, as many as are there; the rest of their `+IPD` follows.
    case payload([UInt8])
}

/// Cuts the modem's bytes into lines and the payload of `+IPD,<length>:`, whatever pieces they come in.
///
/// Only the length tells where a payload ends: it may hold any bytes, `\r\nOK\r\n` too, and the next
/// text can follow it directly (MaJerle/ESP8266_AT_Commands_parser#27).
struct PacketReader: Sendable {
    /// A longer `+IPD` is none: a TCP segment, which is what one holds, has 1,460 bytes (ESP-AT: 2,920).
    static let longestPacket = 65_535

    /// Whether a `>` at the start of a line is the prompt.
    var awaitsPrompt = false
    /// Bytes of the present `+IPD` that have not come yet.
    private(set) var missing = 0
    private var line: [UInt8] = []

    private static let head = Array("+IPD,".utf8)

    /// Takes bytes off the front of `input` until a token is complete; nil when more bytes are needed.
    mutating func next(_ input: inout ArraySlice<UInt8>) -> PacketToken? {
        if missing > 0 {
            let part = input.prefix(missing)
            input = input.dropFirst(part.count)
            missing -= part.count
            return part.isEmpty ? nil : .payload(Array(part))
        }
        while let byte = input.popFirst() {
            switch byte {
            case UInt8(ascii: "\n"):
                if let text = takeLine() { return .line(text) }
            case UInt8(ascii: ">") where awaitsPrompt && line.allSatisfy(isBlank):
                line.removeAll(keepingCapacity: true)
                return .prompt
            case UInt8(ascii: ":"):
                guard let (start, length) = packet else {
                    append(byte)
                    continue
                }
                missing = length
                line.removeSubrange(start...)
                // Text that lost its line ending stands before it.
                if let text = takeLine() { return .line(text) }
                return next(&input)
            default:
                append(byte)
            }
        }
        return nil
    }

    private mutating func append(_ byte: UInt8) {
        if line.count >= 2 * ATLexer.longestLine { line.removeFirst(ATLexer.longestLine) }
        line.append(byte)
    }

    private mutating func takeLine() -> ATLine? {
        defer { line.removeAll(keepingCapacity: true) }
        let text = trim(line.suffix(ATLexer.longestLine))
        return text.isEmpty ? nil : ATLine(Array(text))
    }

    /// Where the `+IPD,<length>` that the line ends with begins, and its length.
    private var packet: (start: Int, length: Int)? {
        let digits = line.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let start = line.count - digits.count - Self.head.count
        guard start >= 0, line[start...].starts(with: Self.head),
            let length = Int(String(decoding: digits.reversed(), as: UTF8.self)), length <= Self.longestPacket
        else { return nil }
        return (start, length)
    }
}
