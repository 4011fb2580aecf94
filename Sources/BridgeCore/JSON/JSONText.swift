/// What can be done with JSON text that has been found valid, without building a tree.
public enum JSONText {
    /// Whether the bytes are one valid JSON value, white space around it permitted.
    public static func check(_ bytes: some Sequence<UInt8>, maxDepth: Int = 64) throws(JSONFault) {
        var scanner = JSONScanner(maxDepth: maxDepth)
        var isComplete = false
        for byte in bytes {
            if isComplete {
                guard isSpace(byte) else { throw .invalid("something follows the JSON value") }
                continue
            }
            switch scanner.consume(byte) {
            case .more: break
            case .complete: isComplete = true
            case .completeBefore:
                isComplete = true
                guard isSpace(byte) else { throw .invalid("something follows the JSON value") }
            case .fault(let fault): throw fault
            }
        }
        guard isComplete || scanner.mayEnd else { throw .invalid("the JSON value is not complete") }
    }

    /// The same text in one line: white space outside of strings is left out, all else stays byte for byte.
    public static func compact(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.underestimatedCount)
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if isSpace(byte) {
                continue
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            }
            result.append(byte)
        }
        return result
    }

    /// The text of a string literal, quotes included in `literal`.
    ///
    /// Half a surrogate pair (`\ud800`) has no UTF-8; it becomes U+FFFD here, and `isExact` is
    /// false. Returns nil when `literal` is no valid string literal.
    public static func string(_ literal: ArraySlice<UInt8>) -> (text: String, isExact: Bool)? {
        guard literal.count >= 2, literal.first == UInt8(ascii: "\""), literal.last == UInt8(ascii: "\"") else {
            return nil
        }
        var input = literal.dropFirst().dropLast()
        if !input.contains(UInt8(ascii: "\\")) {
            return (String(decoding: input, as: UTF8.self), true)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(input.count)
        var isExact = true
        while let byte = input.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let kind = input.popFirst() else { return nil }
            switch kind {
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"):
                guard let unit = codeUnit(&input) else { return nil }
                let scalar = scalar(unit, &input)
                isExact = isExact && scalar != nil
                bytes.append(contentsOf: String(Character(scalar ?? "\u{FFFD}")).utf8)
            default: bytes.append(kind)
            }
        }
        return (String(decoding: bytes, as: UTF8.self), isExact)
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// Four hexadecimal digits.
    private static func codeUnit(_ input: inout ArraySlice<UInt8>) -> UInt16? {
        guard input.count >= 4 else { return nil }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = input.popFirst()?.hexValue else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// The character of a UTF-16 code unit, together with the low half of its pair that follows.
    private static func scalar(_ unit: UInt16, _ input: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard UTF16.isLeadSurrogate(unit) else { return nil }
        var rest = input
        guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
            let second = codeUnit(&rest), UTF16.isTrailSurrogate(second)
        else { return nil }
        input = rest
        return Unicode.Scalar(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(second & 0x3FF)))
    }
}
