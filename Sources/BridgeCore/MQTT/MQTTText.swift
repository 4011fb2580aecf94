/// The rules for strings, topic names and topic filters.
public enum MQTTText {
    /// The longest string, in bytes (section 1.5.3).
    public static let longest = 65_535

    /// Decodes a UTF-8 string: well-formed [MQTT-1.5.3-1] and without U+0000 [MQTT-1.5.3-2].
    static func decode(_ bytes: ArraySlice<UInt8>) throws(MQTTError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MQTTError("MQTT-1.5.3-1", "a string is not well-formed UTF-8")
        }
        guard !bytes.contains(0) else { throw MQTTError("MQTT-1.5.3-2", "a string contains U+0000") }
        return text
    }

    /// What is wrong with a topic name that is published to; nil when nothing is.
    public static func mistake(inTopic topic: String) -> MQTTError? {
        if topic.isEmpty { return MQTTError("MQTT-4.7.3-1", "a topic name has at least one character") }
        if topic.utf8.contains(0) { return MQTTError("MQTT-4.7.3-2", "a topic name must not contain U+0000") }
        if topic.utf8.count > longest { return MQTTError("MQTT-4.7.3-3", "a topic name has at most 65,535 bytes") }
        if topic.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) {
            return MQTTError("MQTT-3.3.2-2", "a topic name in PUBLISH must not contain wildcards")
        }
        return nil
    }

    /// What is wrong with a topic filter that is subscribed to; nil when nothing is.
    public static func mistake(inFilter filter: String) -> MQTTError? {
        if filter.isEmpty { return MQTTError("MQTT-4.7.3-1", "a topic filter has at least one character") }
        if filter.utf8.contains(0) { return MQTTError("MQTT-4.7.3-2", "a topic filter must not contain U+0000") }
        if filter.utf8.count > longest { return MQTTError("MQTT-4.7.3-3", "a topic filter has at most 65,535 bytes") }
        let levels = filter.split(separator: "/", omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            if level.contains("#"), level != "#" || index != levels.count - 1 {
                return MQTTError("MQTT-4.7.1-2", "# stands alone, as the last level of a topic filter")
            }
            if level.contains("+"), level != "+" {
                return MQTTError("MQTT-4.7.1-3", "+ fills a whole level of a topic filter")
            }
        }
        return nil
    }

    /// Whether a topic filter matches a topic name (section 4.7).
    public static func filter(_ filter: String, matches topic: String) -> Bool {
        // Wildcards at the beginning do not match topics that begin with $ [MQTT-4.7.2-1].
        if topic.hasPrefix("$"), filter.hasPrefix("+") || filter.hasPrefix("#") { return false }
        let wanted = filter.split(separator: "/", omittingEmptySubsequences: false)
        let given = topic.split(separator: "/", omittingEmptySubsequences: false)
        for (index, level) in wanted.enumerated() {
            // # matches the parent level too (section 4.7.1.2).
            if level == "#" { return true }
            guard index < given.count, level == "+" || level == given[index] else { return false }
        }
        return wanted.count == given.count
    }
}
