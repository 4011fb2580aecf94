import Testing

@testable import BridgeCore

/// Event gives action: from CONNECT to the end.
struct MQTTConnectionTests {
    private typealias Effect = MQTTConnection.Effect

    @Test func `opened gives CONNECT`() {
        var rig = MQTTRig()
        #expect(rig.machine.deadline == nil)
        #expect(
            rig.machine.opened(now: rig.now) == [
                .climbed(.connecting), .send(mqtt("10 0D 00 04 4D 51 54 54 04 02 00 64 00 01 63")),
            ])
        #expect(rig.untilDeadline == .seconds(10) + .nanoseconds(15))
        #expect(rig.machine.opened(now: rig.now).isEmpty)
    }

    @Test func `CONNACK without subscriptions gives online`() {
        var rig = MQTTRig.connecting()
        #expect(
            rig.receive(.connectAcknowledgement(.init())) == [
                .connected(sessionPresent: false), .climbed(.online), .windowOpened,
            ])
    }

    @Test func `no CONNACK for 10 s gives failed`() {
        var rig = MQTTRig.connecting()
        #expect(rig.wait(.seconds(9.9)).isEmpty)
        #expect(rig.wait(.seconds(0.2)) == [.failed(.noConnectAcknowledgement)])
        #expect(rig.machine.deadline == nil)
    }

    @Test(arguments: ConnectReturnCode.allCases.filter { $0 != .accepted })
    func `a refusal gives failed`(_ code: ConnectReturnCode) {
        var rig = MQTTRig.connecting()
        #expect(rig.receive(.connectAcknowledgement(.init(returnCode: code))) == [.failed(.refused(code))])
        #expect(rig.machine.hasEnded)
    }

    @Test func `a session although a clean one was asked for gives failed`() {
        var rig = MQTTRig.connecting()
        let effects = rig.receive(.connectAcknowledgement(.init(sessionPresent: true)))
        #expect(effects.violation?.contains("[MQTT-3.2.2-1]") == true)
    }

    @Test(arguments: MQTTSample.all.filter { $0.packet.kind != .connectAcknowledgement })
    func `anything before CONNACK gives failed`(_ sample: MQTTSample) {
        var rig = MQTTRig.connecting()
        let effects = rig.receive(sample.packet)
        #expect(effects.violation?.contains("[MQTT-3.2.0-1]") == true)
        #expect(effects.count == 1)
    }

    @Test(arguments: [
        MQTTPacket.connectAcknowledgement(.init()), .connect(.init(clientIdentifier: "a", keepAlive: 1)),
        .subscribe(.init(packetIdentifier: 1, subscriptions: [.init(filter: "a", qos: .atMostOnce)])),
        .unsubscribe(.init(packetIdentifier: 1, filters: ["a"])), .pingReq, .disconnect,
        .pubRec(.init(packetIdentifier: 1)), .pubRel(.init(packetIdentifier: 1)),
        .pubComp(.init(packetIdentifier: 1)), .unsubAck(.init(packetIdentifier: 1)),
        .subAck(.init(packetIdentifier: 1, granted: [nil])),
    ])
    func `a packet that does not belong there gives failed`(_ packet: MQTTPacket) {
        var rig = MQTTRig.online()
        let effects = rig.receive(packet)
        #expect(effects.violation?.contains("[MQTT-4.8.0-1]") == true)
        #expect(rig.machine.hasEnded)
        #expect(rig.machine.deadline == nil)
    }

    @Test func `an unasked PINGRESP and an unknown PUBACK give a note`() {
        var rig = MQTTRig.online()
        #expect(rig.receive(.pingResp) == [.note("PINGRESP came without PINGREQ")])
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 9)))
                == [.note("PUBACK came for the unknown packet identifier 9")])
        #expect(!rig.machine.hasEnded)
    }

    @Test func `disconnect gives DISCONNECT and then silence [MQTT-3.14.4-2]`() {
        var rig = MQTTRig.online()
        #expect(rig.machine.disconnect(now: rig.now) == [.send([0xE0, 0]), .disconnected])
        #expect(rig.machine.disconnect(now: rig.now).isEmpty)
        #expect(rig.publish(.sample(1)).isEmpty)
        #expect(rig.receive(.pingResp).isEmpty)
        #expect(rig.machine.acknowledge(packetIdentifier: 1, now: rig.now).isEmpty)
        #expect(rig.wait(.seconds(1000)).isEmpty)
        #expect(rig.machine.opened(now: rig.now).isEmpty)
        #expect(!rig.machine.canPublish(bytes: 1))
    }

    @Test func `disconnect before anything was opened sends nothing`() {
        var rig = MQTTRig()
        #expect(rig.machine.disconnect(now: rig.now) == [.disconnected])
    }

    @Test func `bytes before CONNECT give failed`() {
        var rig = MQTTRig()
        #expect(rig.receive(.pingResp).violation?.contains("[MQTT-3.1.0-1]") == true)
    }

    // MARK: Subscribing

    @Test func `subscriptions go out in portions, each after the SUBACK of the one before`() {
        let filters = (0..<10).map { Subscription(filter: "f\($0)", qos: .atLeastOnce) }
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: filters))
        let first = rig.receive(.connectAcknowledgement(.init()))
        #expect(first.prefix(2) == [.connected(sessionPresent: false), .climbed(.subscribing)])
        #expect(
            first.packets == [.subscribe(.init(packetIdentifier: 1, subscriptions: Array(filters.prefix(8))))])
        #expect(!rig.machine.canPublish(bytes: 1))
        let granted = [QoS?](repeating: .atLeastOnce, count: 8)
        #expect(
            rig.receive(.subAck(.init(packetIdentifier: 1, granted: granted))).packets == [
                .subscribe(.init(packetIdentifier: 2, subscriptions: Array(filters.suffix(2))))
            ])
        #expect(
            rig.receive(.subAck(.init(packetIdentifier: 2, granted: [nil, .atMostOnce]))) == [
                .refusedSubscriptions(["f8"]), .note("QoS 0 instead of 1 was granted for f9"), .climbed(.online),
                .windowOpened,
            ])
        #expect(rig.machine.canPublish(bytes: 1))
    }

    @Test func `a filter that is none is reported and left out`() {
        let filters = [Subscription(filter: "a#", qos: .atMostOnce), Subscription(filter: "b", qos: .atMostOnce)]
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: filters))
        let effects = rig.receive(.connectAcknowledgement(.init()))
        #expect(effects.contains(.refusedSubscriptions(["a#"])))
        #expect(effects.packets == [.subscribe(.init(packetIdentifier: 1, subscriptions: [filters[1]]))])
    }

    @Test(arguments: [
        (UInt16(2), [QoS?.some(.atMostOnce)], "MQTT-3.8.4-2"),
        (1, [.atMostOnce, .atMostOnce], "MQTT-3.8.4-5"),
    ])
    func `a SUBACK that does not fit gives failed`(_ identifier: UInt16, _ granted: [QoS?], _ rule: String) {
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: [.init(filter: "a", qos: .atMostOnce)]))
        _ = rig.receive(.connectAcknowledgement(.init()))
        let effects = rig.receive(.subAck(.init(packetIdentifier: identifier, granted: granted)))
        #expect(effects.violation?.contains("[\(rule)]") == true)
    }

    @Test func `no SUBACK for 10 s gives failed`() {
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: [.init(filter: "a", qos: .atMostOnce)]))
        _ = rig.receive(.connectAcknowledgement(.init()))
        #expect(rig.wait(.seconds(9.9)).isEmpty)
        #expect(rig.wait(.seconds(0.2)) == [.failed(.noSubscribeAcknowledgement)])
        #expect(rig.machine.takeSession().sequences.isEmpty)
    }

    // MARK: Messages from the server

    @Test func `a message of QoS 0 is passed on`() {
        var rig = MQTTRig.online()
        #expect(
            rig.receive(.publish(.init(topic: "a", payload: [1], retain: true)))
                == [.message(InboundMessage(topic: "a", payload: [1], retain: true))])
    }

    @Test func `a message of QoS 1 is passed on, then acknowledged, before SUBACK too`() {
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: [.init(filter: "a", qos: .atLeastOnce)]))
        _ = rig.receive(.connectAcknowledgement(.init()))
        #expect(
            rig.receive(
                .publish(.init(topic: "a", payload: [1], qos: .atLeastOnce, dup: true, packetIdentifier: 77))) == [
                    .message(
                        InboundMessage(
                            topic: "a", payload: [1], qos: .atLeastOnce, dup: true, packetIdentifier: 77)),
                    .send(mqtt("40 02 00 4D")),
                ])
    }

    @Test func `a caller may acknowledge by itself, once`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.acknowledgesAutomatically = false })
        let message = MQTTPacket.publish(.init(topic: "a", payload: [], qos: .atLeastOnce, packetIdentifier: 5))
        #expect(rig.receive(message).packets.isEmpty)
        #expect(rig.machine.acknowledge(packetIdentifier: 6, now: rig.now).isEmpty)
        #expect(rig.machine.acknowledge(packetIdentifier: 5, now: rig.now) == [.send(mqtt("40 02 00 05"))])
        #expect(rig.machine.acknowledge(packetIdentifier: 5, now: rig.now).isEmpty)
    }

    @Test func `a message of QoS 2 gives failed`() {
        var rig = MQTTRig.online()
        let effects = rig.receive(.publish(.init(topic: "a", payload: [], qos: .exactlyOnce, packetIdentifier: 5)))
        #expect(effects.violation?.contains("[MQTT-3.8.4-6]") == true)
    }

    @Test(arguments: MQTTCutting.allCases)
    func `a conversation goes the same way however it is cut`(_ cutting: MQTTCutting) {
        let filters = [Subscription(filter: "a", qos: .atLeastOnce)]
        let stream: [MQTTPacket] = [
            .connectAcknowledgement(.init()), .subAck(.init(packetIdentifier: 1, granted: [.atLeastOnce])),
            .publish(.init(topic: "a", payload: Array("hello".utf8), qos: .atLeastOnce, packetIdentifier: 300)),
            .publish(.init(topic: "a", payload: [])), .pingReq,
        ]
        var rig = MQTTRig.connecting(MQTTRig.settings(subscriptions: filters))
        var effects: [Effect] = []
        for chunk in cutting.cut(stream.flatMap { $0.encoded() }) {
            effects += rig.machine.received(chunk, now: rig.now)
        }
        #expect(effects.count == 9)
        #expect(effects.contains(.climbed(.online)))
        #expect(effects.contains(.send(mqtt("40 02 01 2C"))))
        #expect(effects.violation?.hasPrefix("PINGREQ") == true)
    }
}
