/// Checks one JSON value byte by byte against RFC 8259, without keeping any of it.
///
/// Strict: UTF-8 without overlong forms and surrogates (RFC 3629), no control characters in
/// strings, no leading zeros, no trailing commas. An escape of half a surrogate pair (`\ud800`)
/// is accepted, as the grammar does (RFC 8259, 8.2). Leading white space is accepted.
struct JSONScanner {
    /// What a byte did.
    enum Verdict {
        /// More bytes are needed.
        case more
        /// The value ends with this byte.
        case complete
        /// The value, a number, ended before this byte.
        case completeBefore
        case fault(JSONFault)
    }

    private enum State {
        case value, valueOrEnd, keyOrEnd, key, colon, commaOrEnd
        case string, escape, hex, utf8
        case literal
        case minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
    }

    private static let literals: [[UInt8]] = [Array("true".utf8), Array("false".utf8), Array("null".utf8)]

    private let maxDepth: Int
    private var state = State.value
    /// Open objects and arrays.
    private var depth = 0
    /// Bit n: level n is an object.
    private var objects: UInt64 = 0
    private var isKey = false
    /// Hex digits or UTF-8 continuation bytes still to come.
    private var left = 0
    /// Range of the next continuation byte.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF
    private var literal = 0
    private var literalIndex = 0

    /// - Parameter maxDepth: 1 to 64 levels of objects and arrays.
    init(maxDepth: Int = 64) {
        precondition((1...64).contains(maxDepth), "the depth of JSON is limited to 1 to 64")
        self.maxDepth = maxDepth
    }

    /// Whether the bytes so far are a whole value, should no more come: a number outside of everything.
    var mayEnd: Bool {
        guard depth == 0 else { return false }
        switch state {
        case .zero, .integer, .fraction, .exponentDigits: return true
        default: return false
        }
    }

    /// Takes the next byte. After `complete` or `fault` the scanner is used up.
    mutating func consume(_ byte: UInt8) -> Verdict {
        switch state {
        case .string: return inString(byte)
        case .escape, .hex, .utf8: return withinCharacter(byte)
        case .literal: return inLiteral(byte)
        case .minus, .zero, .integer, .point, .fraction, .exponent, .exponentSign, .exponentDigits:
            return inNumber(byte)
        case .value, .valueOrEnd, .keyOrEnd, .key, .colon, .commaOrEnd: return betweenTokens(byte)
        }
    }

    // MARK: Structure

    private var isInObject: Bool { depth > 0 && objects & (1 << UInt64(depth - 1)) != 0 }

    private mutating func betweenTokens(_ byte: UInt8) -> Verdict {
        if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { return .more }
        switch state {
        case .valueOrEnd where byte == UInt8(ascii: "]"): return closed()
        case .keyOrEnd where byte == UInt8(ascii: "}"): return closed()
        case .value, .valueOrEnd: return beginValue(byte)
        case .keyOrEnd, .key:
            guard byte == UInt8(ascii: "\"") else { return fault("expected a member's name in double quotes") }
            isKey = true
            state = .string
            return .more
        case .colon:
            guard byte == UInt8(ascii: ":") else { return fault("expected a colon behind a member's name") }
            state = .value
            return .more
        default:
            if byte == UInt8(ascii: ",") {
                state = isInObject ? .key : .value
                return .more
            }
            guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                return fault(isInObject ? "expected a comma or } behind a member" : "expected a comma or ] in an array")
            }
            return closed()
        }
    }

    private mutating func beginValue(_ byte: UInt8) -> Verdict {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth < maxDepth else { return .fault(.tooDeep(limit: maxDepth)) }
            let bit: UInt64 = 1 << UInt64(depth)
            if byte == UInt8(ascii: "{") {
                objects |= bit
                state = .keyOrEnd
            } else {
                objects &= ~bit
                state = .valueOrEnd
            }
            depth += 1
        case UInt8(ascii: "\""):
            isKey = false
            state = .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            literal = byte == UInt8(ascii: "t") ? 0 : byte == UInt8(ascii: "f") ? 1 : 2
            literalIndex = 1
            state = .literal
        case UInt8(ascii: "-"): state = .minus
        case UInt8(ascii: "0"): state = .zero
        case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .integer
        default: return fault("expected a JSON value")
        }
        return .more
    }

    private mutating func closed() -> Verdict {
        depth -= 1
        return valueEnded()
    }

    private mutating func valueEnded() -> Verdict {
        state = .commaOrEnd
        return depth == 0 ? .complete : .more
    }

    private func fault(_ reason: String) -> Verdict { .fault(.invalid(reason)) }

    // MARK: Tokens

    private mutating func inString(_ byte: UInt8) -> Verdict {
        switch byte {
        case UInt8(ascii: "\""):
            guard isKey else { return valueEnded() }
            state = .colon
        case UInt8(ascii: "\\"): state = .escape
        case 0x20...0x7F: break
        case 0..<0x20: return fault("a control character stands in a string; escape it")
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, from: 0xA0)
        case 0xED: expect(2, to: 0x9F)
        case 0xE1...0xEF: expect(2)
        case 0xF0: expect(3, from: 0x90)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, to: 0x8F)
        default: return fault("a string is not UTF-8")
        }
        return .more
    }

    private mutating func expect(_ count: Int, from low: UInt8 = 0x80, to high: UInt8 = 0xBF) {
        left = count
        self.low = low
        self.high = high
        state = .utf8
    }

    private mutating func withinCharacter(_ byte: UInt8) -> Verdict {
        switch state {
        case .utf8:
            guard low...high ~= byte else { return fault("a string is not UTF-8") }
            low = 0x80
            high = 0xBF
            left -= 1
            if left == 0 { state = .string }
        case .hex:
            guard byte.hexValue != nil else { return fault("expected four hexadecimal digits behind \\u") }
            left -= 1
            if left == 0 { state = .string }
        default:
            switch byte {
            case UInt8(ascii: "u"):
                left = 4
                state = .hex
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                state = .string
            default: return fault("a string has an unknown escape")
            }
        }
        return .more
    }

    private mutating func inLiteral(_ byte: UInt8) -> Verdict {
        let word = Self.literals[literal]
        guard byte == word[literalIndex] else { return fault("expected true, false or null") }
        literalIndex += 1
        return literalIndex == word.count ? valueEnded() : .more
    }

    private mutating func inNumber(_ byte: UInt8) -> Verdict {
        let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        switch state {
        case .minus where byte == UInt8(ascii: "0"): state = .zero
        case .minus where isDigit: state = .integer
        case .point where isDigit: state = .fraction
        case .exponent where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"): state = .exponentSign
        case .exponent where isDigit, .exponentSign where isDigit: state = .exponentDigits
        case .minus, .point, .exponent, .exponentSign: return fault("expected a digit in a number")
        case .integer where isDigit, .fraction where isDigit, .exponentDigits where isDigit: break
        case .zero where isDigit: return fault("a number begins with a zero")
        case .zero where byte == UInt8(ascii: "."), .integer where byte == UInt8(ascii: "."): state = .point
        case .zero where byte | 0x20 == UInt8(ascii: "e"), .integer where byte | 0x20 == UInt8(ascii: "e"),
            .fraction where byte | 0x20 == UInt8(ascii: "e"):
            state = .exponent
        default:
            // The number ended before this byte, which belongs to what surrounds it.
            if case .complete = valueEnded() { return .completeBefore }
            return betweenTokens(byte)
        }
        return .more
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
