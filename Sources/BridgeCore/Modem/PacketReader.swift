/// What the modem's bytes amount to while a link is open in packet mode.
enum PacketToken: Equatable, Sendable {
    /// A line that is not blank. `isGlued`: it stands directly behind a payload, without CR LF between them.
    case line(ATLine, isGlued: Bool)
    /// The prompt `>` of `AT+CIPSEND=<n>`.
    case prompt
    /// Bytes of the peer, a whole `+IPD`.
    case payload([UInt8])
    /// A payload was so short that it took in the beginning of the next text.
    case shortPayload
}

/// Cuts the modem's bytes into lines and the payload of `+IPD,<length>:`, whatever pieces they come in.
///
/// Only the length tells where a payload ends: it may hold any bytes, `\r\nOK\r\n` too, and the next
/// text can follow it directly (MaJerle/ESP8266_AT_Commands_parser#27).
///
/// When bytes of a payload were lost on the line, those of the next text are counted in their place, and a PUBACK
/// could be one for another message. So a payload is given out as a whole, and one whose end looks like the beginning of a text only when the next byte has shown that it is none.
struct PacketReader: Sendable {
    /// A longer `+IPD` is none: a TCP segment, which is what one holds, has 1,460 bytes (ESP-AT: 2,920).
    static let longestPacket = 65_535

    /// Whether a `>` at the start of a line is the prompt.
    var awaitsPrompt = false
    /// Bytes of the present `+IPD` that have not come yet.
    private(set) var missing = 0
    private var payload: [UInt8] = []
    /// ``payload`` is complete, but its end may be the beginning of a text.
    private(set) var holdsPayload = false
    private var line: [UInt8] = []
    /// The last byte was the last one of a payload.
    private var isBehindPayload = false
    private var isGlued = false

    private static let head = Array("+IPD,".utf8)
    /// Without their ends: a payload that ends with such a word has CR LF behind it anyway.
    private static let texts =
        ["+IPD,", "SEND OK", "SEND FAIL", "OK", "ERROR", "Recv ", "busy "].map { Array("\r\n".utf8) + Array($0.utf8) }
        + ["CLOSED", "CONNECT", "WIFI ", "AT+CIPSEND="].map { Array($0.utf8) }

    /// Takes bytes off the front of `input` until a token is complete; nil when more bytes are needed.
    mutating func next(_ input: inout ArraySlice<UInt8>) -> PacketToken? {
        if missing > 0 { return nextPayload(&input) }
        if holdsPayload {
            guard let byte = input.first else { return nil }
            return judge(byte)
        }
        while let byte = input.popFirst() {
            if isBehindPayload { isGlued = byte != UInt8(ascii: "\r") }
            isBehindPayload = false
            switch byte {
            case UInt8(ascii: "\n"):
                if let token = takeLine() { return token }
            case UInt8(ascii: ">") where awaitsPrompt && line.allSatisfy(isBlank):
                line.removeAll(keepingCapacity: true)
                isGlued = false
                return .prompt
            case UInt8(ascii: ":"):
                guard let (start, length) = packet else {
                    append(byte)
                    continue
                }
                if isGlued, start == 0 {
                    _ = takeLine()
                    return .shortPayload
                }
                missing = length
                line.removeSubrange(start...)
                // Text that lost its line ending stands before it.
                return takeLine() ?? next(&input)
            default:
                append(byte)
            }
        }
        return nil
    }

    /// Gives the payload out; when it was held, because no byte came for so long that its end is no text.
    mutating func release() -> [UInt8] {
        defer { (payload, holdsPayload) = ([], false) }
        return payload
    }

    // MARK: Payload

    private mutating func nextPayload(_ input: inout ArraySlice<UInt8>) -> PacketToken? {
        let part = input.prefix(missing)
        input = input.dropFirst(part.count)
        payload += part
        missing -= part.count
        guard missing == 0 else { return nil }
        isBehindPayload = true
        holdsPayload = Self.texts.contains { endsWithBeginning(of: $0) }
        return holdsPayload ? next(&input) : .payload(release())
    }

    private func endsWithBeginning(of text: [UInt8]) -> Bool {
        (1..<text.count).contains { payload.suffix($0).elementsEqual(text.prefix($0)) }
    }

    /// The first byte behind a payload that may have taken in the beginning of a text.
    private mutating func judge(_ byte: UInt8) -> PacketToken {
        let goesOn = Self.texts.contains { text in
            (1..<text.count).contains {
                text[$0] == byte && payload.suffix($0).elementsEqual(text.prefix($0))
            }
        }
        let bytes = release()
        return goesOn ? .shortPayload : .payload(bytes)
    }

    // MARK: Lines

    private mutating func append(_ byte: UInt8) {
        if line.count >= 2 * ATLexer.longestLine { line.removeFirst(ATLexer.longestLine) }
        line.append(byte)
    }

    private mutating func takeLine() -> PacketToken? {
        defer {
            line.removeAll(keepingCapacity: true)
            isGlued = false
        }
        let text = trim(line.suffix(ATLexer.longestLine))
        return text.isEmpty ? nil : .line(ATLine(Array(text)), isGlued: isGlued)
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
