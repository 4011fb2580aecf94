import BridgeCore
import Testing

@testable import ModemSimulator

/// The command line, busy texts and error codes, by firmware.
@Suite struct FramingTests {
    @Test(
        arguments: [
            (.nonOS13, "AT\r\r\n\r\nOK\r\n"), (.nonOS17, "AT\r\r\n\r\nOK\r\n"), (.espAT2, "AT\r\n\r\nOK\r\n"),
        ] as [(FirmwareVersion, String)])
    func echo(version: FirmwareVersion, reply: String) {
        var bench = Bench(echo: true) { $0.firmware = version }
        #expect(bench.ask("AT") == reply)
        // Only ESP-AT echoes the LF of a line that is no command.
        #expect(bench.ask("no") == (version == .espAT2 ? "no\r\n" : "no\r") + "\r\nERROR\r\n")
        _ = bench.ask("ATE0")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    static let lineEnds: [(String, Reply)] = [
        ("\n", .error),
        ("\r\n", .error),
        ("AT\n", .error),
        ("A\n", .error),
        ("xyz\r\n", .error),
        ("AT\r", .all("")),
    ]

    @Test(arguments: lineEnds)
    func lineEnd(input: String, reply: Reply) {
        for version in FirmwareVersion.allCases {
            var bench = Bench { $0.firmware = version }
            bench.send(input)
            #expect(bench.heard() == reply[version], "\(version.rawValue)")
            bench.send("\n")
            _ = bench.heard()
            #expect(bench.ask("AT") == "\r\nOK\r\n", "\(version.rawValue)")
        }
    }

    /// AT, filling, CR and LF are to fit into 256 bytes.
    @Test(arguments: [
        (252, Reply.error), (253, Reply.nonOS("", espAT: "|ERROR|")), (5000, .nonOS("", espAT: "|ERROR|")),
    ])
    func overlongLine(filling: Int, reply: Reply) {
        for version in FirmwareVersion.allCases {
            var bench = Bench { $0.firmware = version }
            bench.send("AT" + String(repeating: "x", count: filling) + "\r\n")
            #expect(bench.heard() == reply[version], "\(version.rawValue)")
            #expect(bench.ask("AT") == "\r\nOK\r\n", "\(version.rawValue)")
        }
    }

    // MARK: Busy

    @Test(arguments: FirmwareVersion.allCases)
    func busyWhileACommandIsProcessed(version: FirmwareVersion) {
        var bench = Bench { $0.firmware = version }
        bench.send("AT+CWLAP=\"other\"\r\nAT+CIPMUX=1\r\nx\n")
        #expect(bench.heard() == "\r\nbusy p...\r\n\r\nbusy p...\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nOK\r\n")
        #expect(bench.ask("AT+CIPMUX?") == "+CIPMUX:0\r\n\r\nOK\r\n")
    }

    /// NonOS answers each chunk, ESP-AT each line.
    @Test(arguments: [
        ("xy", Reply.nonOS("|busy s...|", espAT: "")), ("AT\r\n", .nonOS("|busy s...|", espAT: "|busy p...|")),
    ])
    func busyWhileAPayloadIsOnItsWay(input: String, reply: Reply) {
        for version in FirmwareVersion.allCases {
            var bench = Bench.connected { $0.firmware = version }
            bench.takesPayload = false
            _ = bench.ask("AT+CIPSEND=2")
            bench.send("hi")
            #expect(bench.heard() == "\r\nRecv 2 bytes\r\n")
            bench.send(input)
            #expect(bench.heard() == reply[version], "\(version.rawValue)")
            bench.feed(.taken(bench.lastDial))
            bench.wait(.seconds(1))
            #expect(bench.heard() == "\r\nSEND OK\r\n")
            #expect(bench.ask("AT") == "\r\nOK\r\n")
            #expect(bench.sent == [Array("hi".utf8)])
        }
    }

    // MARK: ERR CODE

    @Test(
        arguments: [
            ("AT+NOSUCH", "ERR CODE:0x01090000||ERROR|"),
            ("AT+CWJAP_CUR?", "ERR CODE:0x01090000||ERROR|"),
            ("AT+CIPMUX", "ERR CODE:0x010c0000||ERROR|"),
            ("AT+CIFSR?", "ERR CODE:0x010c0000||ERROR|"),
            ("AT+CIPSTART=\"TCP", "ERR CODE:0x01080000||ERROR|"),
            ("AT+CIPMUX=2", "ERR CODE:0x01070000||ERROR|"),
            ("AT+CIPSEND=5", "ERR CODE:0x010a0000||ERROR|"),
            ("xyz", "ERR CODE:0x01030000||ERROR|"),
            ("AT+CWLAP=\"other\"\r\nAT", "ERR CODE:0x010b0000||busy p...||OK|"),
        ])
    func errorCodes(line: String, reply: String) {
        var bench = Bench { $0.firmware = .espAT2 }
        let silent = bench.ask(line)
        #expect(!silent.contains("ERR CODE"))
        _ = bench.ask("AT+SYSLOG=1")
        #expect(bench.ask(line) == Reply.all(reply)[.espAT2])
    }
}
