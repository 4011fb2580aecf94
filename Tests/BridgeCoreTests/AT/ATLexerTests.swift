import TestSupport
import Testing

@testable import BridgeCore

@Suite struct ATLexerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var bytes: String
        var tokens: [ATToken]
        var awaitsPrompt = false
        var testDescription: String { bytes.debugDescription }
    }

    static let cases: [Case] = [
        Case(bytes: "\r\nOK\r\n", tokens: [.line(ATLine("OK"))]),
        Case(bytes: "AT\r\r\n\r\nOK\r\n", tokens: [.line(ATLine("AT")), .line(ATLine("OK"))]),
        Case(bytes: "epc1=0x40001800\nready\n", tokens: [.line(ATLine("epc1=0x40001800")), .line(ATLine("ready"))]),
        Case(bytes: "\r\n\r\n\n \r\n", tokens: []),
        Case(bytes: "no end", tokens: []),
        Case(bytes: "a\rb\r\n", tokens: [.line(ATLine("a\rb"))]),
        Case(bytes: "\r\nOK\r\n\r\n>", tokens: [.line(ATLine("OK"))]),
        Case(bytes: "\r\nOK\r\n\r\n>", tokens: [.line(ATLine("OK")), .prompt], awaitsPrompt: true),
        Case(
            bytes: "\r\nOK\r\n> \r\nRecv 3 bytes\r\n",
            tokens: [.line(ATLine("OK")), .prompt, .line(ATLine("Recv 3 bytes"))], awaitsPrompt: true),
        Case(bytes: "a>b\r\n>", tokens: [.line(ATLine("a>b")), .prompt], awaitsPrompt: true),
        Case(bytes: "a>b\r\n", tokens: [.line(ATLine("a>b"))]),
    ]

    @Test(arguments: cases)
    func cutsInWhateverPieces(_ example: Case) {
        for seed: UInt64 in 0..<20 {
            var random = SplitMix(seed: seed)
            var lexer = ATLexer()
            lexer.awaitsPrompt = example.awaitsPrompt
            var tokens: [ATToken] = []
            var rest = Array(example.bytes.utf8)[...]
            while !rest.isEmpty {
                let count = seed == 0 ? rest.count : seed == 1 ? 1 : Int.random(in: 1...rest.count, using: &random)
                var piece = rest.prefix(count)
                rest = rest.dropFirst(count)
                while let token = lexer.next(&piece) { tokens.append(token) }
                #expect(piece.isEmpty)
            }
            #expect(tokens == example.tokens, "seed \(seed)")
        }
    }

    @Test func leavesWhatFollowsThePromptAlone() {
        var lexer = ATLexer()
        lexer.awaitsPrompt = true
        var input: ArraySlice<UInt8> = [0x0D, 0x0A, 0x3E, 0x20, 0x02, 0x0A]
        #expect(lexer.next(&input) == .prompt)
        #expect(Array(input) == [0x20, 0x02, 0x0A])
    }

    @Test func keepsTheEndOfAnOverlongLine() throws {
        var lexer = ATLexer()
        var input = ([UInt8](repeating: 0xFE, count: 100_000) + Array("ready\r\n".utf8))[...]
        guard case .line(let line)? = lexer.next(&input) else {
            Issue.record("no line")
            return
        }
        #expect(line.bytes.count <= ATLexer.longestLine)
        #expect(line.ends(with: "ready"))
    }

    @Test func holdsLittle() throws {
        var lexer = ATLexer()
        for _ in 0..<1024 {
            var input = [UInt8](repeating: 0x41, count: 1024)[...]
            #expect(lexer.next(&input) == nil)
        }
        let held = try #require(Mirror(reflecting: lexer).descendant("line") as? [UInt8])
        #expect(held.count <= 2 * ATLexer.longestLine)
    }

    @Test(
        arguments: [
            ([0x57, 0xFF, 0x00, 0x0A], "W\\xFF\\x00\\x0A"),
            (Array("Größe".utf8), "Größe"),
            (Array("a\u{85}b".utf8), "a\\xC2\\x85b"),
            (Array("\u{1B}[2J".utf8), "\\x1B[2J"),
        ] as [([UInt8], String)])
    func showsLinesHarmlessly(bytes: [UInt8], text: String) {
        #expect(ATLine(bytes).text == text)
    }
}
