import BridgeCore
import Testing

@Suite struct JSONDocumentSplitterTests {
    private typealias Output = JSONDocumentSplitter.Output

    private static func split(
        _ stream: [UInt8], _ pieces: StreamPieces, maxLength: Int = 1000, end: Bool = true
    ) -> [String] {
        var splitter = JSONDocumentSplitter(maxLength: maxLength)
        var found: [String] = []
        func note(_ output: Output) {
            switch output {
            case .document(let bytes): found.append(String(decoding: bytes, as: UTF8.self))
            case .fault(let fault, let offset): found.append("\(fault.error.rawValue)@\(offset)")
            }
        }
        for var piece in pieces.cut(stream) {
            while let output = splitter.next(from: &piece) { note(output) }
            #expect(piece.isEmpty)
            #expect(splitter.bufferedBytes <= maxLength)
        }
        if end, let output = splitter.finish() { note(output) }
        return found
    }

    @Test(
        "What comes out of a stream does not depend on how it is cut",
        arguments: [
            ("", []),
            ("  \r\n\t ", []),
            ("{}", ["{}"]),
            ("{}{}\n{} {}", ["{}", "{}", "{}", "{}"]),
            ("{\n  \"a\": [1, 2.5e-3, -0],\n  \"b\": null\n}\n", ["{\n  \"a\": [1, 2.5e-3, -0],\n  \"b\": null\n}"]),
            (#"{"a":"}{\"\\\u00e9é€😀"}"#, [#"{"a":"}{\"\\\u00e9é€😀"}"#]),
            (#"{"a":"\ud800"}"#, [#"{"a":"\ud800"}"#]),
            ("{\"a\":{}}\n\n{\"b\":[]}", ["{\"a\":{}}", "{\"b\":[]}"]),
            // Faults, and what is read after them.
            ("hello\n{}", ["invalid-json@0", "{}"]),
            ("{\"a\":tru}\n{}", ["invalid-json@8", "{}"]),
            ("{\"a\":1,}{}\n{}", ["invalid-json@7", "{}"]),
            ("{\"a\" 1}\n{}", ["invalid-json@5", "{}"]),
            ("{a:1}\n{}", ["invalid-json@1", "{}"]),
            ("{\"a\":01}\n{}", ["invalid-json@6", "{}"]),
            ("{\"a\":1.}\n{}", ["invalid-json@7", "{}"]),
            ("{\"a\":-}\n{}", ["invalid-json@6", "{}"]),
            ("{\"a\":1e}\n{}", ["invalid-json@7", "{}"]),
            ("{\"a\":+1}\n{}", ["invalid-json@5", "{}"]),
            ("{\"a\":[1 2]}\n{}", ["invalid-json@8", "{}"]),
            ("{\"a\":[1}\n{}", ["invalid-json@7", "{}"]),
            ("{\"a\":\"\\x\"}\n{}", ["invalid-json@7", "{}"]),
            ("{\"a\":\"\\u12g4\"}\n{}", ["invalid-json@10", "{}"]),
            ("{\"a\":NaN}\n{}", ["invalid-json@5", "{}"]),
            ("}\n{}", ["invalid-json@0", "{}"]),
            // The offending byte is the line feed itself: reading goes on right behind it.
            ("{\"a\":\"b\n{}", ["invalid-json@7", "{}"]),
            // No objects.
            ("[1,{\"a\":[]}]\n{}", ["not-an-object@0", "{}"]),
            ("[1,\n 2]\n{}", ["not-an-object@0", "{}"]),
            (" 42\n{}", ["not-an-object@1", "{}"]),
            ("42 {}\n{}", ["not-an-object@0", "{}"]),
            ("\"text\"\ntrue\nnull", ["not-an-object@0", "not-an-object@7", "not-an-object@12"]),
            ("-1.5e+3", ["not-an-object@0"]),
            // The end in the middle.
            ("{}{\"a\":", ["{}", "invalid-json@7"]),
            ("{\"a\":\"\\", ["invalid-json@7"]),
            ("tru", ["invalid-json@3"]),
            ("garbage without end of line", ["invalid-json@0"]),
        ], StreamPieces.allCases)
    func streams(_ example: (stream: String, expected: [String]), _ pieces: StreamPieces) {
        #expect(Self.split(Array(example.stream.utf8), pieces) == example.expected)
    }

    @Test(
        "A string that is not UTF-8 is a fault at the first wrong byte",
        arguments: [
            ([0x80], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x9F, 0x80], 1), ([0xED, 0xA0, 0x80], 1),
            ([0xF0, 0x8F, 0x80, 0x80], 1), ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5, 0x80], 0), ([0xE2, 0x82, 0x22], 2),
            ([0xFF], 0), ([0x00], 0), ([0x1F], 0), ([0x09], 0),
        ] as [([UInt8], Int)], StreamPieces.allCases)
    func badStrings(_ example: (bytes: [UInt8], place: Int), _ pieces: StreamPieces) {
        let stream = Array("{\"\":\"".utf8) + example.bytes + Array("\"}\n{}".utf8)
        #expect(Self.split(stream, pieces) == ["invalid-json@\(5 + example.place)", "{}"])
    }

    @Test("Every UTF-8 length is accepted at its borders", arguments: StreamPieces.allCases)
    func goodStrings(_ pieces: StreamPieces) {
        let text = "{\"\":\"\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}\"}"
        #expect(Self.split(Array(text.utf8), pieces) == [text])
    }

    @Test("64 levels are read, the 65th is a fault where it opens", arguments: StreamPieces.allCases)
    func depth(_ pieces: StreamPieces) {
        let good = "{\"a\":" + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}"
        let bad = "{\"a\":" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}\n"
        #expect(
            Self.split(Array((good + bad + good).utf8), pieces) == [good, "too-deep@\(good.utf8.count + 68)", good])
    }

    @Test("A document of the permitted length is read, a longer one is a fault", arguments: StreamPieces.allCases)
    func length(_ pieces: StreamPieces) {
        let good = "{\"a\":\"" + String(repeating: "x", count: 92) + "\"}"
        let bad = "{\"a\":\"" + String(repeating: "x", count: 93) + "\"}\n"
        #expect(good.utf8.count == 100)
        #expect(
            Self.split(Array((good + bad + good).utf8), pieces, maxLength: 100) == [good, "too-large@200", good])
    }

    @Test("An endless array is not held in memory and is too large in the end")
    func endlessArray() {
        var splitter = JSONDocumentSplitter(maxLength: 10_000)
        var outputs: [Output] = []
        for index in 0..<2000 {
            var piece = ArraySlice(index == 0 ? "[1234567890".utf8 : ",1234567890".utf8)
            while let output = splitter.next(from: &piece) { outputs.append(output) }
            #expect(splitter.bufferedBytes == 0)
        }
        #expect(outputs == [.fault(.tooLarge(limit: 10_000), offset: 10_000)])
    }

    @Test(
        "Random bytes never trap, and the next object after a line feed is read",
        arguments: 1...20 as ClosedRange<UInt64>)
    func randomBytes(seed: UInt64) {
        var generator = StreamGenerator(seed: seed)
        let alphabet = Array("{}[]\",:\\u0123eE+-.truefalsn \n\u{E9}".utf8) + [0x00, 0xFF, 0xC0]
        var stream = (0..<5000).map { _ in
            seed.isMultiple(of: 2)
                ? alphabet.randomElement(using: &generator)! : UInt8.random(in: 0...255, using: &generator)
        }
        // A quote, so that no document or string is open, and a new line.
        stream += Array("\n\u{1}\n{\"good\":1}".utf8)
        let results = StreamPieces.allCases.map { Self.split(stream, $0) }
        #expect(results.allSatisfy { $0 == results[0] })
        #expect(results[0].last == "{\"good\":1}")
    }
}
