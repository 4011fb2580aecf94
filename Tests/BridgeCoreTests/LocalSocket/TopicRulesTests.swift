import BridgeCore
import Testing

@Suite struct TopicRulesTests {
    private static let aliyun = TopicRules.aliyun(productKey: "a1B2", deviceName: "gw-1")
    private static let broker = TopicRules.broker(clientID: "gw-1")

    private static func isGood(_ topic: String, _ rules: TopicRules) -> Bool {
        do {
            try rules.check(topic: topic)
            return true
        } catch {
            #expect(error.error == .invalidTopic)
            return false
        }
    }

    @Test(
        "Only the device's own topics on Aliyun",
        arguments: [
            ("/sys/a1B2/gw-1/thing/event/property/history/post", true),
            ("/sys/a1B2/gw-1/", true),
            ("/sys/a1B2/gw-1", false),
            ("/sys/a1B2/gw-2/thing/x", false),
            ("/sys/other/gw-1/thing/x", false),
            ("/a1B2/gw-1/user/update", true),
            ("/a1B2/gw-1", false),
            ("/a1B2/gw-10/user/update", false),
            ("/a1B2/gw-1/1/2/3/4/5", true),
            ("/a1B2/gw-1/1/2/3/4/5/6", false),
            ("/ext/ntp/a1B2/gw-1/request", true),
            ("/ext/rrpc/123/a1B2/gw-1/user/get", true),
            ("/ext/rrpc/123/sys/a1B2/gw-1/thing/service/x", true),
            ("/ext/ntp/a1B2/other/request", false),
            ("/ext/a1B2/x/gw-1", false),
            ("/ota/device/inform/a1B2/gw-1", true),
            ("/shadow/update/a1B2/gw-1", true),
            ("/shadow/update/a1B2/gw-2", false),
            ("/broadcast/a1B2/x", false),
            ("a1B2/gw-1/user/update", false),
            ("user/update", false),
        ])
    func ownTopics(_ example: (topic: String, isGood: Bool)) {
        #expect(Self.isGood(example.topic, Self.aliyun) == example.isGood)
    }

    @Test(
        "A plain broker takes any topic that MQTT permits",
        arguments: [
            ("a", true), ("/", true), ("a//b", true), ("$SYS/x", true), ("höhe/é", true), ("", false), ("a/+/b", false),
            ("a/#", false), ("a\u{0}b", false), ("a\u{1F}", false), ("a\u{7F}", false), ("a\u{85}", false),
            ("a\u{FFFF}", false),
        ])
    func anyTopic(_ example: (topic: String, isGood: Bool)) {
        #expect(Self.isGood(example.topic, Self.broker) == example.isGood)
    }

    @Test("Lengths are counted in bytes")
    func lengths() {
        let prefix = "/a1B2/gw-1/"
        #expect(Self.isGood(prefix + String(repeating: "é", count: 58), Self.aliyun))
        #expect(!Self.isGood(prefix + String(repeating: "é", count: 59), Self.aliyun))
        #expect(Self.isGood(String(repeating: "a", count: 65_535), Self.broker))
        #expect(!Self.isGood(String(repeating: "a", count: 65_536), Self.broker))
        #expect(Self.isGood(String(repeating: "/", count: 200), Self.broker))
        #expect(!Self.isGood(String(repeating: "/", count: 201), Self.broker))
    }

    @Test("Alink topics of a plain broker stand under its client id")
    func brokerPrefix() throws {
        #expect(
            try Self.broker.topic(ofMethod: "thing.event.property.post") == "/sys/broker/gw-1/thing/event/property/post"
        )
    }
}
