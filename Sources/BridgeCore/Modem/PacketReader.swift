/// What the modem's bytes amount to while a link is open in packet mode.
enum PacketToken: Equatable, Sendable {
    /// A line that is not blank. `isGlued`: it stands directly behind a payload, without CR LF between them.
    case line(ATLine, isGlued: Bool)
    /// The prompt `>` of `AT+CIPSEND=<n>`.
    case prompt
    /// Bytes of the peer, as many as are there; the rest of their `+IPD` follows.
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
/// could be one for another message. All texts that come often have CR LF in front. So the end of a payload that
/// looks like the beginning of one is held until the next byte shows whether it is.
struct PacketReader: Sendable {
    /// A longer `+IPD` is none: a TCP segment, which is what one holds, has 1,460 bytes (ESP-AT: 2,920).
    static let longestPacket = 65_535

    /// Whether a `>` at the start of a line is the prompt.
    var awaitsPrompt = false
    /// Bytes of the present `+IPD` that have not come yet.
    private(set) var missing = 0
    /// The end of the last payload, which may be the beginning of a text.
    private(set) var held: [UInt8] = []
    private var line: [UInt8] = []
    /// The last byte was the last one of a payload.
    private var isBehindPayload = false
    private var isGlued = false

    private static let head = Array("+IPD,".utf8)
    /// Without their ends: a payload that ends with such a word has CR LF behind it anyway.
    private static let texts = ["+IPD,", "SEND OK", "SEND FAIL", "OK", "ERROR", "Recv ", "busy "]
        .map { Array("\r\n".utf8) + Array($0.utf8) }
    private static let longestText = texts.map(\.count).max() ?? 0

    /// Takes bytes off the front of `input` until a token is complete; nil when more bytes are needed.
    mutating func next(_ input: inout ArraySlice<UInt8>) -> PacketToken? {
        if missing > 0 { return nextPayload(&input) }
        if !held.isEmpty, let byte = input.first { return judge(byte) }
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

    /// No byte came for so long that what is held is no text.
    mutating func release() -> [UInt8] {
        defer { held = [] }
        return held
    }

    // MARK: Payload

    private mutating func nextPayload(_ input: inout ArraySlice<UInt8>) -> PacketToken? {
        let part = input.prefix(missing)
        guard !part.isEmpty else { return nil }
        input = input.dropFirst(part.count)
        missing -= part.count
        // Of the last bytes as much is held as could be a text; that they come in pieces does not matter.
        var bytes = held + part
        held = []
        let count = beginning(of: bytes)
        held = Array(bytes.suffix(count))
        bytes.removeLast(count)
        if missing == 0 { isBehindPayload = true }
        return bytes.isEmpty ? next(&input) : .payload(bytes)
    }

    /// How many of the last bytes are the beginning of a text, and not all of it.
    private func beginning(of bytes: [UInt8]) -> Int {
        let most = min(bytes.count, Self.longestText - 1)
        return stride(from: most, to: 0, by: -1).first { count in
            Self.texts.contains { $0.count > count && $0.starts(with: bytes.suffix(count)) }
        } ?? 0
    }

    /// The first byte behind a payload whose end is held.
    private mutating func judge(_ byte: UInt8) -> PacketToken {
        let bytes = release()
        let goesOn = Self.texts.contains { $0.count > bytes.count && $0.starts(with: bytes) && $0[bytes.count] == byte }
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
