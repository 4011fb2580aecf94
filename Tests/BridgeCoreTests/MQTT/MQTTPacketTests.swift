import Testing

@testable import BridgeCore

struct MQTTPacketTests {
    @Test(arguments: MQTTSample.all)
    func `a packet has these bytes`(_ sample: MQTTSample) throws {
        #expect(sample.packet.encoded() == sample.bytes)
        #expect(try sample.packet.strictlyEncoded() == sample.bytes)
    }

    @Test(arguments: MQTTSample.all)
    func `these bytes are that packet`(_ sample: MQTTSample) throws {
        #expect(try MQTTPacket.decode(sample.bytes) == sample.packet)
    }

    @Test func `every type has a sample`() {
        #expect(Set(MQTTSample.all.map(\.packet.kind)) == Set(PacketKind.allCases))
    }

    @Test(arguments: MQTTSample.all)
    func `a packet cut short is not an error but waits`(_ sample: MQTTSample) throws {
        for length in 0..<sample.bytes.count {
            #expect(try MQTTPacket.decodeFirst(sample.bytes.prefix(length)) == nil)
        }
    }

    @Test func `a PUBLISH of 146 bytes remaining begins 30 92 01`() {
        let packet = MQTTPacket.publish(.init(topic: "t", payload: [UInt8](repeating: 65, count: 143)))
        #expect(packet.encoded().prefix(3) == [0x30, 0x92, 0x01])
    }

    @Test(arguments: [
        (0, 2), (127, 2), (128, 3), (16_383, 3), (16_384, 4), (2_097_151, 4), (2_097_152, 5), (268_435_455, 5),
    ])
    func `the remaining length takes one to four bytes`(_ remaining: Int, _ header: Int) throws {
        let bytes = FixedHeader.encoded(kind: .publish, flags: 0, remainingLength: remaining)
        #expect(bytes.count == header)
        #expect(FixedHeader.length(forRemaining: remaining) == header)
        let extent = try #require(try FixedHeader.extent(of: bytes[...]))
        #expect(extent == (remaining, header))
    }

    @Test func `a longer form of the remaining length is permitted`() throws {
        #expect(try MQTTPacket.decode(mqtt("40 82 00 00 07")) == .pubAck(.init(packetIdentifier: 7)))
        #expect(try MQTTPacket.decode(mqtt("C0 80 80 80 00")) == .pingReq)
    }

    @Test func `the length of a PUBLISH is known before it is encoded`() {
        for count in [0, 120, 121, 122, 123, 124, 16_378, 16_379, 16_380] {
            for qos in QoS.allCases {
                let publish = MQTTPacket.Publish(
                    topic: "tö", payload: [UInt8](repeating: 0, count: count), qos: qos,
                    packetIdentifier: qos == .atMostOnce ? nil : 1)
                #expect(publish.encodedLength == publish.encoded().count)
            }
        }
    }

    @Test func `a byte order mark is kept [MQTT-1.5.3-3]`() throws {
        let packet = try MQTTPacket.decode(mqtt("30 05 00 03 EF BB BF"))
        guard case .publish(let publish) = packet else { throw MQTTError(rule: "test", "not a PUBLISH") }
        #expect(Array(publish.topic.utf8) == [0xEF, 0xBB, 0xBF])
    }

    @Test func `printing a CONNECT does not print the password`() {
        let connect = MQTTPacket.Connect(
            clientIdentifier: "c", keepAlive: 60, username: "u", password: Array("hunter2".utf8))
        var dumped = ""
        dump(MQTTPacket.connect(connect), to: &dumped)
        for text in ["\(connect)", String(reflecting: connect), "\(MQTTPacket.connect(connect))", dumped] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("104"))
        }
    }

    @Test(arguments: [
        (MQTTPacket.publish(.init(topic: "a/#", payload: [])), "MQTT-3.3.2-2"),
        (.publish(.init(topic: "", payload: [])), "MQTT-4.7.3-1"),
        (.publish(.init(topic: String(repeating: "a", count: 65_536), payload: [])), "section 1.5.3"),
        (.publish(.init(topic: "a", payload: [], dup: true)), "MQTT-3.3.1-2"),
        (.publish(.init(topic: "a", payload: [], qos: .atLeastOnce, packetIdentifier: 0)), "MQTT-2.3.1-1"),
        (.subscribe(.init(packetIdentifier: 1, subscriptions: [])), "MQTT-3.8.3-3"),
        (
            .subscribe(.init(packetIdentifier: 1, subscriptions: [.init(filter: "a#", qos: .atMostOnce)])),
            "MQTT-4.7.1-2"
        ),
        (.connect(.init(clientIdentifier: "", cleanSession: false, keepAlive: 1)), "MQTT-3.1.3-7"),
        (.connect(.init(clientIdentifier: "a", keepAlive: 1, password: [1])), "MQTT-3.1.2-22"),
        (
            .connect(
                .init(clientIdentifier: "a", keepAlive: 1, username: "u", password: Array(repeating: 1, count: 65_536))),
            "section 1.5.3"
        ),
        (.connectAcknowledgement(.init(sessionPresent: true, returnCode: .notAuthorized)), "MQTT-3.2.2-4"),
    ])
    func `strict encoding refuses what the decoder refuses`(_ packet: MQTTPacket, _ rule: String) {
        let error = #expect(throws: MQTTError.self) { try packet.strictlyEncoded() }
        #expect(error?.rule == rule)
    }
}
