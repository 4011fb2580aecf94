extension JSONValue {
    /// Reads one JSON value (RFC 8259), at most 64 levels deep, white space around it permitted.
    ///
    /// Numbers keep their text and objects the order of their members, repeated names included.
    /// Half a surrogate pair becomes U+FFFD.
    public init(parsing bytes: some Sequence<UInt8>) throws(JSONFault) {
        let text = Array(bytes)
        try JSONText.check(text)
        var cursor = JSONCursor(text[...])
        guard let value = Self.read(&cursor, levels: 64) else { throw .invalid("expected a JSON value") }
        self = value
    }

    private static func read(_ cursor: inout JSONCursor, levels: Int) -> JSONValue? {
        guard let first = cursor.peek() else { return nil }
        switch first {
        case UInt8(ascii: "\""):
            guard let literal = cursor.stringLiteral(), let string = JSONText.string(literal) else { return nil }
            return .string(string.text)
        case UInt8(ascii: "{"):
            return levels > 0 ? object(&cursor, levels: levels - 1) : nil
        case UInt8(ascii: "["):
            return levels > 0 ? array(&cursor, levels: levels - 1) : nil
        default:
            guard let word = cursor.word() else { return nil }
            switch String(decoding: word, as: UTF8.self) {
            case "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            case let number: return .number(number)
            }
        }
    }

    private static func object(_ cursor: inout JSONCursor, levels: Int) -> JSONValue? {
        guard cursor.take(UInt8(ascii: "{")) else { return nil }
        var members: [Member] = []
        while !cursor.take(UInt8(ascii: "}")) {
            if !members.isEmpty, !cursor.take(UInt8(ascii: ",")) { return nil }
            guard let literal = cursor.stringLiteral(), let name = JSONText.string(literal),
                cursor.take(UInt8(ascii: ":")), let value = read(&cursor, levels: levels)
            else { return nil }
            members.append(Member(name.text, value))
        }
        return .object(members)
    }

    private static func array(_ cursor: inout JSONCursor, levels: Int) -> JSONValue? {
        guard cursor.take(UInt8(ascii: "[")) else { return nil }
        var elements: [JSONValue] = []
        while !cursor.take(UInt8(ascii: "]")) {
            if !elements.isEmpty, !cursor.take(UInt8(ascii: ",")) { return nil }
            guard let value = read(&cursor, levels: levels) else { return nil }
            elements.append(value)
        }
        return .array(elements)
    }
}
