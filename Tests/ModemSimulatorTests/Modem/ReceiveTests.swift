import BridgeCore
import Testing

@testable import ModemSimulator

/// `+IPD` and passive receive, by firmware.
@Suite struct ReceiveTests {
    static let rows: [Row] = [
        Row("AT+CIPDINFO=1", .ok),
        Row("AT+CIPDINFO=2", .error),
        Row("AT+CIPRECVMODE=1", .since14("|OK|")),
        Row("AT+CIPRECVMODE=2", .error),
        Row(.booted, ["AT+CIPRECVMODE=1"], "AT+CIPRECVMODE?", .since14("+CIPRECVMODE:1||OK|")),
        Row(.booted, ["AT+CIPMODE=1"], "AT+CIPRECVMODE=1", .error),
        Row(
            .booted, ["AT+CIPRECVMODE=1"], "AT+CIPMODE=1", .each(nonOS13: "|OK|", nonOS17: "|ERROR|", espAT: "|ERROR|")),
        Row(
            "AT+CIPRECVLEN?",
            .each(nonOS13: "|ERROR|", nonOS17: "+CIPRECVLEN:0,0,0,0,0||OK|", espAT: "+CIPRECVLEN:-1,-1,-1,-1,-1||OK|")),
        Row(
            .connected, ["AT+CIPRECVMODE=1"], "AT+CIPRECVLEN?",
            .each(nonOS13: "|ERROR|", nonOS17: "+CIPRECVLEN:0,0,0,0,0||OK|", espAT: "+CIPRECVLEN:0,-1,-1,-1,-1||OK|")),
        Row(.connected, ["AT+CIPRECVMODE=1"], "AT+CIPRECVDATA=10", .error),
        Row(.connected, ["AT+CIPRECVMODE=1"], "AT+CIPRECVDATA=0", .error),
        Row(.connected, "AT+CIPRECVDATA=10", .error),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    /// A link with data `Hello` that has not been read.
    private static func waiting(
        _ start: Row.Start, _ version: FirmwareVersion, before: [String] = ["AT+CIPRECVMODE=1"]
    ) -> Bench {
        var bench = Bench.started(start, version)
        for line in before { _ = bench.ask(line) }
        bench.feed(.arrived(bench.lastDial, Array("Hello".utf8)))
        return bench
    }

    private static let passive: [FirmwareVersion] = [.nonOS17, .espAT2]

    // MARK: +IPD with data

    @Test(
        arguments: [
            (.connected, [], .all("|+IPD,5:Hello")),
            (.connectedMany, [], .all("|+IPD,0,5:Hello")),
            (
                .connected, ["AT+CIPDINFO=1"],
                .nonOS("|+IPD,5,127.0.0.1,1883:Hello", espAT: "|+IPD,5,\"127.0.0.1\",1883:Hello")
            ),
            (
                .connectedMany, ["AT+CIPDINFO=1"],
                .nonOS("|+IPD,0,5,127.0.0.1,1883:Hello", espAT: "|+IPD,0,5,\"127.0.0.1\",1883:Hello")
            ),
        ] as [(Row.Start, [String], Reply)])
    func activeForms(start: Row.Start, before: [String], reply: Reply) {
        for version in FirmwareVersion.allCases {
            var bench = Self.waiting(start, version, before: before)
            #expect(bench.heard() == reply[version], "\(version.rawValue)")
        }
    }

    @Test(arguments: FirmwareVersion.allCases)
    func segmentsAndALineEndThatIsMissing(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        bench.feed(.arrived(bench.lastDial, [UInt8](repeating: 0x61, count: 1461)))
        bench.feed(.ended(bench.lastDial))
        let filling = String(repeating: "a", count: 1460)
        #expect(bench.heard() == "\r\n+IPD,1460:\(filling)\r\n+IPD,1:aCLOSED\r\n")
    }

    @Test(arguments: FirmwareVersion.allCases)
    func dataComesBetweenPromptAndSendOK(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        _ = bench.ask("AT+CIPSEND=2")
        bench.feed(.arrived(bench.lastDial, [0x31]))
        bench.send("hi")
        bench.feed(.arrived(bench.lastDial, [0x32]))
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\n+IPD,1:1\r\nRecv 2 bytes\r\n\r\n+IPD,1:2\r\nSEND OK\r\n")
    }

    @Test("an answer to what was sent acknowledges it: SEND OK comes first")
    func answerAcknowledges() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSEND=2")
        bench.send("hi")
        bench.wait(.microseconds(100))
        bench.feed(.arrived(bench.lastDial, [0x32]))
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n\r\n+IPD,1:2")
    }

    // MARK: Passive receive

    @Test(arguments: passive)
    func notificationsTellTheLengthOnceUntilSomethingIsRead(version: FirmwareVersion) {
        var bench = Self.waiting(.connected, version)
        #expect(bench.heard() == "\r\n+IPD,5\r\n")
        bench.feed(.arrived(bench.lastDial, Array(", you".utf8)))
        #expect(bench.heard() == "")
        _ = bench.ask("AT+CIPRECVDATA=4")
        bench.feed(.arrived(bench.lastDial, [0x21]))
        #expect(bench.heard() == "\r\n+IPD,7\r\n")
        var many = Self.waiting(.connectedMany, version)
        #expect(many.heard() == "\r\n+IPD,0,5\r\n")
    }

    @Test(
        arguments: [
            (
                .connected, [], "AT+CIPRECVDATA=10",
                .nonOS("|+CIPRECVDATA,5:Hello|OK|", espAT: "+CIPRECVDATA:5,Hello|OK|")
            ),
            (.connected, [], "AT+CIPRECVDATA=2", .nonOS("|+CIPRECVDATA,2:He|OK|", espAT: "+CIPRECVDATA:2,He|OK|")),
            (
                .connectedMany, [], "AT+CIPRECVDATA=0,10",
                .nonOS("|+CIPRECVDATA,5:Hello|OK|", espAT: "+CIPRECVDATA:5,Hello|OK|")
            ),
            (
                .connected, ["AT+CIPDINFO=1"], "AT+CIPRECVDATA=10",
                .nonOS("|+CIPRECVDATA,5:Hello|OK|", espAT: "+CIPRECVDATA:5,\"127.0.0.1\",1883,Hello|OK|")
            ),
            (.connected, [], "AT+CIPRECVDATA=2049", .nonOS("|ERROR|", espAT: "+CIPRECVDATA:5,Hello|OK|")),
            (.connectedMany, [], "AT+CIPRECVDATA=1,10", .error),
            (.connectedMany, [], "AT+CIPRECVDATA=5,10", .explained("ID ERROR")),
            (
                .connected, [], "AT+CIPRECVLEN?",
                .nonOS("+CIPRECVLEN:5,0,0,0,0||OK|", espAT: "+CIPRECVLEN:5,-1,-1,-1,-1||OK|")
            ),
            (.connected, ["AT+CIPRECVDATA=10"], "AT+CIPRECVDATA=10", .error),
        ] as [(Row.Start, [String], String, Reply)])
    func reading(start: Row.Start, before: [String], line: String, reply: Reply) {
        for version in Self.passive {
            var bench = Self.waiting(start, version)
            for line in before { _ = bench.ask(line) }
            _ = bench.heard()
            #expect(bench.ask(line) == reply[version], "\(version.rawValue)")
        }
    }

    /// NonOS forgets what was not read; ESP-AT says CLOSED when it was.
    @Test func peerClosesBeforeAllIsRead() {
        var nonOS = Self.waiting(.connected, .nonOS17)
        nonOS.feed(.ended(nonOS.lastDial))
        #expect(nonOS.heard() == "\r\n+IPD,5\r\nCLOSED\r\n")
        #expect(nonOS.ask("AT+CIPRECVDATA=10") == "\r\nERROR\r\n")

        var espAT = Self.waiting(.connected, .espAT2)
        espAT.feed(.ended(espAT.lastDial))
        #expect(espAT.heard() == "\r\n+IPD,5\r\n")
        #expect(espAT.ask("AT+CIPRECVDATA=2") == "+CIPRECVDATA:2,He\r\nOK\r\n")
        #expect(espAT.ask("AT+CIPRECVDATA=10") == "+CIPRECVDATA:3,llo\r\nOK\r\nCLOSED\r\n")
        #expect(espAT.ask("AT+CIPSTATUS") == "STATUS:4\r\n\r\nOK\r\n")
    }

    @Test(arguments: [(.nonOS17, 2920), (.espAT2, 5760)] as [(FirmwareVersion, Int)])
    func windowClosesWhenNothingIsRead(version: FirmwareVersion, window: Int) {
        var bench = Self.waiting(.connected, version)
        let link = bench.lastDial
        bench.feed(.arrived(link, [UInt8](repeating: 0x61, count: window - 6)))
        let before = bench.modem.isWindowClosed(link)
        #expect(!before)
        bench.feed(.arrived(link, [0x61]))
        let after = bench.modem.isWindowClosed(link)
        #expect(after)
        bench.feed(.arrived(link, [0x61, 0x61]))
        #expect(bench.ask("AT+CIPRECVLEN?").contains("+CIPRECVLEN:\(window),"))
        _ = bench.ask("AT+CIPRECVDATA=2048")
        let read = bench.modem.isWindowClosed(link)
        #expect(!read)
    }

    @Test func whatIsKeptForAHostThatDoesNotReadIsLimited() {
        var bench = Self.waiting(.connected, .nonOS17)
        let link = bench.lastDial
        for _ in 0..<64 { bench.feed(.arrived(link, [UInt8](repeating: 0x61, count: 4096))) }
        #expect(bench.heard().hasSuffix("CLOSED\r\n"))
        #expect(bench.effects.contains(.close(link)))
    }

    @Test(arguments: passive)
    func returnToActiveReceiveDelivers(version: FirmwareVersion) {
        var bench = Self.waiting(.connected, version)
        _ = bench.heard()
        #expect(bench.ask("AT+CIPRECVMODE=0") == "\r\nOK\r\n\r\n+IPD,5:Hello")
    }
}
