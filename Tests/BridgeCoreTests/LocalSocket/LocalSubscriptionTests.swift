import Testing

@testable import BridgeCore

/// What programs subscribe to, and the lines they get.
@Suite("Subscriptions of local programs")
struct LocalSubscriptionTests {
    private func parse(_ text: String) throws -> LocalRequest {
        var ids = AlinkIDs(start: 1)
        return try LocalRequest.parse(
            Array(text.utf8), rules: .aliyun(productKey: "p", deviceName: "d"), ids: &ids)
    }

    @Test("methods, topics, link, observe")
    func reads() throws {
        let text = #"{"bridge":"subscribe","methods":["thing.service.*"],"topics":["/p/d/user/#"],"link":true,"tag":1}"#
        #expect(
            try parse(text)
                == .subscribe(
                    LocalSubscription(methods: ["thing.service.*"], topics: ["/p/d/user/#"], link: true),
                    tag: Array("1".utf8)))
        #expect(
            try parse(##"{"bridge":"subscribe","topics":["#"],"observe":true}"##)
                == .subscribe(LocalSubscription(topics: ["#"], observes: true), tag: nil))
    }

    @Test(
        "mistakes are refused",
        arguments: [
            (#"{"bridge":"subscribe"}"#, RequestError.invalidRequest),
            (#"{"bridge":"subscribe","methods":[]}"#, .invalidRequest),
            (#"{"bridge":"subscribe","methods":"a"}"#, .invalidRequest),
            (#"{"bridge":"subscribe","methods":[1]}"#, .invalidRequest),
            (#"{"bridge":"subscribe","methods":[""]}"#, .invalidRequest),
            (#"{"bridge":"subscribe","topics":["a/#/b"]}"#, .invalidTopic),
            (#"{"bridge":"subscribe","link":1}"#, .invalidRequest),
            (#"{"bridge":"subscribe","link":true,"link":true}"#, .invalidRequest),
            (#"{"bridge":"subscribe","link":true,"method":["a"]}"#, .invalidRequest),
        ])
    func refusals(text: String, error: RequestError) {
        let refusal = #expect(throws: LocalRefusal.self) { try parse(text) }
        #expect(refusal?.error == error)
    }

    @Test(
        "patterns of methods",
        arguments: [
            ("thing.service.*", "thing.service.property.set", true), ("thing.service.*", "thing.event.a", false),
            ("*", "", true), ("*set", "thing.service.property.set", true), ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false), ("thing.service.reboot", "thing.service.reboot", true),
            ("thing.service.reboot", "thing.service.reboots", false), ("", "a", false), ("a*", "", false),
        ])
    func patterns(pattern: String, method: String, matches: Bool) {
        #expect(LocalSubscription.matches(pattern: pattern, method) == matches)
    }

    @Test("a hostile pattern takes no time")
    func hostilePattern() {
        let pattern = String(repeating: "a*", count: 500) + "b"
        #expect(!LocalSubscription.matches(pattern: pattern, String(repeating: "a", count: 20_000)))
    }

    @Test("an Alink response goes out as it was written")
    func response() throws {
        let text = #"{ "id":"7", "code" : 200, "data":{"a":1.0} }"#
        #expect(try parse(text) == .answer(id: "7", payload: Array(text.utf8)))
    }

    @Test(
        "what is no response",
        arguments: [
            (#"{"id":7,"code":200}"#, RequestError.invalidID), (#"{"id":"7","code":"x"}"#, .invalidRequest),
            (#"{"id":"7","code":200,"code":1}"#, .invalidRequest), (#"{"id":"7"}"#, .invalidRequest),
            (#"{"code":200}"#, .invalidRequest),
        ])
    func noResponse(text: String, error: RequestError) {
        let refusal = #expect(throws: LocalRefusal.self) { try parse(text) }
        #expect(refusal?.error == error)
    }

    @Test(
        "a message is one line: JSON as it is, line ends outside of strings left out, all else as base64",
        arguments: [
            (#"{"a":1.0, "b":"é"}"#, #"{"event":"message","topic":"/t","message":{"a":1.0, "b":"é"}}"#),
            ("{\n \"a\" : 1\r\n}", #"{"event":"message","topic":"/t","message":{"a":1}}"#),
            ("12", #"{"event":"message","topic":"/t","message":12}"#),
            ("hello", #"{"event":"message","topic":"/t","base64":"aGVsbG8="}"#),
            ("", #"{"event":"message","topic":"/t","base64":""}"#),
        ])
    func events(payload: String, line: String) {
        let made = LocalEvent.message(topic: "/t", payload: Array(payload.utf8))
        #expect(String(decoding: made, as: UTF8.self) == line + "\n")
    }

    @Test("the method is what the message says, or what its topic says")
    func methods() {
        func method(_ payload: String, _ topic: String) -> String? {
            LocalEvent.method(topic: topic, payload: Array(payload.utf8), prefix: "/sys/p/d/")
        }
        #expect(method(#"{"method":"a.b"}"#, "/sys/p/d/thing/service/x") == "a.b")
        #expect(method(#"{"id":"1"}"#, "/sys/p/d/thing/service/property/set") == "thing.service.property.set")
        #expect(method("bytes", "/sys/p/d/thing/model/down_raw") == "thing.model.down_raw")
        #expect(method("bytes", "/p/d/user/x") == nil)
    }

    @Test("base64 of all lengths", arguments: 0...70)
    func base64(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
}
