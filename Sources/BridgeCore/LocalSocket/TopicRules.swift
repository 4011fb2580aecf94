/// Which topics local programs may publish to, and how Alink topics are made.
///
/// The Aliyun IoT Platform takes at most 128 bytes of topic and 256 KiB of payload, and only the
/// device's own topics; at most 7 slashes are permitted in custom topics (its system topics have
/// more). Another broker is bound by MQTT 3.1.1 alone, but for 200 levels, where mosquitto closes
/// the connection.
public struct TopicRules: Equatable, Sendable {
    /// What Alink topics begin with: `/sys/${productKey}/${deviceName}/`.
    public let alinkPrefix: String
    /// Most bytes of a topic.
    public let maxTopic: Int
    /// Most bytes of a payload.
    public let maxPayload: Int
    /// Product key and device name on the Aliyun platform.
    private let device: [Substring]?

    public static func aliyun(productKey: String, deviceName: String) -> TopicRules {
        TopicRules(
            alinkPrefix: "/sys/\(productKey)/\(deviceName)/", maxTopic: 128, maxPayload: 262_144,
            device: [productKey[...], deviceName[...]])
    }

    /// Rules for a plain broker; the Alink prefix is `/sys/broker/${clientID}/`.
    ///
    /// The remaining length of a packet is at most 268,435,455 (MQTT 3.1.1, 2.2.3); the longest
    /// topic and the packet identifier have to fit beside the payload.
    public static func broker(clientID: String) -> TopicRules {
        TopicRules(
            alinkPrefix: "/sys/broker/\(clientID)/", maxTopic: 65_535, maxPayload: 268_435_455 - 65_535 - 4,
            device: nil)
    }

    private init(alinkPrefix: String, maxTopic: Int, maxPayload: Int, device: [Substring]?) {
        self.alinkPrefix = alinkPrefix
        self.maxTopic = maxTopic
        self.maxPayload = maxPayload
        self.device = device
    }

    /// The topic of an Alink method: its dots become slashes behind the prefix.
    public func topic(ofMethod method: String) throws(LocalRefusal) -> String {
        var path = Array(alinkPrefix.utf8)
        var isBetweenWords = true
        for byte in method.utf8 {
            let isDot = byte == UInt8(ascii: ".")
            guard isDot ? !isBetweenWords : Self.isMethodCharacter(byte) else { throw Self.noMethod }
            path.append(isDot ? UInt8(ascii: "/") : byte)
            isBetweenWords = isDot
        }
        guard !isBetweenWords else { throw Self.noMethod }
        let topic = String(decoding: path, as: UTF8.self)
        guard topic.utf8.count <= maxTopic else {
            throw LocalRefusal(.invalidTopic, "the topic of this method is longer than \(maxTopic) bytes")
        }
        return topic
    }

    private static let noMethod = LocalRefusal(
        .invalidMethod, "a method is words of letters, digits, _, - and : between dots")

    /// Checks a topic that a program chose.
    public func check(topic: String) throws(LocalRefusal) {
        func refusal(_ detail: String) -> LocalRefusal { LocalRefusal(.invalidTopic, detail) }
        guard !topic.isEmpty else { throw refusal("the topic is empty") }
        guard topic.utf8.count <= maxTopic else { throw refusal("the topic is longer than \(maxTopic) bytes") }
        for scalar in topic.unicodeScalars {
            if scalar == "+" || scalar == "#" { throw refusal("a message cannot be published to a pattern (+ or #)") }
            // [MQTT-1.5.3-2] forbids U+0000; brokers close the connection on the others too (1.5.3).
            if scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value || scalar.properties.isNoncharacterCodePoint {
                throw refusal("the topic has a control character")
            }
        }
        let slashes = topic.utf8.count { $0 == UInt8(ascii: "/") }
        guard slashes <= 200 else { throw refusal("the topic has more than 200 slashes") }
        if let device { try check(topic: topic, slashes: slashes, of: device) }
    }

    private func check(topic: String, slashes: Int, of device: [Substring]) throws(LocalRefusal) {
        let segments = topic.split(separator: "/", omittingEmptySubsequences: false)
        let isOwn =
            switch (segments.first, segments.dropFirst().first) {
            case ("", "sys"): topic.hasPrefix(alinkPrefix) && segments.count > 4
            case ("", "ext"), ("", "ota"), ("", "shadow"): Self.contains(segments, device)
            case ("", device[0]): segments.count > 3 && segments[2] == device[1]
            default: false
            }
        guard isOwn else {
            throw LocalRefusal(.invalidTopic, "the topic is none of this device's: \(alinkPrefix)… or the like")
        }
        guard segments[1] != device[0] || slashes <= 7 else {
            throw LocalRefusal(.invalidTopic, "a custom topic has at most 7 slashes")
        }
    }

    private static func contains(_ segments: [Substring], _ device: [Substring]) -> Bool {
        zip(segments.dropFirst(2), segments.dropFirst(3)).contains { $0 == device[0] && $1 == device[1] }
    }

    private static func isMethodCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
