import BridgeCore
import Testing

@testable import ModemSimulator

/// Replies about TCP links, by firmware.
@Suite struct LinkCommandTable {
    private static let start = "AT+CIPSTART=\"TCP\",\"broker\",1883"
    private static let line = "0,\"TCP\",\"127.0.0.1\",1883,50001,0|"

    static let rows: [Row] = [
        Row("AT+CIPMUX?", .all("+CIPMUX:0||OK|")),
        Row("AT+CIPMUX=1", .ok),
        Row("AT+CIPMUX=2", .error),
        Row(.joinedMany, "AT+CIPMUX?", .all("+CIPMUX:1||OK|")),
        Row(.connected, "AT+CIPMUX=1", .explained("link is builded")),
        Row(.booted, ["AT+CIPMODE=1"], "AT+CIPMUX=1", .explained("IPMODE must be 0")),
        Row(start, .explained("no ip")),
        Row(.joined, start, .all("CONNECT||OK|")),
        Row(.joined, start + ",0", .all("CONNECT||OK|")),
        Row(.joined, start + ",7200", .all("CONNECT||OK|")),
        Row(.joined, start + ",7201", .error),
        Row(.joined, start + ",60,\"192.168.1.23\"", .onlyESPAT("CONNECT||OK|")),
        Row(.joined, start + ",,\"192.168.1.23\"", .onlyESPAT("CONNECT||OK|")),
        Row(.connected, start, .explained("ALREADY CONNECTED")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"nowhere\",1883", .explained("DNS Fail")),
        Row(.joined, "AT+CIPSTART=\"XYZ\",\"broker\",1883", .explained("Link type ERROR")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"\",1883", .explained("IP ERROR")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"\(String(repeating: "h", count: 65))\",1883", .explained("IP ERROR")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"broker\",0", .explained("ENTRY ERROR")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"broker\",65536", .explained("ENTRY ERROR")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"broker\"", .explained("Miss param")),
        Row(.joined, "AT+CIPSTART=\"TCP\"", .explained("Miss param")),
        Row(.joined, "AT+CIPSTART=0,\"TCP\",\"broker\",1883", .explained("MUX=0")),
        Row(.joined, "AT+CIPSTART=\"TCP\",\"broker", .error),
        Row(.joined, "AT+CIPSTART", .error),
        Row(.joinedMany, start, .explained("MUX=1")),
        Row(.joinedMany, "AT+CIPSTART=5,\"TCP\",\"broker\",1883", .explained("ID ERROR")),
        Row(.joinedMany, "AT+CIPSTART=4,\"TCP\",\"broker\",1883", .all("4,CONNECT||OK|")),
        Row(.joined, ["AT+CIPMODE=1"], "AT+CIPSTART=\"SSL\",\"broker\",8883", .explained("ssl must on TCP")),
        Row("AT+CIPSSLSIZE=2048", .onlyNonOS("|OK|")),
        Row("AT+CIPSSLSIZE=4096", .onlyNonOS("|OK|")),
        Row("AT+CIPSSLSIZE=4097", .error),
        Row("AT+CIPSTATUS", .nonOS("STATUS:5||OK|", espAT: "STATUS:1||OK|")),
        Row(.booted, ["AT+CWMODE=0"], "AT+CIPSTATUS", .nonOS("STATUS:5||OK|", espAT: "STATUS:0||OK|")),
        Row(.joined, ["AT+CWQAP"], "AT+CIPSTATUS", .all("STATUS:5||OK|")),
        Row(.joined, "AT+CIPSTATUS", .all("STATUS:2||OK|")),
        Row(.connected, "AT+CIPSTATUS", .all("STATUS:3|+CIPSTATUS:\(line)|OK|")),
        Row(.connected, ["AT+CIPCLOSE"], "AT+CIPSTATUS", .all("STATUS:4||OK|")),
        Row(.joined, "AT+CIPSTATE?", .onlyESPAT("|OK|")),
        Row(.connected, "AT+CIPSTATE?", .onlyESPAT("+CIPSTATE:\(line)|OK|")),
        Row("AT+CIPMODE?", .all("+CIPMODE:0||OK|")),
        Row("AT+CIPMODE=1", .ok),
        Row("AT+CIPMODE=2", .error),
        Row(.booted, ["AT+CIPMODE=1"], "AT+CIPMODE?", .all("+CIPMODE:1||OK|")),
        Row(.joinedMany, "AT+CIPMODE=1", .explained("CIPMUX and CIPSERVER must be 0")),
        Row("AT+CIPCLOSE", .error),
        Row(.connected, "AT+CIPCLOSE", .all("CLOSED||OK|")),
        Row(.connected, "AT+CIPCLOSE=0", .explained("MUX=0")),
        Row(.connectedMany, "AT+CIPCLOSE", .explained("MUX=1")),
        Row(.connectedMany, "AT+CIPCLOSE=0", .all("0,CLOSED||OK|")),
        Row(.connectedMany, "AT+CIPCLOSE=5", .all("0,CLOSED||OK|")),
        Row(.connectedMany, "AT+CIPCLOSE=1", .explained("UNLINK")),
        Row(.connectedMany, "AT+CIPCLOSE=6", .explained("ID ERROR")),
        Row("AT+SAVETRANSLINK=1,\"broker\",1883,\"TCP\",60", .ok),
        Row("AT+SAVETRANSLINK=1,\"broker\",1883", .ok),
        Row("AT+SAVETRANSLINK=0", .ok),
        Row("AT+SAVETRANSLINK=1,\"broker\"", .error),
        Row("AT+SAVETRANSLINK=1,\"\(String(repeating: "h", count: 65))\",1883", .error),
        Row("AT+SAVETRANSLINK=2", .error),
        Row("AT+CIPTCPOPT=,1,", .onlyESPAT("|OK|")),
        Row("AT+CIPTCPOPT=-2", .error),
        Row("AT+CIPTCPOPT=,2", .error),
        Row("AT+CIPTCPOPT=,,-1", .error),
        Row(.booted, ["AT+CIPTCPOPT=,1", "AT+CIPTCPOPT=5"], "AT+CIPTCPOPT?", .onlyESPAT("+CIPTCPOPT:0,5,1,0||OK|")),
        Row(
            .joinedMany, ["AT+CIPTCPOPT=5,0,1,9", "AT+CIPTCPOPT=3,-1"], "AT+CIPTCPOPT?",
            .onlyESPAT(
                "+CIPTCPOPT:0,0,1,9|+CIPTCPOPT:1,0,1,9|+CIPTCPOPT:2,0,1,9|+CIPTCPOPT:3,-1,1,9|+CIPTCPOPT:4,0,1,9||OK|")),
        Row("AT+CIPRECONNINTV?", .onlyESPAT("+CIPRECONNINTV:1||OK|")),
        Row("AT+CIPTCPOPT=-1,1,0", .onlyESPAT("|OK|")),
        Row(.joinedMany, "AT+CIPTCPOPT=0,-1,1,0", .onlyESPAT("|OK|")),
        Row(.joinedMany, "AT+CIPTCPOPT=,,1", .error),
        Row("AT+CIPTCPOPT=\"x\"", .error),
        Row("AT+CIPRECONNINTV=1", .onlyESPAT("|OK|")),
        Row("AT+CIPRECONNINTV=36000", .onlyESPAT("|OK|")),
        Row("AT+CIPRECONNINTV=0", .error),
        Row("AT+CIPRECONNINTV=36001", .error),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    // MARK: Dials that fail

    /// NonOS always says CLOSED after the ERROR; ESP-AT on some runs.
    @Test(arguments: [FirmwareVersion.nonOS13, .nonOS17])
    func refusalIsClosedAfterError(version: FirmwareVersion) {
        var bench = Bench.started(.joined, version)
        bench.network = .refuses
        bench.send(Self.start + "\r\n")
        bench.wait(.milliseconds(55))
        let first = bench.heard()
        bench.wait(.milliseconds(60))
        #expect(first + bench.heard() == "\r\nERROR\r\nCLOSED\r\n")
        _ = bench.ask("AT+CIPMUX=1")
        #expect(bench.ask("AT+CIPSTART=0,\"TCP\",\"broker\",1883") == "\r\nERROR\r\n0,CLOSED\r\n")
    }

    @Test func espATMayOrMayNotSayClosed() {
        var replies: Set<String> = []
        for seed in 1...20 as ClosedRange<UInt64> {
            var bench = Bench.joined {
                $0.firmware = .espAT2
                $0.seed = seed
            }
            bench.network = .refuses
            replies.insert(bench.ask(Self.start))
        }
        #expect(replies == ["\r\nERROR\r\n", "\r\nERROR\r\nCLOSED\r\n"])
    }

    /// SYN and three more in NonOS; lwIP's own limit in ESP-AT.
    @Test(arguments: [(.nonOS13, 3100), (.nonOS17, 3100), (.espAT2, 10_000)] as [(FirmwareVersion, Int)])
    func silentHost(version: FirmwareVersion, milliseconds: Int) {
        var bench = Bench.started(.joined, version)
        bench.send("AT+CIPSTART=\"TCP\",\"10.1.2.3\",1883\r\n")
        bench.wait(.milliseconds(milliseconds - 1))
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == "\r\nERROR\r\n")
    }

    @Test(arguments: FirmwareVersion.allCases)
    func encryptionFailsWithoutADial(version: FirmwareVersion) {
        var bench = Bench.started(.joined, version)
        #expect(bench.ask("AT+CIPSTART=\"SSL\",\"broker\",8883").hasPrefix("\r\nERROR\r\n"))
        #expect(bench.dials == 0)
        #expect(bench.ask(Self.start) == "CONNECT\r\n\r\nOK\r\n")
    }

    // MARK: Texts

    @Test(arguments: [(.nonOS17, "AT+SYSMSG_CUR=2"), (.espAT2, "AT+SYSMSG=2")] as [(FirmwareVersion, String)])
    func linkTextReplacesConnect(version: FirmwareVersion, line: String) {
        var bench = Bench.started(.joined, version)
        _ = bench.ask(line)
        #expect(bench.ask(Self.start) == "+LINK_CONN:0,0,\"TCP\",0,\"127.0.0.1\",1883,50001\r\n\r\nOK\r\n")
    }

    @Test(arguments: FirmwareVersion.allCases)
    func peerCloses(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "CLOSED\r\n")
        var many = Bench.started(.connectedMany, version)
        many.feed(.ended(many.lastDial))
        #expect(many.heard() == "0,CLOSED\r\n")
    }

    /// KEEPIDLE is the argument, then three probes a second apart.
    @Test(arguments: FirmwareVersion.allCases)
    func silentPeerIsNoticedByKeepAlive(version: FirmwareVersion) {
        var bench = Bench.started(.joined, version)
        _ = bench.ask(Self.start + ",60")
        bench.feed(.struck(.networkDown))
        bench.wait(.milliseconds(62_999))
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == "CLOSED\r\n")
    }
}
