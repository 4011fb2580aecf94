import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct CommandTests {
    static let ok = "\r\nOK\r\n"
    static let error = "\r\nERROR\r\n"

    static let replies: [(String, String)] = [
        ("AT", ok),
        ("at", ok),
        ("noiseAT", ok),
        ("ATE0", ok),
        ("ATE2", error),
        ("AT+gmr", error),
        ("AT+NOSUCH", error),
        ("AT+CWMODE?", "+CWMODE:1\r\n\(ok)"),
        ("AT+CWMODE_CUR?", "+CWMODE_CUR:1\r\n\(ok)"),
        ("AT+CWMODE_CUR=1", ok),
        ("AT+CWMODE_DEF=3", ok),
        ("AT+CWMODE=0", error),
        ("AT+CWMODE=4", error),
        ("AT+CWMODE=x", error),
        ("AT+CWJAP?", "No AP\r\n\(ok)"),
        ("AT+CWAUTOCONN?", "+CWAUTOCONN:1\r\n\(ok)"),
        ("AT+CWAUTOCONN=0", ok),
        ("AT+CWQAP", ok),
        ("AT+CWLAP", "+CWLAP:(3,\"workshop\",-57,\"c0:25:e9:12:34:56\",6,-12,0,4,4,7,0)\r\n\(ok)"),
        ("AT+CWLAP=\"other\"", ok),
        ("AT+CIFSR", "+CIFSR:STAIP,\"0.0.0.0\"\r\n+CIFSR:STAMAC,\"18:fe:34:a1:b2:c3\"\r\n\(ok)"),
        ("AT+CIPSTATUS", "STATUS:5\r\n\(ok)"),
        ("AT+CIPMUX?", "+CIPMUX:0\r\n\(ok)"),
        ("AT+CIPMUX=1", ok),
        ("AT+CIPMODE?", "+CIPMODE:0\r\n\(ok)"),
        ("AT+CIPMODE=1", ok),
        ("AT+CIPMODE=2", error),
        ("AT+CIPDINFO=1", ok),
        ("AT+CIPSEND", error),
        ("AT+CIPSEND=5", "link is not valid\r\n\(error)"),
        ("AT+CIPCLOSE", error),
        ("AT+CIPSTART=\"TCP\",\"broker\",1883", "no ip\r\n\(error)"),
        ("AT+CIPDOMAIN=\"broker\"", "no ip\r\n\(error)"),
        ("AT+SAVETRANSLINK=1,\"broker\",1883,\"TCP\",60", ok),
        ("AT+SAVETRANSLINK=0", ok),
        ("AT+SAVETRANSLINK=1,\"broker\"", error),
        ("AT+CIPSSLSIZE=4096", ok),
        ("AT+CIPSSLSIZE=4097", error),
        ("AT+SLEEP=0", ok),
        ("AT+SLEEP=3", error),
        ("AT+SYSRAM?", "+SYSRAM:38456\r\n\(ok)"),
        ("AT+SYSMSG_CUR=3", ok),
        ("AT+SYSMSG_CUR=4", error),
        ("AT+UART_CUR?", "+UART_CUR:115273,8,1,0,0\r\n\(ok)"),
        ("AT+UART_CUR=115200,8,1,0", error),
        ("AT+UART_CUR=109,8,1,0,0", error),
        ("AT+UART_CUR=9600,9,1,0,0", error),
        ("AT+UART_DEF=9600,8,1,0,3", ok),
    ]

    @Test(arguments: replies)
    func reply(line: String, reply: String) {
        var bench = Bench()
        #expect(bench.ask(line) == reply)
    }

    @Test func versionHasNoBlankLineBeforeOK() {
        var bench = Bench()
        let reply = bench.ask("AT+GMR")
        #expect(reply.hasPrefix("AT version:1.7.5.0("))
        #expect(reply.hasSuffix("\r\nBin version(Wroom 02):1.7.5\r\nOK\r\n"))
    }

    // MARK: Framing

    @Test func echoShowsACarriageReturnMore() {
        var bench = Bench(echo: true)
        #expect(bench.ask("AT") == "AT\r\r\n\r\nOK\r\n")
        #expect(bench.ask("ATE0") == "ATE0\r\r\n\r\nOK\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
        #expect(bench.ask("ATE1") == "\r\nOK\r\n")
        #expect(bench.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test(arguments: [
        ("\n", "\r\nERROR\r\n"),
        ("\r\n", "\r\nERROR\r\n"),
        ("AT\n", "\r\nERROR\r\n"),
        ("A", ""),
        ("AT", ""),
        ("xyz\r\n", "\r\nERROR\r\n"),
    ])
    func lineEnd(input: String, reply: String) {
        var bench = Bench()
        bench.send(input)
        #expect(bench.heard() == reply)
    }

    @Test(arguments: [(252, false), (253, true), (5000, true)])
    func overlongLineIsDroppedSilently(filling: Int, isDropped: Bool) {
        var bench = Bench()
        // AT, filling, CR and LF are to fit into 256 bytes.
        bench.send("AT" + String(repeating: "x", count: filling) + "\r\n")
        #expect(bench.heard() == (isDropped ? "" : "\r\nERROR\r\n"))
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    @Test func commandArrivesByteByByte() {
        var bench = Bench()
        for character in "AT+CIPMUX?\r\n" {
            bench.send(String(character))
            bench.wait(.milliseconds(1))
        }
        #expect(bench.heard() == "+CIPMUX:0\r\n\r\nOK\r\n")
    }

    // MARK: Busy

    @Test func lineWhileACommandIsProcessedIsRefusedAndForgotten() {
        var bench = Bench()
        bench.send("AT+CWLAP=\"other\"\r\nAT+CIPMUX=1\r\nAT\r\n")
        #expect(bench.heard() == "\r\nbusy p...\r\n\r\nbusy p...\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nOK\r\n")
        #expect(bench.ask("AT+CIPMUX?") == "+CIPMUX:0\r\n\r\nOK\r\n")
    }

    @Test func restartIsTakenWhileBusy() {
        var bench = Bench()
        bench.send("AT+CWLAP\r\nAT+RST\r\n")
        #expect(bench.heard().hasPrefix("\r\nWill force to restart!!!\r\n\r\nOK\r\n"))
        bench.wait(.seconds(1))
        #expect(bench.heard().hasSuffix("\r\nready\r\n"))
        #expect(bench.ask("AT").hasPrefix("AT\r\r\n"))
    }

    // MARK: Speed

    @Test func speedChangesAfterOK() {
        var bench = Bench()
        bench.effects = []
        #expect(bench.ask("AT+UART_CUR=921600,8,1,0,0") == "\r\nOK\r\n")
        #expect(bench.effects == [.setSpeed(baud: 921_600)])
        #expect(bench.ask("AT+UART_CUR?") == "+UART_CUR:930232,8,1,0,0\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+UART_DEF?") == "+UART_DEF:115273,8,1,0,0\r\n\r\nOK\r\n")
        bench.effects = []
        _ = bench.ask("AT+RST")
        #expect(bench.effects == [.setSpeed(baud: 115_200)])
    }
}

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
    /// Bytes have no boundaries: whole, one by one, and cut anywhere, the replies are the same.
    @Test func repliesDoNotDependOnHowBytesAreCut() {
        let conversation = Array(
            ("ATE0\r\nAT+CIPMUX?\r\nnoise\r\n\nAT+GMR\r\nAT+CWLAP\r\nAT\r\n" + String(repeating: "AT+", count: 200)
                + "\r\nATE1\r\nAT+CWMODE?\r\n").utf8)
        func replies(cutBy length: (inout SeededGenerator) -> Int, seed: UInt64) -> String {
            var bench = Bench(echo: true)
            var generator = SeededGenerator(seed: seed)
            var rest = conversation[...]
            while !rest.isEmpty {
                let part = rest.prefix(length(&generator))
                rest = rest.dropFirst(part.count)
                bench.feed(.received(Array(part)))
            }
            bench.wait(.seconds(1))
            return bench.heard()
        }
        let whole = replies(cutBy: { _ in .max }, seed: 0)
        #expect(whole.contains("\r\nbusy p...\r\n"))
        #expect(replies(cutBy: { _ in 1 }, seed: 0) == whole)
        for seed in 1...50 as ClosedRange<UInt64> {
            #expect(replies(cutBy: { Int.random(in: 1...20, using: &$0) }, seed: seed) == whole, "seed \(seed)")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func garbageIsSurvived(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bench = Bench()
        for _ in 0..<64 {
            bench.feed(.received((0..<4096).map { _ in UInt8.random(in: 0...255, using: &generator) }))
            bench.output = []
        }
        bench.send("\r\n")
        bench.wait(.seconds(20))
        _ = bench.heard()
        #expect(bench.ask("AT").hasSuffix("\r\nOK\r\n"))
    }
}
