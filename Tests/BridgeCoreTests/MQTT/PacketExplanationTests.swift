import TestSupport
import Testing

@testable import BridgeCore

struct PacketExplanationTests {
    private static let secret = Array("5EC2E7".utf8)

    private static let connect = MQTTPacket.connect(
        .init(clientIdentifier: "gw", keepAlive: 100, username: "user", password: secret)
    ).encoded()

    /// Everything that an explanation can show.
    private func all(_ explanation: PacketExplanation) -> String {
        explanation.lines.joined(separator: "\n") + "\n" + explanation.json.serialized
    }

    @Test(arguments: MQTTSample.all)
    func `every packet is covered byte by byte, in order`(_ sample: MQTTSample) {
        let explanation = PacketExplanation(of: sample.bytes)
        #expect(explanation.isFlawless)
        #expect(explanation.packets.map(\.name) == [sample.packet.kind.name])
        let fields = explanation.packets.flatMap(\.fields)
        #expect(fields.flatMap { Array($0.range) } == Array(sample.bytes.indices))
        if sample.packet.kind != .connect {
            #expect(fields.flatMap(\.hex) == sample.bytes.map(\.hex))
        }
    }

    @Test func `a PUBLISH in columns`() {
        #expect(
            PacketExplanation(of: mqtt("3B 0D 00 03 61 2F 62 00 0A 7B 22 61 22 3A 7D")).lines == [
                "PUBLISH, 15 bytes",
                "  0     3B                 packet type, flags  PUBLISH, flags 1011  sent again (DUP), QoS 1, retained",
                "  1     0D                 remaining length    13",
                "  2-6   00 03 61 2F 62     topic name          \"a/b\"",
                "  7-8   00 0A              packet identifier   10  answered by PUBACK",
                "  9-14  7B 22 61 22 3A 7D  payload             \"{\\\"a\\\":}\"  6 bytes",
            ])
    }

    @Test func `the device's CONNECT in columns, without its password`() {
        #expect(
            PacketExplanation(of: Self.connect).lines == [
                "CONNECT, 30 bytes",
                "  0      10                 packet type, flags  CONNECT, flags 0000",
                "  1      1C                 remaining length    28",
                "  2-7    00 04 4D 51 54 54  protocol name       \"MQTT\"",
                "  8      04                 protocol level      4  MQTT 3.1.1",
                "  9      C2                 connect flags       11000010  user name, password, clean session",
                "  10-11  00 64              keep-alive          100 s  silence the server allows: 150.0 s "
                    + "[MQTT-3.1.2-24]",
                "  12-15  00 02 67 77        client identifier   \"gw\"",
                "  16-21  00 04 75 73 65 72  user name           \"user\"",
                "  22-29  00 06 •••          password            •••  6 bytes, not shown",
            ])
    }

    @Test func `several packets in a row, with offsets of the whole`() {
        let explanation = PacketExplanation(of: mqtt("20 02 01 00 90 04 00 01 01 80 D0 00"))
        #expect(explanation.packets.map(\.name) == ["CONNACK", "SUBACK", "PINGRESP"])
        #expect(explanation.packets.map(\.range) == [0..<4, 4..<10, 10..<12])
        #expect(explanation.lines.contains("PINGRESP, 2 bytes from offset 10"))
        #expect(explanation.isFlawless)
    }

    @Test func `an error stands at its place, and the next packet is read`() {
        let explanation = PacketExplanation(of: mqtt("C0 00 90 04 00 01 03 00 D0 00"))
        #expect(!explanation.isFlawless)
        #expect(explanation.packets.map(\.name) == ["PINGREQ", "SUBACK", "PINGRESP"])
        let wrong = explanation.packets[1]
        #expect(wrong.error?.rule == "MQTT-3.9.3-2")
        #expect(wrong.error?.range == 6..<7)
        #expect(wrong.fields.map(\.name).suffix(2) == ["error", "not examined"])
        #expect(wrong.fields.first { $0.name == "error" }?.hex == ["03"])
        #expect(
            explanation.lines.contains {
                $0.contains("error") && $0.contains("The SUBACK return code 0x03 is reserved  [MQTT-3.9.3-2]")
            })
    }

    @Test func `a wrong fixed header does not hide the next packet, when its length is known`() {
        let explanation = PacketExplanation(of: mqtt("80 06 00 01 00 01 61 00 D0 00"))
        #expect(explanation.packets.map(\.name) == ["SUBSCRIBE", "PINGRESP"])
        #expect(explanation.packets[0].error?.rule == "MQTT-3.8.1-1")
        #expect(explanation.packets[1].error == nil)
    }

    @Test func `no packet at all`() {
        let explanation = PacketExplanation(of: Array("\r\nready\r\n".utf8))
        #expect(explanation.packets.map(\.name) == [nil])
        #expect(explanation.packets[0].error?.rule == "section 2.2.1")
        #expect(explanation.packets[0].range == 0..<9)
        #expect(PacketExplanation(of: []).packets.isEmpty)
        #expect(!PacketExplanation(of: []).isFlawless)
    }

    @Test(arguments: MQTTSample.all)
    func `a packet cut short lacks bytes, and is not wrong`(_ sample: MQTTSample) {
        for length in 1..<sample.bytes.count {
            let packets = PacketExplanation(of: Array(sample.bytes.prefix(length))).packets
            #expect(packets.count == 1)
            #expect(packets[0].error == nil)
            #expect(packets[0].missing == (length == 1 ? 1 : sample.bytes.count - length))
            #expect(packets[0].fields.flatMap { Array($0.range) } == Array(0..<length))
        }
    }

    @Test func `whatever is broken or missing, the password is not shown`() {
        var generator = SplitMix(seed: 77)
        let hexadecimal = HexText.text(Self.secret.prefix(4))
        func check(_ bytes: [UInt8]) -> Bool {
            let text = all(PacketExplanation(of: bytes))
            return !text.contains("5EC2") && !text.contains(hexadecimal)
        }
        for length in 0...Self.connect.count { #expect(check(Array(Self.connect.prefix(length)))) }
        #expect(check(Self.connect + mqtt("C0 00")))
        #expect(check(mqtt("C0 00 FF") + Self.connect))
        for _ in 0..<3000 {
            var bytes = Self.connect
            // The header and the variable header; a change of the lengths behind them makes the string end elsewhere.
            bytes[Int.random(in: 0..<12, using: &generator)] = .random(in: 0...255, using: &generator)
            // Another packet type, or a will: these bytes are now something else, and rightly so.
            guard bytes[0] >> 4 == 1, bytes[9] & 0b100 == 0 else { continue }
            if !check(bytes) { Issue.record("\(HexText.text(bytes))") }
        }
        for place in [13, 17, 23] {
            for value in UInt8.min...UInt8.max {
                var bytes = Self.connect
                bytes[place] = value
                if !check(bytes) { Issue.record("\(HexText.text(bytes))") }
            }
        }
    }

    @Test func `a will message in a CONNECT that cannot be read is not shown either`() {
        var bytes = MQTTPacket.connect(
            .init(
                clientIdentifier: "c", keepAlive: 1, will: .init(topic: "w", message: Array("bye".utf8)),
                username: "u", password: Self.secret)
        ).encoded()
        #expect(all(PacketExplanation(of: bytes)).contains("bye"))
        // The will message now ends with the password.
        bytes[19] = UInt8(bytes.count - 20)
        let text = all(PacketExplanation(of: bytes))
        #expect(!text.contains("5EC2"))
        #expect(!text.contains(HexText.text(Self.secret)))
    }

    @Test func `JSON has every field`() {
        let json = PacketExplanation(of: mqtt("40 02 00 00")).json
        #expect(
            json.serialized
                == #"[{"packet":"PUBACK","offset":0,"length":4,"fields":["#
                + #"{"offset":0,"length":1,"hex":"40","name":"packet type, flags","value":"PUBACK, flags 0000","#
                + #""remark":""},"#
                + #"{"offset":1,"length":1,"hex":"02","name":"remaining length","value":"2","remark":""},"#
                + #"{"offset":2,"length":2,"hex":"00 00","name":"error","value":"The packet identifier is 0","#
                + #""remark":"[MQTT-2.3.1-1]"}],"#
                + #""error":{"rule":"MQTT-2.3.1-1","sentence":"The packet identifier is 0","offset":2,"length":2}}]"#)
    }

    @Test func `a long payload is shortened in lines, not in JSON`() {
        let bytes = MQTTPacket.publish(.init(topic: "t", payload: [UInt8](repeating: 0xAB, count: 1000))).encoded()
        let explanation = PacketExplanation(of: bytes)
        #expect(explanation.lines.count == 1 + 3 + 4)
        #expect(explanation.lines.last?.hasSuffix("…") == true)
        #expect(explanation.packets[0].fields.last?.hex.count == 1000)
    }

    @Test(arguments: [UInt64(41), 42])
    func `random bytes are explained to the last one`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 1...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let explanation = PacketExplanation(of: bytes)
            if explanation.packets.flatMap({ Array($0.range) }) != Array(bytes.indices) {
                Issue.record("seed \(seed): \(HexText.text(bytes))")
            }
            #expect(!explanation.lines.isEmpty)
        }
    }

    @Test(arguments: [
        ("30 92 01", [0x30, 0x92, 0x01]), ("0x30,0x92", [0x30, 0x92]), ("30:92-01\r\nab", [0x30, 0x92, 1, 0xAB]),
        ("309201", [0x30, 0x92, 1]), ("", []),
    ])
    func `hexadecimal as people write it`(_ text: String, _ bytes: [UInt8]) {
        #expect(HexText.bytes(text) == bytes)
    }

    @Test(arguments: ["3", "3 0", "xy", "30 9", "0x", "é0", "30;31"])
    func `what is not hexadecimal`(_ text: String) {
        #expect(HexText.bytes(text) == nil)
    }
}
