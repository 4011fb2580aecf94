import Testing

@testable import BridgeCore

/// Bytes that break a rule, named by the normative statement.
struct MQTTRuleTests {
    struct Breach: CustomTestStringConvertible {
        var rule: String
        var bytes: [UInt8]
        var place: Range<Int>?

        init(_ rule: String, _ bytes: String, _ place: Range<Int>? = nil) {
            self.rule = rule
            self.bytes = mqtt(bytes)
            self.place = place
        }

        var testDescription: String { "[\(rule)] \(HexText.text(bytes))" }
    }

    private static let connect = "00 04 4D 51 54 54 04"

    static let breaches: [Breach] = [
        // Strings
        Breach("MQTT-1.5.3-1", "30 05 00 03 ED A0 80", 4..<7),
        Breach("MQTT-1.5.3-1", "30 05 00 03 ED BF BF"),
        Breach("MQTT-1.5.3-1", "30 03 00 01 FF"),
        Breach("MQTT-1.5.3-1", "30 04 00 02 C0 AF"),
        Breach("MQTT-1.5.3-1", "30 04 00 02 C3 28"),
        Breach("MQTT-1.5.3-1", "30 06 00 04 F4 90 80 80"),
        Breach("MQTT-1.5.3-2", "30 05 00 03 61 00 62", 5..<6),
        Breach("MQTT-1.5.3-2", "82 06 00 01 00 01 00 00"),
        Breach("section 1.5.3", "30 04 00 05 61 62", 2..<6),
        // Fixed header
        Breach("section 2.2.1", "00 00", 0..<1),
        Breach("section 2.2.1", "F0 00"),
        Breach("MQTT-2.2.2-1", "11 0C"),
        Breach("MQTT-2.2.2-1", "21 02 00 00"),
        Breach("MQTT-2.2.2-1", "42 02 00 01"),
        Breach("MQTT-2.2.2-1", "58 02 00 01"),
        Breach("MQTT-2.2.2-1", "74 02 00 01"),
        Breach("MQTT-2.2.2-1", "91 03 00 01 00"),
        Breach("MQTT-2.2.2-1", "B2 02 00 01"),
        Breach("MQTT-2.2.2-1", "C1 00"),
        Breach("MQTT-2.2.2-1", "D8 00"),
        Breach("MQTT-3.6.1-1", "60 02 00 01"),
        Breach("MQTT-3.6.1-1", "63 02 00 01"),
        Breach("MQTT-3.8.1-1", "80 06 00 01 00 01 61 00"),
        Breach("MQTT-3.10.1-1", "A0 05 00 01 00 01 61"),
        Breach("MQTT-3.14.1-1", "E1 00"),
        Breach("section 2.2.3", "30 FF FF FF FF", 1..<5),
        Breach("section 2.2.3", "30 80 80 80 80 00"),
        Breach("section 3.12", "C0 01"),
        Breach("section 3.13", "D0 02"),
        Breach("section 3.14", "E0 01"),
        Breach("section 3.4", "40 03"),
        Breach("section 3.2", "20 01"),
        Breach("section 3.3", "30 01"),
        Breach("section 3.1", "10 0B"),
        // Packet identifiers
        Breach("MQTT-2.3.1-1", "32 05 00 01 61 00 00", 5..<7),
        Breach("MQTT-2.3.1-1", "32 04 00 01 61 00"),
        Breach("MQTT-2.3.1-1", "40 02 00 00", 2..<4),
        Breach("MQTT-2.3.1-1", "82 06 00 00 00 01 61 00"),
        Breach("MQTT-2.3.1-1", "A2 05 00 00 00 01 61"),
        Breach("MQTT-2.3.1-1", "90 03 00 00 00"),
        Breach("MQTT-2.3.1-1", "B0 02 00 00"),
        // CONNECT
        Breach("MQTT-3.1.2-1", "10 0C 00 04 4D 51 54 58 04 02 00 3C 00 00", 2..<8),
        Breach("MQTT-3.1.2-1", "10 0E 00 06 4D 51 49 73 64 70 03 02 00 3C 00 00"),
        Breach("MQTT-3.1.2-2", "10 0C 00 04 4D 51 54 54 05 02 00 3C 00 00", 8..<9),
        Breach("MQTT-3.1.2-3", "10 0C \(connect) 03 00 3C 00 00", 9..<10),
        Breach("MQTT-3.1.2-13", "10 0C \(connect) 0A 00 3C 00 00"),
        Breach("MQTT-3.1.2-13", "10 0C \(connect) 12 00 3C 00 00"),
        Breach("MQTT-3.1.2-15", "10 0C \(connect) 22 00 3C 00 00"),
        Breach("MQTT-3.1.2-14", "10 12 \(connect) 1E 00 3C 00 01 61 00 01 62 00 00"),
        Breach("MQTT-3.1.2-22", "10 0F \(connect) 42 00 3C 00 01 61 00 00"),
        Breach("MQTT-3.1.2-9", "10 0D \(connect) 06 00 3C 00 01 61"),
        Breach("MQTT-3.1.2-9", "10 10 \(connect) 06 00 3C 00 01 61 00 01 62"),
        Breach("MQTT-3.1.2-19", "10 0D \(connect) 82 00 3C 00 01 61"),
        Breach("MQTT-3.1.2-21", "10 10 \(connect) C2 00 3C 00 01 61 00 01 75"),
        Breach("MQTT-3.1.3-7", "10 0C \(connect) 00 00 3C 00 00", 12..<14),
        Breach("MQTT-3.3.2-2", "10 12 \(connect) 06 00 3C 00 01 61 00 01 2B 00 00"),
        Breach("section 3.1", "10 0E \(connect) 02 00 3C 00 00 61 62", 14..<16),
        // CONNACK
        Breach("section 3.2.2.1", "20 02 02 00", 2..<3),
        Breach("section 3.2.2.3", "20 02 00 06", 3..<4),
        Breach("section 3.2.2.3", "20 02 00 FF"),
        Breach("MQTT-3.2.2-4", "20 02 01 05"),
        // PUBLISH
        Breach("MQTT-3.3.1-2", "38 03 00 01 61"),
        Breach("MQTT-3.3.1-4", "36 05 00 01 61 00 01"),
        Breach("MQTT-3.3.1-4", "3E 05 00 01 61 00 01"),
        Breach("MQTT-3.3.2-2", "30 05 00 03 61 2F 23", 6..<7),
        Breach("MQTT-3.3.2-2", "30 03 00 01 2B"),
        Breach("MQTT-4.7.3-1", "30 03 00 00 61"),
        Breach("MQTT-4.7.3-1", "30 02 00 00"),
        // SUBSCRIBE, SUBACK, UNSUBSCRIBE
        Breach("MQTT-3.8.3-3", "82 02 00 01"),
        Breach("MQTT-3.8.3-3", "82 05 00 01 00 01 61"),
        Breach("MQTT-3-8.3-4", "82 06 00 01 00 01 61 03", 7..<8),
        Breach("MQTT-3-8.3-4", "82 06 00 01 00 01 61 81"),
        Breach("MQTT-4.7.1-2", "82 07 00 01 00 02 61 23 00", 7..<8),
        Breach("MQTT-4.7.1-2", "82 07 00 01 00 02 23 2F 00"),
        Breach("MQTT-4.7.1-3", "82 07 00 01 00 02 61 2B 00"),
        Breach("MQTT-4.7.1-3", "82 07 00 01 00 02 2B 61 00"),
        Breach("MQTT-4.7.3-1", "82 05 00 01 00 00 00"),
        Breach("MQTT-3.9.3-2", "90 03 00 01 03", 4..<5),
        Breach("MQTT-3.9.3-2", "90 03 00 01 81"),
        Breach("MQTT-3.8.4-5", "90 02 00 01"),
        Breach("MQTT-3.10.3-2", "A2 02 00 01"),
    ]

    @Test(arguments: breaches)
    func `a breach of the rule is refused`(_ breach: Breach) {
        let error = #expect(throws: MQTTError.self) { _ = try MQTTPacket.decodeFirst(breach.bytes[...]) }
        #expect(error?.rule == breach.rule)
        if let place = breach.place { #expect(error?.range == place) }
        #expect(error?.description.hasSuffix("[\(breach.rule)]") == true)
    }

    @Test func `bytes behind the one packet are refused`() {
        #expect(throws: MQTTError.self) { try MQTTPacket.decode(mqtt("C0 00 C0")) }
        #expect(throws: MQTTError.self) { try MQTTPacket.decode(mqtt("C0")) }
        #expect(throws: MQTTError.self) { try MQTTPacket.decode([]) }
    }

    @Test(arguments: ["#", "+", "/", "a/#", "+/+", "a/+/b/#", "/+", "$SYS/#", "a//b", " ", "a b"])
    func `a topic filter may be`(_ filter: String) {
        #expect(throws: Never.self) { try MQTTTopic.checkFilter(filter) }
    }

    @Test(arguments: [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/#", "sport", true),
        ("sport/#", "sports", false),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("#", "$SYS/monitor", false),
        ("+/monitor", "$SYS/monitor", false),
        ("$SYS/#", "$SYS/monitor", true),
        ("a", "A", false),
        ("a/b", "a", false),
    ])
    func `a filter meets a name`(_ filter: String, _ name: String, _ expected: Bool) {
        #expect(MQTTTopic.matches(filter: filter, name: name) == expected)
    }
}
