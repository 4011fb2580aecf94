/// Walks over valid JSON text; on text that is not valid it returns nil sooner or later, never traps.
struct JSONCursor {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next byte that is no white space, which stays.
    mutating func peek() -> UInt8? {
        while let byte = rest.first, JSONText.isSpace(byte) { rest.removeFirst() }
        return rest.first
    }

    /// Takes the next byte that is no white space, if it is this one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// Takes a string literal, quotes included.
    mutating func stringLiteral() -> ArraySlice<UInt8>? {
        guard peek() == UInt8(ascii: "\"") else { return nil }
        var index = rest.startIndex + 1
        while index < rest.endIndex {
            switch rest[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return split(at: index + 1)
            default: index += 1
            }
        }
        return nil
    }

    /// Takes a number, `true`, `false` or `null`.
    mutating func word() -> ArraySlice<UInt8>? {
        guard peek() != nil else { return nil }
        let end = rest.firstIndex { byte in
            switch byte {
            case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                false
            default: true
            }
        }
        guard end != rest.startIndex else { return nil }
        return split(at: end ?? rest.endIndex)
    }

    /// Takes one value of any kind.
    mutating func value() -> ArraySlice<UInt8>? {
        guard let first = peek() else { return nil }
        switch first {
        case UInt8(ascii: "\""): return stringLiteral()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return container()
        default: return word()
        }
    }

    private mutating func container() -> ArraySlice<UInt8>? {
        let all = rest
        var depth = 0
        while let byte = peek() {
            if byte == UInt8(ascii: "\"") {
                guard stringLiteral() != nil else { return nil }
                continue
            }
            rest.removeFirst()
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return all[..<rest.startIndex] }
            default: break
            }
        }
        return nil
    }

    private mutating func split(at index: Int) -> ArraySlice<UInt8>? {
        guard index <= rest.endIndex else { return nil }
        defer { rest = rest[index...] }
        return rest[..<index]
    }
}
