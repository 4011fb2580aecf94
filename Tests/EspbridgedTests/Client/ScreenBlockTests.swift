import Testing

@testable import espbridged

/// `status --watch` on a terminal.
@Suite("A block that is drawn anew in its place")
struct ScreenBlockTests {
    @Test("goes up by its own height, and clears what it no longer needs")
    func redraws() {
        var block = ScreenBlock()
        #expect(block.drawing("a\nb\nc", columns: 80, rows: 24) == "\r\u{1B}[Ka\n\r\u{1B}[Kb\n\r\u{1B}[Kc\n")
        #expect(
            block.drawing("d", columns: 80, rows: 24) == "\u{1B}[3A\r\u{1B}[Kd\n\r\u{1B}[K\n\r\u{1B}[K\n\u{1B}[2A")
        #expect(block.drawing("e", columns: 80, rows: 24) == "\u{1B}[1A\r\u{1B}[Ke\n")
    }

    @Test("is never wider or higher than the terminal, which would upset the count")
    func fits() {
        var block = ScreenBlock()
        #expect(block.drawing("abcdef\nb\nc\nd", columns: 3, rows: 3) == "\r\u{1B}[Kabc\n\r\u{1B}[Kb\n")
    }
}
