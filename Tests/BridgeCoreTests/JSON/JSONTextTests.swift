import BridgeCore
import Testing

@Suite struct JSONTextTests {
    @Test(
        "A value is read as it was written",
        arguments: [
            (#"{"b":1,"a":[true,false,null]}"#, ["b": 1, "a": [true, false, nil]]),
            (" [ ] ", []),
            ("1.50", .number("1.50")),
            ("-0", .number("-0")),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u00e9\ud83d\ude00é😀""#, "é😀é😀"),
            (#"{"a":1,"a":2}"#, ["a": 1, "a": 2]),
            ("\"\"", ""),
        ] as [(String, JSONValue)])
    func parsing(_ example: (text: String, value: JSONValue)) throws {
        #expect(try JSONValue(parsing: example.text.utf8) == example.value)
        #expect(try JSONValue(parsing: example.value.serialized.utf8) == example.value)
    }

    @Test("Half a surrogate pair becomes U+FFFD", arguments: [#""\ud800""#, #""\udc00""#])
    func loneSurrogates(text: String) throws {
        #expect(try JSONValue(parsing: text.utf8) == "\u{FFFD}")
        let string = try #require(JSONText.string(Array(text.utf8)[...]))
        #expect(!string.isExact)
    }

    @Test("A lone high surrogate does not swallow the escape behind it")
    func surrogateThenEscape() throws {
        #expect(try JSONValue(parsing: #""\ud800\u0041\ud800\n""#.utf8) == "\u{FFFD}A\u{FFFD}\n")
    }

    @Test(
        "What is not one JSON value is refused", arguments: ["", " ", "{} {}", "[1,]", "1 2", "01", "{\"a\"}", "\"a"])
    func refused(text: String) {
        #expect(throws: JSONFault.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test("65 levels are refused")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        _ = try JSONValue(parsing: nested(64).utf8)
        #expect(throws: JSONFault.tooDeep(limit: 64)) { try JSONValue(parsing: nested(65).utf8) }
    }

    @Test("Compacting leaves strings and numbers alone")
    func compact() {
        let text = "{ \"a b\" :\n [ 1.0 , \"x \\\" \\\\\" ] }"
        #expect(String(decoding: JSONText.compact(text.utf8), as: UTF8.self) == #"{"a b":[1.0,"x \" \\"]}"#)
    }

    @Test("Members are found with their text as written")
    func index() throws {
        let text = "{ \"id\" : \"1\" , \"p\\u0061rams\":{ \"x\" : [1, 2 ] },\"n\":-1.0e5 ,\"s\":\"a,}\\\"\",\"id\":2}"
        let index = try #require(JSONObjectIndex(Array(text.utf8)[...]))
        #expect(index.members.map(\.name) == ["id", "params", "n", "s", "id"])
        #expect(
            index.members.map { String(decoding: $0.value, as: UTF8.self) }
                == ["\"1\"", "{ \"x\" : [1, 2 ] }", "-1.0e5", "\"a,}\\\"\"", "2"])
        #expect(index.count(of: "id") == 2)
        #expect(index["s"]?.text == "a,}\"")
        #expect(index["n"]?.text == nil)
    }

    @Test("Text that is no valid object gives no index, and no trap", arguments: 1...30 as ClosedRange<UInt64>)
    func indexOfGarbage(seed: UInt64) {
        var generator = StreamGenerator(seed: seed)
        let alphabet = Array("{}[]\",:\\u01".utf8)
        for _ in 0..<200 {
            let length = Int.random(in: 0...30, using: &generator)
            let bytes = (0..<length).map { _ in alphabet.randomElement(using: &generator)! }
            let isValid = (try? JSONText.check(bytes)) != nil && bytes.first == UInt8(ascii: "{")
            let index = JSONObjectIndex(([UInt8(ascii: "{")] + bytes)[1...])
            if isValid { #expect(index != nil) }
        }
        #expect(JSONObjectIndex(Array("[]".utf8)[...]) == nil)
        #expect(JSONObjectIndex(Array("{\"a\"".utf8)[...]) == nil)
    }
}
