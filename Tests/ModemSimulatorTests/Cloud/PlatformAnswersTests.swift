import BridgeCore
import Testing

@testable import ModemSimulator

/// What the platform knows of a device and answers from.
@Suite("Answers of the platform")
struct PlatformAnswersTests {
    private func connected() -> PlatformBench {
        var bench = PlatformBench()
        bench.connect(itself: true)
        _ = bench.heard()
        return bench
    }

    /// Publishes, and returns the answer's payload.
    private func ask(_ bench: inout PlatformBench, _ path: String, _ params: String) throws -> JSONValue {
        bench.publish(path, #"{"id":"1","params":\#(params)}"#)
        return try payload(bench.heard().last)
    }

    private func payload(_ packet: MQTTPacket?) throws -> JSONValue {
        guard case .publish(let publish)? = packet else {
            throw MQTTError(rule: "-", "no answer: \(String(describing: packet))")
        }
        return try JSONValue(parsing: publish.payload)
    }

    @Test("desired values: none, set, deleted by version")
    func desired() throws {
        var bench = connected()
        #expect(try ask(&bench, "thing/property/desired/get", #"["lamp"]"#)["data"] == [:])
        for _ in 0..<2 { bench.feed(.ordered(.desire(name: "lamp", value: "1"))) }
        let wanted: JSONValue = ["lamp": ["value": 1, "version": 2]]
        #expect(try ask(&bench, "thing/property/desired/get", #"["lamp","fan"]"#)["data"] == wanted)
        _ = try ask(&bench, "thing/property/desired/delete", #"{"lamp":{"version":1}}"#)
        #expect(try ask(&bench, "thing/property/desired/get", #"["lamp"]"#)["data"] == wanted)
        _ = try ask(&bench, "thing/property/desired/delete", #"{"lamp":{"version":2}}"#)
        #expect(try ask(&bench, "thing/property/desired/get", #"["lamp"]"#)["data"] == [:])
    }

    @Test(
        "wrong requests have the platform's codes",
        arguments: [
            ("thing/event/property/post", "[]", 6301), ("thing/property/desired/get", "{}", 460),
            ("thing/deviceinfo/update", "[]", 460), ("thing/deviceinfo/update", #"[{"attrKey":1}]"#, 460),
            ("thing/event/property/history/post", "{}", 6301), ("thing/config/get", "{}", 6710),
        ])
    func codes(path: String, params: String, code: Int) throws {
        var bench = PlatformBench()
        bench.connect()
        bench.subscribe([PlatformBench.topic + "#"])
        _ = bench.heard()
        #expect(try ask(&bench, path, params)["code"]?.integer == code)
    }

    @Test("more than 200 properties are too many")
    func tooMany() throws {
        var bench = connected()
        let properties = (0...200).map { "\"p\($0)\":1" }.joined(separator: ",")
        #expect(try ask(&bench, "thing/event/property/post", "{\(properties)}")["code"]?.integer == 6106)
        bench.publish("thing/event/property/post", "no JSON")
        #expect(try payload(bench.heard().last)["code"]?.integer == 6207)
    }

    @Test("configuration and firmware are what was ordered")
    func ordered() throws {
        var bench = PlatformBench()
        bench.connect()
        bench.subscribe([PlatformBench.topic + "#"])
        _ = bench.heard()
        for line in [#"configuration {"configId":"c1"}"#, #"firmware {"version":"2"}"#] {
            bench.feed(.ordered(try #require(CloudOrder(line: line))))
        }
        #expect(try ask(&bench, "thing/config/get", "{}")["data"] == ["configId": "c1"])
        #expect(try ask(&bench, "thing/ota/firmware/get", "{}")["data"] == ["version": "2"])
    }

    @Test("tags are kept until they are deleted")
    func tags() throws {
        var bench = PlatformBench()
        bench.connect()
        bench.subscribe([PlatformBench.topic + "#"])
        _ = bench.heard()
        _ = try ask(
            &bench, "thing/deviceinfo/update", #"[{"attrKey":"hall","attrValue":"7"},{"attrKey":"a","attrValue":"b"}]"#)
        _ = try ask(&bench, "thing/deviceinfo/delete", #"[{"attrKey":"a"}]"#)
        #expect(
            try ask(&bench, "thing/deviceinfo/get", "{}")["data"] == [["attrKey": "hall", "attrValue": "7"]])
    }

    @Test("the shadow: empty, updated, wrong versions and methods")
    func shadow() throws {
        var shadow = DeviceShadow()
        func ask(_ text: String) -> JSONValue { shadow.answer(Array(text.utf8), seconds: 5) }
        func error(_ text: String) -> String? { ask(text)["payload"]?["content"]?["errorcode"]?.text }
        #expect(error(#"{"method":"get"}"#) == "407")
        let update = #"{"method":"update","state":{"reported":{"lamp":1}},"version":1}"#
        #expect(ask(update)["payload"]?["status"] == "success")
        #expect(ask(#"{"method":"get"}"#)["payload"]?["state"]?["reported"] == ["lamp": 1])
        #expect(ask(#"{"method":"get"}"#)["version"]?.integer == 1)
        #expect(error(update) == "403")
        #expect(error("{") == "400")
        #expect(error("{}") == "401")
        #expect(error(#"{"method":"update","version":2}"#) == "402")
        #expect(error(#"{"method":"update","state":{},"version":2}"#) == "404")
        #expect(error(#"{"method":"fly"}"#) == "406")
        #expect(ask(#"{"method":"delete","state":{"reported":"null"}}"#)["payload"]?["status"] == "success")
        #expect(error(#"{"method":"get"}"#) == "407")
    }

    @Test("NTP: the device's time comes back with the platform's own")
    func clock() throws {
        var bench = PlatformBench()
        bench.platform = SimulatedPlatform(
            devices: [CloudDevice(productKey: "pk", deviceName: "device", secret: "secret")], epoch: 1_800_000_000_000)
        bench.connect()
        bench.subscribe(["/ext/ntp/pk/device/response", "/shadow/get/pk/device"])
        bench.wait(.seconds(2))
        _ = bench.heard()
        let publish = MQTTPacket.Publish(
            topic: "/ext/ntp/pk/device/request", payload: Array(#"{"deviceSendTime":"17"}"#.utf8))
        bench.send(.publish(publish))
        let answer = try payload(bench.heard().last)
        #expect(answer["deviceSendTime"] == "17")
        #expect(answer["serverRecvTime"] == "1800000002000")
    }
}
