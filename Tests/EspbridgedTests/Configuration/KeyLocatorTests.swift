import TestSupport
import Testing

@testable import espbridged

@Suite("Lines of keys")
struct KeyLocatorTests {
    @Test("tables, keys, comments and blank lines")
    func plain() {
        let locator = KeyLocator("# head\n\n[serial] # a table\n  baud = 1 # [not.a.table]\n\n[ mqtt ]\nport=1\n")
        #expect(locator.lines == ["serial": 3, "serial.baud": 4, "mqtt": 6, "mqtt.port": 7])
    }

    @Test("dotted and quoted keys")
    func dotted() {
        let locator = KeyLocator(
            "mqtt.port = 1\nmqtt . \"keep_alive\" = 2\n'log'.level = \"a=b\"\n[\"a.b\".c]\nd = 1\n")
        #expect(
            locator.lines == ["mqtt.port": 1, "mqtt.keep_alive": 2, "log.level": 3, "a.b.c": 4, "a.b.c.d": 5])
    }

    @Test(
        "what looks like a key inside a value is none",
        arguments: [
            "\"a = 1 # [b]\"", "'\\'", "\"\\\"\"", "\"\"", "''", "\"\"\"\nx = 1\n\"\"\"", "'''\n[x]\n'''",
            "\"\"\"a\"\"\"\"", "\"\"\"a\"\"\"\"\"", "'''a''''", "\"\"\"\\\"\"\"\"\"\"", "{ a = \"}\", b = [1] }",
        ])
    func values(value: String) {
        let lines = value.split(separator: "\n", omittingEmptySubsequences: false).count
        let locator = KeyLocator("first = \(value)\nlast = 1\n")
        #expect(locator.lines == ["first": 1, "last": 1 + lines])
    }

    @Test("elements of arrays, over several lines")
    func arrays() {
        let locator = KeyLocator(
            "[t]\na = [1, # one, two\n  # [3\n  \"x,\ty\",\n  { f = \"a\", g = [1, 2] }, [\n 1, 2]\n]\nb = 1\n")
        #expect(
            locator.lines
                == ["t": 1, "t.a": 2, "t.a[0]": 2, "t.a[1]": 4, "t.a[2]": 5, "t.a[3]": 5, "t.b": 8])
        #expect(locator.line(of: "t.a[1].filter") == 4)
        #expect(locator.line(of: "t.a[9]") == 2)
    }

    @Test("arrays of tables")
    func arraysOfTables() {
        let locator = KeyLocator("[[m.s]]\nf = 1\n[[m.s]]\nf = 2\n")
        #expect(locator.line(of: "m.s[0].f") == 2)
        #expect(locator.line(of: "m.s[1].f") == 4)
        #expect(locator.line(of: "m.s[1].g") == 3)
        #expect(locator.line(of: "m.s") == 1)
    }

    @Test("what is missing has the line of the table it is missing from, if that is there")
    func missing() {
        let locator = KeyLocator("\n[serial]\n")
        #expect(locator.line(of: "serial.device") == 2)
        #expect(locator.line(of: "wifi.ssid") == nil)
        #expect(locator.line(of: "") == nil)
    }

    @Test("line ends of other systems, a mark at the beginning, no line end at the end")
    func lineEnds() {
        #expect(KeyLocator("\u{FEFF}a = 1\r\n\r\nb = 2").lines == ["a": 1, "b": 3])
    }

    @Test("any text comes to an end", arguments: 0..<50)
    func anyText(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let letters = Array("ab.=[]{}\"'#,\\ \t\n\r\u{0}é")
        let text = String((0..<400).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
        let lines = KeyLocator(text).lines
        let count = text.count { $0.isNewline } + 1
        #expect(lines.values.allSatisfy { (1...count).contains($0) }, "seed \(seed)")
    }
}
