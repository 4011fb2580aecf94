import BridgeCore
import Testing

@testable import ModemSimulator

/// AT+CIPSEND=<n>, AT+CIPSENDEX and AT+CIPSENDBUF, by firmware.
@Suite struct SendTests {
    private static let prompt = Reply.nonOS("|OK|> ", espAT: "|OK||>")

    static let rows: [Row] = [
        Row("AT+CIPSEND=5", .explained("link is not valid")),
        Row("AT+CIPSENDEX=5", .explained("link is not valid")),
        Row("AT+CIPSENDBUF=5", .onlyNonOS("link is not valid||ERROR|")),
        Row(.connected, "AT+CIPSEND=1", prompt),
        Row(.connected, "AT+CIPSEND=2048", prompt),
        Row(.connected, "AT+CIPSEND=2049", .explained("too long")),
        Row(.connected, "AT+CIPSEND=0", .error),
        Row(.connected, "AT+CIPSEND=-1", .error),
        Row(.connected, "AT+CIPSEND=1,2", .error),
        Row(.connected, "AT+CIPSEND", .error),
        Row(.connected, "AT+CIPSENDEX=10", prompt),
        Row(.connected, "AT+CIPSENDEX", .error),
        Row(.connected, "AT+CIPSENDBUF=10", .onlyNonOS("1,0||OK|>")),
        Row(.connected, "AT+CIPSENDBUF=2049", .onlyNonOS("too long||ERROR|")),
        Row(.connected, ["AT+CIPMODE=1"], "AT+CIPSEND=4", .explained("IPMODE=1")),
        Row(.connectedMany, "AT+CIPSEND=0,4", prompt),
        Row(.connectedMany, "AT+CIPSEND=1,4", .explained("link is not valid")),
        Row(.connectedMany, "AT+CIPSEND=5,4", .explained("ID ERROR")),
        Row(.connectedMany, "AT+CIPSEND", .error),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    @Test(arguments: FirmwareVersion.allCases)
    func takenThenAcknowledged(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        _ = bench.ask("AT+CIPSEND=4")
        bench.send("AT")
        bench.wait(.seconds(10))
        #expect(bench.heard() == "")
        bench.send("\r\n")
        #expect(bench.heard() == "\r\nRecv 4 bytes\r\n")
        bench.wait(.milliseconds(9))
        #expect(bench.heard() == "")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nSEND OK\r\n")
        #expect(bench.sent == [Array("AT\r\n".utf8)])
    }

    @Test(arguments: FirmwareVersion.allCases)
    func escapeCancels(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        for command in ["AT+CIPSEND=10", "AT+CIPSENDEX=10", "AT+CIPSEND=3"] {
            _ = bench.ask(command)
            bench.send("+++")
            bench.wait(.milliseconds(30))
            #expect(bench.heard() == "\r\nSEND Canceled\r\n")
            #expect(bench.ask("AT") == "\r\nOK\r\n")
        }
        #expect(bench.sent.isEmpty)
    }

    @Test(arguments: ["++++", "a+++", "++"])
    func otherChunksDoNotCancel(chunk: String) {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSEND=10")
        bench.send(chunk)
        bench.wait(.seconds(1))
        bench.send(String(repeating: "x", count: 10 - chunk.count))
        #expect(bench.heard() == "\r\nRecv 10 bytes\r\n")
    }

    @Test(arguments: FirmwareVersion.allCases)
    func lossWhileOnItsWay(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        bench.takesPayload = false
        _ = bench.ask("AT+CIPSEND=2")
        bench.send("hi")
        _ = bench.heard()
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "\r\nSEND FAIL\r\nCLOSED\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    /// Three retransmissions in NonOS, six in ESP-AT.
    @Test(arguments: [(.nonOS13, 6400), (.nonOS17, 6400), (.espAT2, 63_000)] as [(FirmwareVersion, Int)])
    func unacknowledged(version: FirmwareVersion, milliseconds: Int) {
        var bench = Bench.started(.connected, version)
        bench.feed(.struck(.networkDown))
        _ = bench.ask("AT+CIPSEND=2")
        bench.send("hi")
        #expect(bench.heard() == "\r\nRecv 2 bytes\r\n")
        bench.wait(.milliseconds(milliseconds - 1))
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == "\r\nSEND FAIL\r\nCLOSED\r\n")
    }

    // MARK: AT+CIPSENDEX

    @Test(
        arguments: [
            (#"ab\0"#, "ab"), (#"a\\b\0"#, #"a\b"#), (#"a\+\0"#, "a+"), (#"\\0123456789"#, #"\012345678"#),
            ("0123456789", "0123456789"),
        ])
    func escapes(typed: String, payload: String) {
        for version in FirmwareVersion.allCases {
            for isWhole in [true, false] {
                var bench = Bench.started(.connected, version)
                _ = bench.ask("AT+CIPSENDEX=10")
                isWhole ? bench.send(typed) : typed.forEach { bench.send(String($0)) }
                bench.wait(.seconds(1))
                #expect(bench.heard().hasPrefix("\r\nRecv \(payload.utf8.count) bytes\r\n"))
                #expect(bench.sent == [Array(payload.utf8)])
            }
        }
    }

    @Test func emptyPayloadIsSentAtOnce() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSENDEX=10")
        bench.send(#"\0"#)
        #expect(bench.heard() == "\r\nRecv 0 bytes\r\n\r\nSEND OK\r\n")
        #expect(bench.sent.isEmpty)
    }

    // MARK: AT+CIPSENDBUF

    @Test(arguments: [FirmwareVersion.nonOS13, .nonOS17])
    func segmentsAreAcknowledgedByNumber(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        bench.takesPayload = false
        #expect(bench.ask("AT+CIPSENDBUF=2") == "1,0\r\n\r\nOK\r\n>")
        bench.send("hi")
        #expect(bench.heard() == "\r\nRecv 2 bytes\r\n")
        // The next command needs no acknowledgement.
        #expect(bench.ask("AT+CIPSENDBUF=3") == "2,0\r\n\r\nOK\r\n>")
        bench.send("you")
        #expect(bench.heard() == "\r\nRecv 3 bytes\r\n")
        bench.feed(.taken(bench.lastDial))
        bench.wait(.seconds(1))
        #expect(bench.heard() == "1,SEND OK\r\n2,SEND OK\r\n")
        #expect(bench.ask("AT+CIPSENDBUF=1") == "3,2\r\n\r\nOK\r\n>")
        #expect(bench.sent == [Array("hi".utf8), Array("you".utf8)])
    }

    @Test func segmentsNameTheirLink() {
        var bench = Bench.started(.connectedMany, .nonOS17)
        _ = bench.ask("AT+CIPSENDBUF=0,2")
        bench.send("hi")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nRecv 2 bytes\r\n0,1,SEND OK\r\n")
    }

    @Test func lostSegments() {
        var bench = Bench.connected()
        bench.takesPayload = false
        _ = bench.ask("AT+CIPSENDBUF=2")
        bench.send("hi")
        _ = bench.heard()
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "1,SEND FAIL\r\nCLOSED\r\n")
    }

    @Test(arguments: [(2048, 2, "BUFFER FULL"), (10, 8, "QUEUE FULL")])
    func whatWaitsIsLimited(length: Int, count: Int, text: String) {
        var bench = Bench.connected()
        bench.takesPayload = false
        for _ in 0..<count {
            #expect(bench.ask("AT+CIPSENDBUF=\(length)").hasSuffix(">"))
            bench.feed(.received([UInt8](repeating: 0x61, count: length)))
            _ = bench.heard()
        }
        #expect(bench.ask("AT+CIPSENDBUF=\(length)") == "\(text)\r\n\r\nERROR\r\n")
        bench.feed(.taken(bench.lastDial))
        bench.wait(.seconds(1))
        _ = bench.heard()
        #expect(bench.ask("AT+CIPSENDBUF=\(length)").hasSuffix(">"))
    }
}
