import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct CommandLineTests {
    @Test(
        arguments: [
            (#"+CWJAP="ab\\\,c","0123456789\"\\""#, [.text(#"ab\,c"#), .text(#"0123456789"\"#)]),
            (#"+X=1,"a",,-2"#, [.number(1), .text("a"), .empty, .number(-2)]),
            (#"+X="""#, [.text("")]),
        ] as [(String, [CommandLine.Argument])])
    func arguments(line: String, expected: [CommandLine.Argument]) {
        #expect(CommandLine(body: Array(line.utf8)[...]).form == .set(expected))
    }

    @Test(arguments: [#"+X="a"#, #"+X="a"b"#, #"+X="a,b""#, #"+X=1x"#, #"+X="a\"#, "+X=99999999999999999999"])
    func malformed(line: String) {
        #expect(CommandLine(body: Array(line.utf8)[...]).form == .malformed)
    }
}

@Suite struct HostStreamTests {
    private static let conversation = Array(
        ("ATE0\r\nAT+CIPMUX?\r\nnoise\r\n\nAT+GMR\r\nAT+CWLAP\r\nAT\r\n" + String(repeating: "AT+", count: 200)
            + "\r\nATE1\r\nAT+CWMODE?\r\n").utf8)
    private static let escaped = Array("AT+CIPSENDEX=9\r\na\\\\b\\0AT+CIPMUX?\r\n".utf8)
    private static let buffered = Array("AT+CIPSENDBUF=5\r\nHelloAT+CWLAP\r\nAT\r\n".utf8)

    private static func replies(
        to conversation: [UInt8], _ start: Row.Start, _ version: FirmwareVersion, seed: UInt64,
        cutBy length: (inout SeededGenerator) -> Int
    ) -> [[UInt8]] {
        var bench = Bench.started(start, version)
        bench.takesPayload = false
        var generator = SeededGenerator(seed: seed)
        var rest = conversation[...]
        while !rest.isEmpty {
            let part = rest.prefix(length(&generator))
            rest = rest.dropFirst(part.count)
            bench.feed(.received(Array(part)))
        }
        bench.wait(.seconds(1))
        return [bench.output] + bench.sent
    }

    /// Bytes have no boundaries: whole, one by one, and cut anywhere, the replies are the same.
    ///
    /// Not so for what is too much for AT+CIPSEND of NonOS, which says `busy s...` once for each chunk.
    @Test(
        arguments: [
            (.nonOS13, .booted, conversation), (.nonOS17, .booted, conversation), (.espAT2, .booted, conversation),
            (.espAT2, .connected, escaped), (.nonOS13, .connected, buffered), (.nonOS17, .connected, buffered),
        ] as [(FirmwareVersion, Row.Start, [UInt8])])
    func repliesDoNotDependOnHowBytesAreCut(version: FirmwareVersion, start: Row.Start, conversation: [UInt8]) {
        let whole = Self.replies(to: conversation, start, version, seed: 0) { _ in .max }
        #expect(whole[0].contains(Array("\r\nbusy p...\r\n".utf8)))
        #expect(Self.replies(to: conversation, start, version, seed: 0) { _ in 1 } == whole)
        for seed in 1...50 as ClosedRange<UInt64> {
            let cut = Self.replies(to: conversation, start, version, seed: seed) { Int.random(in: 1...20, using: &$0) }
            #expect(cut == whole, "seed \(seed)")
        }
    }

    @Test(arguments: FirmwareVersion.allCases, [1, 2, 3] as [UInt64])
    func garbageIsSurvived(version: FirmwareVersion, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bench = Bench { $0.firmware = version }
        for _ in 0..<64 {
            bench.feed(.received((0..<4096).map { _ in UInt8.random(in: 0...255, using: &generator) }))
            bench.output = []
        }
        bench.send("\r\n")
        bench.wait(.seconds(20))
        _ = bench.heard()
        #expect(bench.ask("AT").hasSuffix("\r\nOK\r\n"))
    }

    /// Every command with every kind of argument: none crashes the module, and each is answered.
    @Test(arguments: FirmwareVersion.allCases)
    func argumentsAreSurvived(version: FirmwareVersion) {
        let arguments = [
            "", "=", "?", "=0", "=1", "=-1", "=\(Int.max)", "=\(Int.min)", "=99999999999999999999", "=\"\"", "=\"x\"",
            "=,,,,,,,,,,,,", "=1,1,1,1,1", "=1,\"x\",1", "=\"TCP\",\"x\",1,1", "=\"\\", "=\u{7F}",
            "=\(Int.max),\(Int.max)",
        ]
        let commands = Firmware.of(version).commands.subtracting(["+RST", "+RESTORE"]).sorted()
        for start in [Row.Start.booted, .connected, .connectedMany] {
            let fresh = Bench.started(start, version)
            for line in commands.flatMap({ name in arguments.map { "AT" + name + $0 } }) {
                var bench = fresh
                #expect(!bench.ask(line).isEmpty, "\(line)")
            }
        }
    }
}
