import BridgeCore
import Testing

@testable import ModemSimulator

/// What the platform starts by order, its limits, and what goes wrong by order.
@Suite("Orders and limits of the platform")
struct PlatformOrdersTests {
    private func connected() -> PlatformBench {
        var bench = PlatformBench()
        bench.connect(itself: true)
        _ = bench.heard()
        bench.events = []
        return bench
    }

    private func publishes(_ packets: [MQTTPacket]) -> [MQTTPacket.Publish] {
        packets.compactMap { if case .publish(let publish) = $0 { publish } else { nil } }
    }

    @Test(
        "lines that are understood",
        arguments: [
            (#"property-set {"lamp": 1}"#, CloudOrder.propertySet(#"{"lamp": 1}"#)),
            (#"service blink {"times":3}"#, .service(name: "blink", params: #"{"times":3}"#)),
            (#"rrpc {"a":1}"#, .rrpc(#"{"a":1}"#)), ("desire lamp 1", .desire(name: "lamp", value: "1")),
            ("lose 3", .lose(3)), ("delay 250", .delay(.milliseconds(250))), ("split 2", .split(2)),
            ("duplicate", .duplicate),
        ])
    func understood(line: String, order: CloudOrder) { #expect(CloudOrder(line: line) == order) }

    @Test(
        "lines that are not",
        arguments: [
            "", "property-set", "property-set 5", "service blink", "rrpc x", "desire lamp {", "lose -1", "delay x",
            "fly",
        ])
    func notUnderstood(line: String) { #expect(CloudOrder(line: line) == nil) }

    @Test("property set and service call reach the device at QoS 1, with ids of their own")
    func requests() {
        var bench = connected()
        bench.feed(.ordered(.propertySet(#"{"lamp":1}"#)))
        bench.feed(.ordered(.service(name: "blink", params: "{}")))
        let sent = publishes(bench.heard())
        #expect(
            sent.map(\.topic) == ["thing/service/property/set", "thing/service/blink"].map { PlatformBench.topic + $0 })
        #expect(sent.allSatisfy { $0.qos == .atLeastOnce })
        #expect(
            sent.map { String(decoding: $0.payload, as: UTF8.self) } == [
                #"{"id":"1","method":"thing.service.property.set","params":{"lamp":1},"version":"1.0.0"}"#,
                #"{"id":"2","method":"thing.service.blink","params":{},"version":"1.0.0"}"#,
            ])
    }

    @Test("a synchronous request: answered within 8 s, or timed out")
    func rrpc() throws {
        var bench = connected()
        for _ in 0..<2 { bench.feed(.ordered(.rrpc("{}"))) }
        let ids = publishes(bench.heard()).map {
            String($0.topic.dropFirst((PlatformBench.topic + "rrpc/request/").count))
        }
        bench.wait(.seconds(7))
        bench.publish("rrpc/response/" + ids[0], #"{"id":"1","code":200,"data":{}}"#)
        bench.wait(.seconds(2))
        #expect(
            bench.events.contains(.rrpcAnswered(id: ids[0], payload: Array(#"{"id":"1","code":200,"data":{}}"#.utf8))))
        #expect(bench.events.contains(.rrpcTimedOut(id: ids[1])))
        #expect(bench.events.count { if case .rrpcTimedOut = $0 { true } else { false } } == 1)
    }

    @Test(
        "what is more than 10 a second at QoS 1, or 30 at QoS 0, is acknowledged and dropped without a word",
        arguments: [(true, 10), (false, 30)])
    func rates(isAcknowledged: Bool, limit: Int) {
        var bench = connected()
        for number in 1...(limit + 5) {
            bench.publish(
                "thing/event/property/post", #"{"id":"\#(number)","params":{}}"#,
                identifier: isAcknowledged ? UInt16(number) : nil)
        }
        let heard = bench.heard()
        #expect(publishes(heard).count == limit)
        #expect(heard.count - publishes(heard).count == (isAcknowledged ? limit + 5 : 0))
        #expect(bench.events.count { if case .limit = $0 { true } else { false } } == 5)
        bench.wait(.seconds(1))
        bench.publish("thing/event/property/post", #"{"id":"99","params":{}}"#)
        #expect(publishes(bench.heard()).count == 1)
    }

    @Test("the sixth connection request in a minute is turned away; a minute later all is well")
    func connects() {
        var bench = PlatformBench()
        for id in 1...5 { bench.connect(id) }
        #expect(bench.heard(5).count == 1)
        bench.connect(6)
        #expect(bench.heard(6) == [.connectAcknowledgement(.init(returnCode: .serverUnavailable))])
        #expect(bench.closed.contains(6))
        bench.wait(.seconds(61))
        bench.connect(7)
        #expect(bench.heard(7) == [.connectAcknowledgement(.init())])
    }

    @Test("lost, late, in pieces, twice")
    func trouble() {
        var bench = connected()
        bench.feed(.ordered(.lose(1)))
        bench.feed(.ordered(.propertySet("{}")))
        #expect(bench.heard().isEmpty)
        #expect(bench.events == [.lostByOrder(topic: PlatformBench.topic + "thing/service/property/set")])

        bench.feed(.ordered(.delay(.milliseconds(300))))
        bench.send(.pingReq)
        bench.wait(.milliseconds(299))
        #expect(bench.heard().isEmpty)
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == [.pingResp])
        bench.feed(.ordered(.delay(.zero)))

        bench.feed(.ordered(.duplicate))
        bench.feed(.ordered(.propertySet("{}")))
        let sent = publishes(bench.heard())
        #expect(sent.map(\.dup) == [false, true])
        #expect(Set(sent.map(\.packetIdentifier)).count == 1)
    }

    @Test("pieces come one after the other, and nothing overtakes them")
    func pieces() {
        var trouble = CloudTrouble()
        trouble.pieces = 2
        #expect(trouble.send([1, 2, 3, 4, 5], on: 1, now: .zero).isEmpty)
        trouble.pieces = 0
        #expect(trouble.send([6], on: 1, now: .zero).isEmpty)
        #expect(trouble.send([9], on: 2, now: .zero) == [9])
        var arrived: [[UInt8]] = []
        while let due = trouble.deadline { arrived += trouble.arrived(due).map(\.bytes) }
        #expect(arrived == [[1, 2], [3, 4], [5], [6]])
    }
}
