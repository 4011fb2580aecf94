import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct SimulatedPlatformTests {
    private static func accepted(_ isKept: Bool = false) -> MQTTPacket {
        .connectAcknowledgement(MQTTPacket.ConnectAcknowledgement(sessionPresent: isKept))
    }

    // MARK: Connections

    @Test func acceptsItsDevice() {
        var bench = PlatformBench()
        bench.connect()
        #expect(bench.heard() == [Self.accepted()])
        #expect(
            bench.events.last == .connected(device: "device", clientID: "12345", keepAlive: 60, cleanSession: true))
        bench.send(.pingReq)
        #expect(bench.heard() == [.pingResp])
        bench.send(.disconnect)
        #expect(bench.closed == [1])
        #expect(bench.events.last == .disconnected(device: "device"))
    }

    @Test func refusalClosesAfterItsCode() {
        var bench = PlatformBench()
        bench.connect(keepAlive: 15)
        let refusal = MQTTPacket.ConnectAcknowledgement(returnCode: .identifierRejected)
        #expect(bench.heard() == [.connectAcknowledgement(refusal)])
        #expect(bench.closed == [1])
    }

    @Test func newerSessionKicksTheOlder() {
        var bench = PlatformBench()
        bench.connect(1)
        bench.connect(2)
        #expect(bench.closed == [1])
        #expect(bench.events.contains(.kicked(device: "device")))
        #expect(bench.heard(2) == [Self.accepted()])
    }

    @Test func withoutConnectTheConnectionEndsAfterTenSeconds() {
        var bench = PlatformBench()
        bench.feed(.opened(1, peer: "test"))
        bench.wait(.milliseconds(9999))
        #expect(bench.closed.isEmpty)
        bench.wait(.milliseconds(1))
        #expect(bench.closed == [1])
    }

    /// One and a half times the keep-alive, and up to 30 s until the sweep.
    @Test(arguments: [30, 60, 300, 1200] as [UInt16])
    func silenceEndsTheSession(keepAlive: UInt16) {
        var bench = PlatformBench()
        bench.now = Moment(nanoseconds: 7_000_000_000)
        bench.connect(keepAlive: keepAlive)
        bench.wait(.seconds(Int(keepAlive)))
        bench.send(.pingReq)
        let limit = Int(keepAlive) * 3 / 2
        bench.wait(.seconds(limit - 1))
        #expect(bench.closed.isEmpty)
        bench.wait(.seconds(31))
        #expect(bench.closed == [1])
    }

    @Test func lossIsReported() {
        var bench = PlatformBench()
        bench.connect()
        bench.feed(.closed(1))
        #expect(bench.events.last == .lost(device: "device"))
    }

    // MARK: Violations

    @Test(
        arguments: [
            ([0xC0, 0x00], "MQTT-3.1.0-1"),
            ([0xF0, 0x00], "MQTT-2.2.2-2"),
        ] as [([UInt8], String)])
    func beforeSignIn(bytes: [UInt8], rule: String) {
        var bench = PlatformBench()
        bench.feed(.opened(1, peer: "test"))
        bench.feed(.received(1, bytes))
        #expect(bench.closed == [1])
        #expect(bench.heard().isEmpty)
        guard case .violation(let error)? = bench.events.last else {
            Issue.record("\(bench.events)")
            return
        }
        // Reserved packet types are named by the codec's own choice of statement.
        #expect(rule == "MQTT-2.2.2-2" || error.rule == rule)
    }

    @Test func otherProtocolLevelIsToldFirst() {
        var bench = PlatformBench()
        bench.feed(.opened(1, peer: "test"))
        var bytes = MQTTPacket.connect(MQTTPacket.Connect(clientIdentifier: "x", keepAlive: 60)).encoded()
        bytes[8] = 5
        bench.feed(.received(1, bytes))
        let refusal = MQTTPacket.ConnectAcknowledgement(returnCode: .unacceptableProtocolVersion)
        #expect(bench.heard() == [.connectAcknowledgement(refusal)])
        #expect(bench.closed == [1])
    }

    @Test func secondConnect() {
        var bench = PlatformBench()
        bench.connect()
        bench.send(.connect(MQTTPacket.Connect(clientIdentifier: "x", keepAlive: 60)))
        #expect(bench.closed == [1])
        guard case .violation(let error)? = bench.events.last else {
            Issue.record("\(bench.events)")
            return
        }
        #expect(error.rule == "MQTT-3.1.0-2")
    }

    @Test func serversPacketsAndQoS2() {
        for packet in [MQTTPacket.pingResp, .pubRel(MQTTPacket.PubRel(packetIdentifier: 1))] {
            var bench = PlatformBench()
            bench.connect()
            bench.send(packet)
            #expect(bench.closed == [1])
        }
        var bench = PlatformBench()
        bench.connect()
        bench.send(
            .publish(
                MQTTPacket.Publish(topic: "/pk/device/user/x", payload: [], qos: .exactlyOnce, packetIdentifier: 1)))
        #expect(bench.closed == [1])
    }

    // MARK: Subscriptions

    @Test func grantsOwnTopicsUpToAHundred() {
        var bench = PlatformBench()
        bench.connect()
        _ = bench.heard()
        bench.subscribe([PlatformBench.topic + "thing/service/+", "/pk/device/user/#", "/sys/pk/other/#", "#"])
        #expect(
            bench.heard()
                == [.subAck(MQTTPacket.SubAck(packetIdentifier: 5, granted: [.atLeastOnce, .atLeastOnce, nil, nil]))])
        for number in 0..<98 { bench.subscribe(["/pk/device/user/\(number)"]) }
        _ = bench.heard()
        bench.subscribe(["/pk/device/user/one-more"])
        #expect(bench.heard() == [.subAck(MQTTPacket.SubAck(packetIdentifier: 5, granted: [nil]))])
    }

    @Test func moreThanEightFiltersAtOnceEndTheConnection() {
        var bench = PlatformBench()
        bench.connect()
        bench.subscribe((0..<8).map { "/pk/device/user/\($0)" })
        #expect(bench.closed.isEmpty)
        bench.subscribe((0..<9).map { "/pk/device/user/\($0)" })
        #expect(bench.closed == [1])
    }

    // MARK: Requests

    @Test(arguments: [
        ("thing/event/property/post", "thing.event.property.post", #"{"a":1}"#),
        ("thing/event/alarm/post", "thing.event.alarm.post", #"{"value":{}}"#),
        ("thing/event/property/batch/post", "thing.event.property.batch.post", #"{"properties":{}}"#),
        ("thing/event/property/history/post", "thing.event.property.history.post", "[]"),
        ("thing/deviceinfo/update", "thing.deviceinfo.update", #"[{"attrKey":"a","attrValue":"b"}]"#),
        ("thing/property/desired/get", "thing.property.desired.get", #"["a"]"#),
    ])
    func answersRequests(path: String, method: String, params: String) {
        var bench = PlatformBench()
        bench.connect()
        bench.subscribe([PlatformBench.topic + path + "_reply"])
        _ = bench.heard()
        bench.publish(path, #"{"id":"123","version":"1.0","params":\#(params)}"#, identifier: 9)
        let reply =
            #"{"code":200,"data":{},"id":"123","message":"success","method":"\#(method)","version":"1.0"}"#
        #expect(
            bench.heard() == [
                .pubAck(MQTTPacket.PubAck(packetIdentifier: 9)),
                .publish(MQTTPacket.Publish(topic: PlatformBench.topic + path + "_reply", payload: Array(reply.utf8))),
            ])
    }

    @Test(arguments: [
        ("thing/event/property/set", #"{"id":"1"}"#),
        ("thing/service/property/set_reply", #"{"id":"1","code":200}"#),
        ("thing/event/property/post", #"{"id":"1","sys":{"ack":0}}"#),
        ("thing/model/up_raw", "raw"),
    ])
    func takesWithoutAnAnswer(path: String, payload: String) {
        var bench = PlatformBench()
        bench.connect(itself: true)
        bench.subscribe([PlatformBench.topic + "#"])
        _ = bench.heard()
        bench.publish(path, payload)
        #expect(bench.heard().isEmpty)
        let message = CloudEvent.message(
            topic: PlatformBench.topic + path, payload: Array(payload.utf8), qos: .atMostOnce, isDuplicate: false)
        #expect(bench.events.last == message)
    }

    @Test func answersOnlySubscribers() {
        var bench = PlatformBench()
        bench.connect()
        _ = bench.heard()
        bench.publish("thing/event/property/post", #"{"id":"1"}"#)
        #expect(bench.heard().isEmpty)
        let reply = PlatformBench.topic + "thing/event/property/post_reply"
        #expect(bench.events.last == .notSent(topic: reply, why: "not subscribed"))
        bench.connect(2, itself: true)
        _ = bench.heard(2)
        bench.publish("thing/event/property/post", #"{"id":1}"#, on: 2)
        #expect(bench.heard(2).count == 1)
        bench.publish("thing/event/property/post", "not json", on: 2)
        guard case .publish(let answer)? = bench.heard(2).first else {
            Issue.record("no answer")
            return
        }
        #expect(String(decoding: answer.payload, as: UTF8.self).hasPrefix(#"{"code":6207,"#))
    }

    @Test func otherTopicsAndLongOnesAreTakenAndNotServed() {
        var bench = PlatformBench()
        bench.connect()
        bench.send(.publish(MQTTPacket.Publish(topic: "/sys/pk/other/x", payload: [])))
        #expect(bench.events.last == .limit(why: "the topic is not the device's own"))
        bench.publish(String(repeating: "x", count: 129), "")
        #expect(bench.events.last == .limit(why: "the topic has 144 bytes, more than 128"))
        #expect(bench.closed.isEmpty)
    }

    // MARK: Sessions

    @Test func keptSessionGetsWhatCameMeanwhile() {
        var bench = PlatformBench()
        bench.connect(1, clean: false)
        bench.subscribe([PlatformBench.topic + "thing/service/+"])
        bench.feed(.closed(1))
        let topic = PlatformBench.topic + "thing/service/x"
        bench.feed(.ordered(.publish(topic: topic, payload: "later", qos: .atLeastOnce)))
        bench.feed(.ordered(.publish(topic: topic, payload: "lost", qos: .atMostOnce)))
        bench.connect(2, clean: false)
        var expected = MQTTPacket.Publish(
            topic: topic, payload: Array("later".utf8), qos: .atLeastOnce, packetIdentifier: 1)
        expected.dup = true
        #expect(bench.heard(2) == [Self.accepted(true), .publish(expected)])
        bench.send(.pubAck(MQTTPacket.PubAck(packetIdentifier: 1)), on: 2)
        #expect(bench.events.last == .acknowledged(packetIdentifier: 1))
        bench.feed(.closed(2))
        bench.connect(3, clean: false)
        #expect(bench.heard(3) == [Self.accepted(true)])
        bench.feed(.closed(3))
        bench.connect(4, clean: true)
        #expect(bench.heard(4) == [Self.accepted()])
    }

    // MARK: Orders

    @Test func orders() {
        var bench = PlatformBench()
        bench.feed(.ordered(.refuse(.notAuthorized)))
        bench.connect(1)
        let refusal = MQTTPacket.ConnectAcknowledgement(returnCode: .notAuthorized)
        #expect(bench.heard(1) == [.connectAcknowledgement(refusal)])
        bench.feed(.ordered(.refuse(nil)))
        bench.feed(.ordered(.silent(true)))
        bench.connect(2)
        #expect(bench.heard(2).isEmpty)
        bench.feed(.ordered(.silent(false)))
        bench.feed(.ordered(.kick))
        #expect(bench.closed == [1, 2])
    }

    @Test(
        arguments: [
            ("publish /a/b {\"x\": 1}", .publish(topic: "/a/b", payload: "{\"x\": 1}", qos: .atMostOnce)),
            ("publish1 /a b", .publish(topic: "/a", payload: "b", qos: .atLeastOnce)),
            ("kick", .kick), ("refuse 5", .refuse(.notAuthorized)), ("accept", .refuse(nil)),
            ("silent on", .silent(true)), ("silent off", .silent(false)),
            ("refuse 0", nil), ("refuse 6", nil), ("silent", nil), ("", nil), ("publish x", nil), ("kick now", nil),
        ] as [(String, CloudOrder?)])
    func orderLines(line: String, order: CloudOrder?) {
        #expect(CloudOrder(line: line) == order)
    }

    // MARK: Events

    @Test func eventsAsLines() {
        let message = CloudEvent.message(topic: "/a", payload: Array("{}".utf8), qos: .atLeastOnce, isDuplicate: true)
        #expect(message.line == "message topic /a qos 1 payload {} dup true")
        #expect(message.jsonLine == #"{"event":"message","topic":"/a","qos":1,"payload":"{}","dup":true}"#)
        let raw = CloudEvent.sent(topic: "/a", payload: [0xFF, 0x0A], qos: .atMostOnce)
        #expect(raw.jsonLine == #"{"event":"sent","topic":"/a","qos":0,"payload_hex":"ff0a"}"#)
        let broken = CloudEvent.violation(MQTTError(rule: "MQTT-3.1.0-2", "A\nsentence"))
        #expect(broken.line == "violation rule MQTT-3.1.0-2 why A sentence")
    }
}
