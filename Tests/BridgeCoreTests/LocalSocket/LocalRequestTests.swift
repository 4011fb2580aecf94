import BridgeCore
import Testing

@Suite struct LocalRequestTests {
    private static let rules = TopicRules.aliyun(productKey: "a1B2", deviceName: "gw-1")

    private static func parse(_ text: String, rules: TopicRules = rules) throws(LocalRefusal) -> LocalRequest {
        var ids = AlinkIDs(start: 7)
        return try LocalRequest.parse(Array(text.utf8), rules: rules, ids: &ids)
    }

    private static func publish(_ text: String) throws -> PublishRequest {
        guard case .publish(let request) = try parse(text) else { throw Unexpected() }
        return request
    }

    private struct Unexpected: Error {}

    private static func answer(_ text: String) -> String {
        do {
            return "\(try parse(text))"
        } catch {
            return String(decoding: LocalAnswer.refused(error).dropLast(), as: UTF8.self)
        }
    }

    // MARK: Alink

    @Test("The message of the field notes goes out byte for byte")
    func fieldNotes() throws {
        let text = #"{"id":"1562283421","version":"1.0.0","params":{"temp":12},"method":"thing.event.property.set"}"#
        let request = try Self.publish(text)
        #expect(request.topic == "/sys/a1B2/gw-1/thing/event/property/set")
        #expect(request.payload == Array(text.utf8))
        #expect(request.alinkID == "1562283421")
        #expect(request.method == "thing.event.property.set")
        #expect(request.until == .queued)
        #expect(request.qos == nil)
    }

    @Test(
        "Only a missing id or version is added, right behind the opening brace",
        arguments: [
            (#"{ "method":"a.b" }"#, #"{"id":"7","version":"1.0", "method":"a.b" }"#),
            (#"{"method":"a.b","id":"5"}"#, #"{"version":"1.0","method":"a.b","id":"5"}"#),
            (#"{"method":"a.b","version":"1.0"}"#, #"{"id":"7","method":"a.b","version":"1.0"}"#),
            (
                "{\n  \"id\": \"5\",\n  \"version\": \"1.0\",\n  \"method\": \"a.b\", \"params\": {\"t\": 10.0}\n}",
                "{\n  \"id\": \"5\",\n  \"version\": \"1.0\",\n  \"method\": \"a.b\", \"params\": {\"t\": 10.0}\n}"
            ),
        ])
    func additions(_ example: (given: String, sent: String)) throws {
        #expect(String(decoding: try Self.publish(example.given).payload, as: UTF8.self) == example.sent)
    }

    @Test("Ids are given out one after the other, and wrap")
    func ids() {
        var ids = AlinkIDs(start: .max)
        #expect([ids.next(), ids.next(), ids.next()] == ["4294967295", "0", "1"])
    }

    @Test(
        "An id is a string of a decimal uint32",
        arguments: [
            ("\"0\"", true), ("\"4294967295\"", true), ("\"4294967296\"", false), ("\"\"", false), ("\"-1\"", false),
            ("\"+1\"", false), ("\"12345678901\"", false), ("5", false), ("null", false), ("\"0x1\"", false),
            ("\"0000000001\"", true), ("\"١\"", false),
        ])
    func idRules(_ example: (id: String, isGood: Bool)) {
        let text = "{\"method\":\"a.b\",\"id\":\(example.id)}"
        if example.isGood {
            #expect(throws: Never.self) { try Self.parse(text) }
        } else {
            #expect(throws: LocalRefusal.self) { try Self.parse(text) }
            #expect(Self.answer(text).contains("\"error\":\"invalid-id\""))
        }
    }

    @Test(
        "A method is words between dots",
        arguments: [
            ("thing.event.block:prop.post", true), ("a", true), ("A_b-9:c", true), ("", false), (".a", false),
            ("a.", false), ("a..b", false), ("a/b", false), ("a b", false), ("a.#", false), ("ä", false), ("+", false),
        ])
    func methodRules(_ example: (method: String, isGood: Bool)) {
        let answer = Self.answer("{\"method\":\"\(example.method)\"}")
        #expect(answer.contains("invalid-method") == !example.isGood)
    }

    @Test("A topic of more than 128 bytes is refused on Aliyun")
    func longMethod() throws {
        let prefix = "/sys/a1B2/gw-1/".utf8.count
        _ = try Self.parse("{\"method\":\"\(String(repeating: "a", count: 128 - prefix))\"}")
        #expect(
            Self.answer("{\"method\":\"\(String(repeating: "a", count: 129 - prefix))\"}").contains("invalid-topic"))
    }

    // MARK: Refusals

    @Test(
        "A refusal has a stable word, and what identifies the request",
        arguments: [
            (#"{}"#, "invalid-request", nil, nil),
            (#"{"id":"9"}"#, "invalid-request", #""9""#, nil),
            (#"{"id":"9","code":true,"data":{}}"#, "invalid-request", #""9""#, nil),
            (#"{"id":5,"method":"a.b"}"#, "invalid-id", "5", nil),
            (#"{"id":{"a":1},"method":"a.b"}"#, "invalid-id", nil, nil),
            (#"{"id":"9","method":5}"#, "invalid-method", #""9""#, nil),
            (#"{"id":"9","id":"8","method":"a.b"}"#, "invalid-request", #""9""#, nil),
            (#"{"method":"a.b","method":"a.c"}"#, "invalid-request", nil, nil),
            (#"{"method":"a.b","version":"1","version":"1"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"hello","bridge":"status"}"#, "invalid-request", nil, nil),
            (#"{"bridge":5,"tag":[1, 2]}"#, "invalid-request", nil, "[1,2]"),
            (#"{"bridge":"dance","tag":"x"}"#, "unknown-operation", nil, #""x""#),
            (#"{"bridge":"receipt","tag":7}"#, "invalid-request", nil, "7"),
            (#"{"bridge":"receipt","receipt":1,"id":"5"}"#, "invalid-request", #""5""#, nil),
            (#"{"bridge":"receipt","receipt":"1"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"receipt","receipt":0}"#, "invalid-request", nil, nil),
            (#"{"bridge":"receipt","id":"x"}"#, "invalid-id", #""x""#, nil),
            (#"{"bridge":"publish"}"#, "invalid-request", nil, nil),
            (
                #"{"bridge":"publish","tag":{"k": 1},"message":{"id":"x","method":"a.b"}}"#, "invalid-id", #""x""#,
                #"{"k":1}"#
            ),
            (#"{"bridge":"publish","message":{"id":"9"}}"#, "invalid-method", #""9""#, nil),
            (#"{"bridge":"publish","message":"x"}"#, "invalid-request", nil, nil),
            (
                #"{"bridge":"publish","message":{"method":"a.b"},"topic":"/a1B2/gw-1/user/x"}"#, "invalid-request", nil,
                nil
            ),
            (#"{"bridge":"publish","topic":"/a1B2/gw-1/user/x"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","topic":"/a1B2/gw-1/user/x","text":"a","payload":1}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","topic":5,"text":"a"}"#, "invalid-topic", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"expire":1}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"qos":2}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"qos":0,"qos":1}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"until":"soon"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"expires":0}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"expires":"60"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"expires":1e99}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"key":""}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","message":{"method":"a.b"},"key":"\ud800"}"#, "invalid-request", nil, nil),
            (#"{"bridge":"publish","topic":"/a1B2/gw-1/user/x","text":"\ud800"}"#, "invalid-request", nil, nil),
            (
                #"{"bridge":"publish","topic":"/a1B2/gw-1/user/x","text":"a","until":"confirmed"}"#, "invalid-request",
                nil, nil
            ),
        ] as [(String, String, String?, String?)])
    func refusals(_ example: (text: String, error: String, id: String?, tag: String?)) throws {
        let refusal = #expect(throws: LocalRefusal.self) { try Self.parse(example.text) }
        #expect(refusal?.error.rawValue == example.error)
        #expect(refusal?.id == example.id.map { Array($0.utf8) })
        #expect(refusal?.tag == example.tag.map { Array($0.utf8) })
        #expect(refusal?.detail.isEmpty == false)
    }

    @Test("A tag of 1024 bytes is echoed, a longer one refused")
    func tagLength() throws {
        let fits = String(repeating: "x", count: 1022)
        #expect(try Self.parse("{\"bridge\":\"hello\",\"tag\":\"\(fits)\"}") == .hello(tag: Array("\"\(fits)\"".utf8)))
        #expect(Self.answer("{\"bridge\":\"hello\",\"tag\":\"\(fits)y\"}").contains("invalid-request"))
    }

    // MARK: Requests to the daemon

    @Test("Where a message stands is asked by number or by id")
    func receipt() throws {
        #expect(try Self.parse(#"{"bridge":"receipt","receipt":4711}"#) == .receipt(.number(4711), tag: nil))
        #expect(try Self.parse(#"{"bridge":"receipt","id":"5","tag":1}"#) == .receipt(.id("5"), tag: Array("1".utf8)))
    }

    @Test("A method beside a bridge key is no Alink request")
    func bridgeWins() throws {
        #expect(try Self.parse(#"{"bridge":"status","method":"a.b","tag":1}"#) == .status(tag: Array("1".utf8)))
    }

    @Test("All options of a publish request are read")
    func options() throws {
        let request = try Self.publish(
            #"{"bridge":"publish","message":{ "method":"a.b", "id":"3","version":"1.0" },"until":"confirmed","qos":0,"#
                + #""expires":1.5,"key":"k","tag":null}"#)
        #expect(request.topic == "/sys/a1B2/gw-1/a/b")
        #expect(request.payload == Array(#"{ "method":"a.b", "id":"3","version":"1.0" }"#.utf8))
        #expect(request.until == .confirmed)
        #expect(request.qos == 0)
        #expect(request.expires == 1500)
        #expect(request.key == "k")
        #expect(request.tag == Array("null".utf8))
    }

    @Test(
        "Content in its three forms",
        arguments: [
            (#""payload": {"a" : [1, 2.0]}"#, Array(#"{"a" : [1, 2.0]}"#.utf8)),
            (#""payload":"text""#, Array(#""text""#.utf8)),
            (#""payload":null"#, Array("null".utf8)),
            (#""text":"a\u00e9\n""#, Array("aé\n".utf8)),
            (#""text":"""#, []),
            (#""base64":"AAEC/w==""#, [0, 1, 2, 255]),
            (#""base64":"""#, []),
        ] as [(String, [UInt8])])
    func content(_ example: (member: String, payload: [UInt8])) throws {
        let request = try Self.publish(
            "{\"bridge\":\"publish\",\"topic\":\"/a1B2/gw-1/user/update\",\(example.member)}")
        #expect(request.topic == "/a1B2/gw-1/user/update")
        #expect(request.payload == example.payload)
        #expect(request.alinkID == nil)
    }

    @Test(
        "Base64 that is not exact is refused", arguments: ["A", "AA", "AAA", "AA=A", "A===", "AB==", "AA-_", "AA\\n=="])
    func badBase64(text: String) {
        #expect(
            Self.answer("{\"bridge\":\"publish\",\"topic\":\"/a1B2/gw-1/user/x\",\"base64\":\"\(text)\"}")
                .contains("invalid-request"))
    }

    @Test("An Alink envelope sent to a topic of one's choice can be confirmed")
    func envelopeToTopic() throws {
        let request = try Self.publish(
            #"{"bridge":"publish","topic":"/sys/a1B2/gw-1/thing/x","payload":{"id":"3"},"until":"confirmed"}"#)
        #expect(request.alinkID == "3")
    }

    @Test("A payload over 256 KiB is refused on Aliyun")
    func largePayload() {
        let text = String(repeating: "x", count: 262_145)
        let answer = Self.answer("{\"bridge\":\"publish\",\"topic\":\"/a1B2/gw-1/user/x\",\"text\":\"\(text)\"}")
        #expect(answer.contains("too-large"))
    }
}
