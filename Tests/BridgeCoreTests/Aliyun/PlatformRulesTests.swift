import BridgeCore
import Testing

@Suite("What the platform refuses")
struct PlatformRulesTests {
    @Test("product key", arguments: [("", false), ("a", true), ("a1B2c3D4e5F", true), (.letters(20), true)])
    func productKey(key: String, isGood: Bool) {
        #expect((PlatformRules.mistake(inProductKey: key) == nil) == isGood)
    }

    @Test("product key, wrong", arguments: [.letters(21), "a-b", "a b", "a.b", "é", "a\0", "ａ"])
    func wrongProductKey(key: String) { #expect(PlatformRules.mistake(inProductKey: key) != nil) }

    @Test("device name", arguments: ["abcd", "gateway-1", "a_b@c.d:e", .letters(32)])
    func deviceName(name: String) { #expect(PlatformRules.mistake(inDeviceName: name) == nil) }

    @Test(
        "device name, wrong",
        arguments: ["", "abc", .letters(33), "gate way", "gate/way", "gate&way", "gäteway", "a+bc"])
    func wrongDeviceName(name: String) { #expect(PlatformRules.mistake(inDeviceName: name) != nil) }

    @Test("secret", arguments: [("", false), ("s", true), (.letters(64), true), (.letters(65), false), ("a b", false)])
    func secret(value: String, isGood: Bool) {
        let mistake = PlatformRules.mistake(inSecret: Secret(value))
        #expect((mistake == nil) == isGood)
    }

    @Test("client id", arguments: [("1", true), (.letters(64), true), (.letters(65), false), ("", false)])
    func clientID(id: String, isGood: Bool) { #expect((PlatformRules.mistake(inClientID: id) == nil) == isGood) }

    @Test("client id, wrong: the | ends it", arguments: ["a|b", "|", "a b", "a\n", "é"])
    func wrongClientID(id: String) { #expect(PlatformRules.mistake(inClientID: id) != nil) }

    @Test("any region is taken, known or not", arguments: ["cn-shanghai", "ap-southeast-1", "xx-nowhere-9"])
    func region(region: String) { #expect(PlatformRules.mistake(inRegion: region) == nil) }

    @Test("region, wrong", arguments: ["", "CN-shanghai", "cn_shanghai", "cn.shanghai", "cn shanghai"])
    func wrongRegion(region: String) { #expect(PlatformRules.mistake(inRegion: region) != nil) }

    @Test("host", arguments: ["iot-06z00abc.mqtt.iothub.aliyuncs.com", "192.168.1.10", "broker_1", .letters(128)])
    func host(host: String) { #expect(PlatformRules.mistake(inHost: host) == nil) }

    @Test(
        "host, wrong",
        arguments: ["", .letters(129), "host:1883", "mqtt://host", "host/path", "ho st", "höst", "a\",1883\r\nAT+RST"])
    func wrongHost(host: String) { #expect(PlatformRules.mistake(inHost: host) != nil) }

    @Test(
        "timestamp", arguments: [("789", true), ("2524608000000", true), ("", false), ("12.5", false), ("-1", false)])
    func timestamp(text: String, isGood: Bool) {
        #expect((PlatformRules.mistake(inTimestamp: text) == nil) == isGood)
    }

    @Test("the host of a region")
    func regionHost() {
        #expect(
            PlatformRules.host(productKey: "a1B2c3D4e5F", region: "eu-central-1")
                == "a1B2c3D4e5F.iot-as-mqtt.eu-central-1.aliyuncs.com")
    }
}

extension String {
    fileprivate static func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
}
