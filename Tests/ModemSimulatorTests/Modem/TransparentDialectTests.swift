import BridgeCore
import Testing

@testable import ModemSimulator

/// Transparent mode row by row, with every firmware.
@Suite struct TransparentDialectTests {
    static func transparent(_ version: FirmwareVersion, before: [String] = [], keepAlive: String = "") -> Bench {
        var bench = Bench.started(.joined, version)
        for line in before { _ = bench.ask(line) }
        _ = bench.ask("AT+CIPSTART=\"TCP\",\"broker\",1883\(keepAlive)")
        _ = bench.ask("AT+CIPMODE=1")
        _ = bench.ask("AT+CIPSEND")
        bench.effects = []
        return bench
    }

    private static func filling(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

    // MARK: Entry

    static let rows: [Row] = [
        Row(.connected, ["AT+CIPMODE=1"], "AT+CIPSEND", .all("|OK||>")),
        Row(.joined, ["AT+CIPMODE=1"], "AT+CIPSEND", .error),
        Row(.connected, "AT+CIPSEND", .error),
        Row(.connectedMany, "AT+CIPSEND", .error),
        Row(.connected, ["AT+CIPMODE=1", "AT+CIPCLOSE"], "AT+CIPSEND", .error),
        Row(.joined, ["AT+CIPMODE=1"], "AT+CIPSTART=\"TCP\",\"broker\",1883", .all("CONNECT||OK|")),
    ]

    @Test(arguments: rows) func entry(_ row: Row) { row.check() }

    @Test(arguments: FirmwareVersion.allCases)
    func payloadIsRawBothWaysAndNotEchoed(version: FirmwareVersion) {
        var bench = Bench.started(.connected, version)
        _ = bench.ask("ATE1")
        _ = bench.ask("AT+CIPMODE=1")
        bench.send("AT+CIPSEND\r\n")
        bench.feed(.arrived(bench.lastDial, [0x20, 0x02, 0x00, 0x00]))
        #expect(bench.heard().hasSuffix("\r\n\r\n>\u{20}\u{02}\u{00}\u{00}"))
        bench.send("AT+GMR\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "")
        #expect(bench.sent == [Array("AT+GMR\r\n".utf8)])
    }

    /// NonOS is silent from AT+CIPMODE=1 on; ESP-AT only while data passes.
    @Test(
        arguments: [
            (true, Reply.nonOS("", espAT: "WIFI DISCONNECT|WIFI CONNECTED|WIFI GOT IP|")), (false, Reply.all("")),
        ])
    func textsAboutWiFi(isCommandMode: Bool, reply: Reply) {
        for version in FirmwareVersion.allCases {
            var bench = isCommandMode ? Bench.started(.joined, version) : Self.transparent(version)
            if isCommandMode { _ = bench.ask("AT+CIPMODE=1") }
            bench.feed(.struck(.accessPointDown))
            bench.feed(.struck(.accessPointUp))
            bench.wait(.seconds(5))
            #expect(bench.heard() == reply[version], "\(version.rawValue)")
        }
    }

    // MARK: Packets

    @Test(arguments: FirmwareVersion.allCases)
    func idleFlush(version: FirmwareVersion) {
        var bench = Self.transparent(version)
        bench.send("one")
        bench.wait(.milliseconds(19))
        bench.send("two")
        bench.wait(.milliseconds(19))
        #expect(bench.sent.isEmpty)
        bench.wait(.milliseconds(1))
        #expect(bench.sent == [Array("onetwo".utf8)])
    }

    @Test(arguments: [(.nonOS13, 2920), (.nonOS17, 2920), (.espAT2, 2048)] as [(FirmwareVersion, Int)])
    func sizeFlush(version: FirmwareVersion, size: Int) {
        var bench = Self.transparent(version)
        bench.feed(.received(Self.filling(size - 1)))
        #expect(bench.sent.isEmpty)
        bench.feed(.received(Self.filling(1)))
        #expect(bench.sent.map(\.count) == [size])
    }

    /// What is kept while a packet is in flight, and that the newest bytes are lost without a word.
    @Test(
        arguments: [(.nonOS13, 2920, 2920), (.nonOS17, 2920, 2920), (.espAT2, 2048, 1024)]
            as [(FirmwareVersion, Int, Int)])
    func newestBytesAreLost(version: FirmwareVersion, size: Int, reserve: Int) {
        var bench = Self.transparent(version)
        bench.takesPayload = false
        bench.feed(.received(Self.filling(size)))
        let kept = (0..<reserve).map { UInt8(truncatingIfNeeded: $0) }
        bench.feed(.received(kept + Self.filling(100)))
        bench.wait(.milliseconds(20))
        let lost = bench.modem.lostBytes
        #expect(lost == 100)
        bench.feed(.taken(bench.lastDial))
        #expect(bench.sent == [Self.filling(size), kept])
        #expect(bench.heard() == "")
    }

    // MARK: +++

    /// Chunks with the milliseconds before each; what goes to the network; whether command mode follows.
    @Test(
        arguments: [
            ([("+++", 100)], [], true),
            ([("+", 100), ("+", 19), ("+", 19)], [], true),
            ([("+", 100), ("+", 21), ("+", 21)], ["+", "+", "+"], false),
            ([("+++\r\n", 100)], ["+++\r\n"], false),
            ([("++++", 100)], ["++++"], false),
            ([("data", 100), ("+++", 19)], ["data+++"], false),
            ([("+++", 100), ("data", 19)], ["+++data"], false),
            ([("data", 100), ("+++", 41)], ["data"], true),
        ] as [([(String, Int)], [String], Bool)])
    func escape(chunks: [(String, Int)], packets: [String], isLeft: Bool) {
        for version in FirmwareVersion.allCases {
            var bench = Self.transparent(version)
            for (text, pause) in chunks {
                bench.wait(.milliseconds(pause))
                bench.send(text)
            }
            bench.wait(.seconds(1))
            #expect(bench.heard() == "", "\(version.rawValue)")
            #expect(bench.sent == packets.map { Array($0.utf8) }, "\(version.rawValue)")
            let isTransparent = bench.modem.isTransparent
            #expect(isTransparent != isLeft, "\(version.rawValue)")
        }
    }

    /// NonOS takes the tail of a long burst for the escape; ESP-AT wants silence before it.
    @Test(
        arguments: [(.nonOS13, 2920, true), (.nonOS17, 2920, true), (.espAT2, 2048, false)]
            as [(FirmwareVersion, Int, Bool)])
    func tailOfALongBurst(version: FirmwareVersion, size: Int, isLeft: Bool) {
        var bench = Self.transparent(version)
        bench.feed(.received(Self.filling(size) + Array("+++".utf8)))
        bench.wait(.milliseconds(20))
        let isTransparent = bench.modem.isTransparent
        #expect(isTransparent != isLeft)
    }

    @Test(arguments: [(.nonOS17, "AT+SYSMSG_CUR=1"), (.espAT2, "AT+SYSMSG=1")] as [(FirmwareVersion, String)])
    func leavingIsToldOnlyWhenAsked(version: FirmwareVersion, line: String) {
        var bench = Self.transparent(version, before: [line])
        bench.send("+++")
        bench.wait(.milliseconds(19))
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == "+QUITT\r\n")
    }

    @Test(arguments: FirmwareVersion.allCases)
    func afterTheEscapeLinkAndModeStay(version: FirmwareVersion) {
        var bench = Self.transparent(version)
        bench.send("+++")
        bench.wait(.seconds(1))
        #expect(bench.ask("AT+CIPMODE?") == "+CIPMODE:1\r\n\r\nOK\r\n")
        #expect(
            bench.ask("AT+CIPSTATUS")
                == "STATUS:3\r\n+CIPSTATUS:0,\"TCP\",\"127.0.0.1\",1883,50001,0\r\n\r\nOK\r\n")
        bench.feed(.arrived(bench.lastDial, [0x41]))
        #expect(bench.heard() == "\r\n+IPD,1:A")
        #expect(bench.ask("AT+CIPSEND") == "\r\nOK\r\n\r\n>")
        bench.send("x")
        bench.wait(.milliseconds(20))
        #expect(bench.sent == [[0x78]])
    }

    @Test(arguments: FirmwareVersion.allCases)
    func escapeWhileTheLinkIsDown(version: FirmwareVersion) {
        var bench = Self.transparent(version)
        bench.network = .refuses
        bench.feed(.ended(bench.lastDial))
        bench.wait(.seconds(1))
        bench.send("+++")
        bench.wait(.seconds(1))
        #expect(bench.heard() == (version == .espAT2 ? "" : "CLOSED\r\n"))
        #expect(bench.ask("AT+CIPSEND") == "\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:4\r\n\r\nOK\r\n")
        let dials = bench.dials
        bench.wait(.seconds(10))
        #expect(bench.dials == dials)
    }

    // MARK: Loss

    @Test(
        arguments: [
            (.nonOS13, [], 100), (.nonOS17, [], 100), (.espAT2, [], 100), (.espAT2, ["AT+CIPRECONNINTV=50"], 5000),
        ] as [(FirmwareVersion, [String], Int)])
    func lostConnectionIsReplacedInSilence(version: FirmwareVersion, before: [String], pause: Int) {
        var bench = Self.transparent(version, before: before)
        let first = bench.lastDial
        bench.send("unsent")
        bench.feed(.ended(first))
        bench.wait(.milliseconds(pause - 21))
        bench.send("discarded")
        bench.wait(.milliseconds(20))
        #expect(bench.dials == 0)
        bench.wait(.milliseconds(1))
        #expect(bench.dials == 1)
        #expect(bench.lastDial != first)
        bench.send("kept")
        bench.wait(.milliseconds(20))
        #expect(bench.sent == [Array("kept".utf8)])
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        bench.send("+++")
        bench.wait(.seconds(1))
        // The local port is the only trace.
        #expect(bench.ask("AT+CIPSTATUS").contains(",1883,50002,0"))
    }

    @Test(arguments: [(4, "CLOSED|CONNECT|"), (6, "CLOSED|+LINK_CONN:0,0,\"TCP\",0,\"127.0.0.1\",1883,50002|")])
    func espATSpeaksWhenAskedTo(bits: Int, texts: String) {
        var bench = Self.transparent(.espAT2, before: ["AT+SYSMSG=\(bits)"])
        bench.feed(.ended(bench.lastDial))
        bench.wait(.seconds(1))
        #expect(bench.heard() == Reply.all(texts)[.espAT2])
        bench.feed(.struck(.accessPointDown))
        #expect(bench.heard() == "CLOSED\r\nWIFI DISCONNECT\r\n")
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(5))
        #expect(bench.heard().hasPrefix("WIFI CONNECTED\r\nWIFI GOT IP\r\n"))
    }

    /// Refused: a round trip and the pause. Silent: 3.1 s (10 s) and the pause.
    @Test(
        arguments: [
            (.nonOS13, .refuses, 100), (.nonOS17, .refuses, 100), (.espAT2, .refuses, 100), (.nonOS13, .ignores, 3200),
            (.nonOS17, .ignores, 3200), (.espAT2, .ignores, 10_100),
        ] as [(FirmwareVersion, Bench.Network, Int)])
    func dialsWithoutEnd(version: FirmwareVersion, network: Bench.Network, cycle: Int) {
        var bench = Self.transparent(version)
        bench.network = network
        bench.feed(.ended(bench.lastDial))
        bench.wait(.milliseconds(100))
        let connections = Set([bench.lastDial])
        bench.wait(.milliseconds(100 * cycle))
        #expect(bench.heard() == "")
        #expect(!connections.contains(bench.lastDial))
        // Retransmissions of SYN are not dials of their own.
        let dialled = bench.effects.compactMap { if case .dial(let id, _, _) = $0 { id } else { nil } }
        #expect(Set(dialled).count == 101)
        bench.network = .accepts
        bench.wait(.milliseconds(2 * cycle))
        bench.send("x")
        bench.wait(.milliseconds(20))
        #expect(bench.sent == [[0x78]])
    }

    @Test(arguments: FirmwareVersion.allCases)
    func lostAccessPointIsSilentAndRepaired(version: FirmwareVersion) {
        var bench = Self.transparent(version)
        bench.feed(.struck(.accessPointDown))
        bench.wait(.seconds(20))
        #expect(bench.dials == 0)
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(5))
        #expect(bench.dials == 1)
        #expect(bench.heard() == "")
    }

    /// Three retransmissions in NonOS, six in ESP-AT; without traffic nothing is noticed.
    @Test(arguments: [(.nonOS13, 6400), (.nonOS17, 6400), (.espAT2, 63_000)] as [(FirmwareVersion, Int)])
    func vanishedPeer(version: FirmwareVersion, milliseconds: Int) {
        var bench = Self.transparent(version)
        let first = bench.lastDial
        bench.feed(.struck(.networkDown))
        bench.wait(.seconds(10_000))
        #expect(!bench.effects.contains(.abandon(first)))
        bench.send("x")
        bench.wait(.milliseconds(milliseconds + 19))
        #expect(!bench.effects.contains(.abandon(first)))
        bench.wait(.milliseconds(1))
        #expect(bench.effects.contains(.abandon(first)))
        #expect(bench.heard() == "")
    }

    // MARK: AT+SAVETRANSLINK

    @Test(arguments: FirmwareVersion.allCases)
    func savedLink(version: FirmwareVersion) {
        var bench = Bench.started(.joined, version)
        _ = bench.ask("AT+CWJAP=\"workshop\",\"12345678\"")
        _ = bench.ask("AT+SAVETRANSLINK=1,\"broker\",1883,\"TCP\",60")
        bench.effects = []
        // Ready, and no prompt; the name is looked up again for each dial.
        #expect(bench.ask("AT+RST").hasSuffix("\r\nready\r\n"))
        bench.wait(.seconds(1))
        #expect(bench.dials == 1)
        #expect(bench.ask("AT") == "")
        #expect(bench.sent == [Array("AT\r\n".utf8)])
        bench.feed(.ended(bench.lastDial))
        bench.wait(.milliseconds(109))
        #expect(bench.dials == 1)
        bench.wait(.milliseconds(41))
        #expect(bench.dials == 2)
        bench.send("+++")
        bench.wait(.seconds(1))
        #expect(bench.ask("ATE0").hasSuffix("\r\nOK\r\n"))
        #expect(bench.ask("AT+SAVETRANSLINK=0") == "\r\nOK\r\n")
        #expect(bench.ask("AT+RST").contains("\r\nready\r\n"))
        let isTransparent = bench.modem.isTransparent
        #expect(!isTransparent)
    }
}
