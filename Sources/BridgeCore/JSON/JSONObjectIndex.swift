/// Where the members of an object stand in its text, so that values can go out byte for byte.
public struct JSONObjectIndex: Sendable {
    public struct Member: Sendable {
        /// The name, escapes resolved.
        public let name: String
        /// The value's text as it was written; indices of the object's bytes.
        public let value: ArraySlice<UInt8>

        /// The value, if it is a string with an exact UTF-8 form (no half surrogate pairs).
        public var text: String? {
            guard let string = JSONText.string(value), string.isExact else { return nil }
            return string.text
        }
    }

    /// The members of the outermost level, in the order written; names may repeat.
    public let members: [Member]

    /// - Parameter object: valid JSON text of an object (see ``JSONText/check(_:maxDepth:)``);
    ///   nil for other text.
    public init?(_ object: ArraySlice<UInt8>) {
        var cursor = JSONCursor(object)
        guard cursor.take(UInt8(ascii: "{")) else { return nil }
        var members: [Member] = []
        while !cursor.take(UInt8(ascii: "}")) {
            if !members.isEmpty, !cursor.take(UInt8(ascii: ",")) { return nil }
            guard let literal = cursor.stringLiteral(), let name = JSONText.string(literal),
                cursor.take(UInt8(ascii: ":")), let value = cursor.value()
            else { return nil }
            members.append(Member(name: name.text, value: value))
        }
        self.members = members
    }

    /// The first member of that name.
    public subscript(name: String) -> Member? { members.first { $0.name == name } }

    /// How often a name occurs.
    public func count(of name: String) -> Int { members.count { $0.name == name } }
}
