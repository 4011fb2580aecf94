/// The rules for topic names and topic filters (MQTT 3.1.1, section 4.7).
public enum MQTTTopic {
    /// The greatest length of a string on the wire, in bytes of UTF-8 (section 1.5.3).
    public static let greatestLength = 65_535

    /// Throws unless `name` may stand in a PUBLISH.
    public static func checkName(_ name: String) throws(MQTTError) {
        try checkText(name, what: "topic name")
        if let offset = name.utf8.offset(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }) {
            throw MQTTError(rule: "MQTT-3.3.2-2", "The topic name contains a wildcard", at: offset..<offset + 1)
        }
    }

    /// Throws unless `filter` may stand in a SUBSCRIBE.
    public static func checkFilter(_ filter: String) throws(MQTTError) {
        try checkText(filter, what: "topic filter")
        let bytes = Array(filter.utf8)
        for (offset, byte) in bytes.enumerated() {
            let beginsLevel = offset == 0 || bytes[offset - 1] == UInt8(ascii: "/")
            let isLast = offset == bytes.count - 1
            if byte == UInt8(ascii: "#"), !beginsLevel || !isLast {
                throw MQTTError(
                    rule: "MQTT-4.7.1-2", "The wildcard # is not a whole level at the end of the topic filter",
                    at: offset..<offset + 1)
            }
            if byte == UInt8(ascii: "+"), !beginsLevel || !(isLast || bytes[offset + 1] == UInt8(ascii: "/")) {
                throw MQTTError(
                    rule: "MQTT-4.7.1-3", "The wildcard + is not a whole level of the topic filter",
                    at: offset..<offset + 1)
            }
        }
    }

    /// Whether a message of that topic belongs to a subscription of that (valid) filter.
    ///
    /// A name that begins with `$` is not met by a filter that begins with a wildcard [MQTT-4.7.2-1];
    /// `a/#` includes `a` itself (section 4.7.1.2).
    public static func matches(filter: String, name: String) -> Bool {
        if name.utf8.first == UInt8(ascii: "$"), let first = filter.utf8.first,
            first == UInt8(ascii: "#") || first == UInt8(ascii: "+")
        {
            return false
        }
        let levels = filter.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            if level.elementsEqual("#".utf8) { return true }
            guard index < parts.count else { return false }
            guard level.elementsEqual("+".utf8) || level.elementsEqual(parts[index]) else { return false }
        }
        return levels.count == parts.count
    }

    private static func checkText(_ text: String, what: String) throws(MQTTError) {
        let count = text.utf8.count
        guard count > 0 else { throw MQTTError(rule: "MQTT-4.7.3-1", "The \(what) is empty") }
        guard count <= greatestLength else {
            throw MQTTError(rule: "MQTT-4.7.3-3", "The \(what) is longer than 65,535 bytes", at: 0..<count)
        }
        if let offset = text.utf8.offset(where: { $0 == 0 }) {
            throw MQTTError(rule: "MQTT-4.7.3-2", "The \(what) contains U+0000", at: offset..<offset + 1)
        }
    }
}

extension Collection {
    /// How far from the start the first element stands that fits.
    func offset(where fits: (Element) -> Bool) -> Int? {
        firstIndex(where: fits).map { distance(from: startIndex, to: $0) }
    }
}
