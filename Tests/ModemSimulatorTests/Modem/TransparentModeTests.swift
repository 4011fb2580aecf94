import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct TransparentModeTests {
    @Test func entering() {
        var bench = Bench.connected()
        #expect(bench.ask("AT+CIPSEND") == "\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPMODE=1") == "\r\nOK\r\n")
        bench.send("AT+CIPSEND\r\n")
        #expect(bench.heard() == "\r\nOK\r\n\r\n>")
        bench.feed(.arrived(bench.lastDial, [0x20, 0x02, 0, 0]))
        #expect(bench.output == [0x20, 0x02, 0, 0])
    }

    @Test func echoIsSilent() {
        var bench = Bench.connected()
        _ = bench.ask("ATE1")
        _ = bench.ask("AT+CIPMODE=1")
        _ = bench.ask("AT+CIPSEND")
        bench.send("AT\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "")
        #expect(bench.sent == [Array("AT\r\n".utf8)])
    }

    @Test func escapeIsSilentAndKeepsLinkAndMode() {
        var bench = Bench.transparent()
        bench.send("data")
        bench.wait(.milliseconds(25))
        bench.send("+++")
        bench.wait(.milliseconds(25))
        #expect(bench.heard() == "")
        #expect(bench.sent == [Array("data".utf8)])
        #expect(bench.ask("AT+CIPMODE?") == "+CIPMODE:1\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+CIPSTATUS").hasPrefix("STATUS:3\r\n"))
        bench.feed(.arrived(bench.lastDial, [0x41]))
        #expect(bench.heard() == "\r\n+IPD,1:A")
        #expect(bench.ask("AT+CIPSEND") == "\r\nOK\r\n\r\n>")
        bench.send("more")
        bench.wait(.milliseconds(25))
        #expect(bench.sent.last == Array("more".utf8))
    }

    @Test func escapeMergedWithDataIsData() {
        var bench = Bench.transparent()
        bench.send("data")
        bench.wait(.milliseconds(19))
        bench.send("+++")
        bench.wait(.seconds(2))
        bench.send("AT\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "")
        #expect(bench.sent == [Array("data+++".utf8), Array("AT\r\n".utf8)])
    }

    @Test func leavingIsToldOnlyWhenAsked() {
        var bench = Bench.connected()
        _ = bench.ask("AT+SYSMSG_CUR=1")
        _ = bench.ask("AT+CIPMODE=1")
        _ = bench.ask("AT+CIPSEND")
        bench.send("+++")
        bench.wait(.milliseconds(25))
        #expect(bench.heard() == "+QUITT\r\n")
    }

    // MARK: Loss

    @Test func lostConnectionIsReplacedWithoutAWord() {
        var bench = Bench.transparent()
        let first = bench.lastDial
        bench.feed(.ended(first))
        bench.send("lost")
        bench.wait(.milliseconds(99))
        #expect(bench.dials == 0)
        bench.wait(.milliseconds(1))
        #expect(bench.dials == 1)
        #expect(bench.lastDial != first)
        bench.send("kept")
        bench.wait(.milliseconds(25))
        #expect(bench.sent == [Array("kept".utf8)])
        #expect(bench.heard() == "")
        bench.send("+++")
        bench.wait(.seconds(1))
        #expect(bench.ask("AT+CIPSTATUS").contains(",1883,50002,0"))
    }

    @Test func refusedDialIsRepeatedForEver() {
        var bench = Bench.transparent()
        bench.network = .refuses
        bench.feed(.ended(bench.lastDial))
        bench.wait(.seconds(100))
        #expect(bench.dials == 1000)
        #expect(bench.heard() == "")
        bench.network = .accepts
        bench.wait(.milliseconds(100))
        bench.send("x")
        bench.wait(.milliseconds(25))
        #expect(bench.sent == [[0x78]])
    }

    @Test func silentDialTakesThreeRetransmissionsAndAPause() {
        var bench = Bench.transparent()
        bench.network = .ignores
        bench.feed(.ended(bench.lastDial))
        bench.wait(.milliseconds(32_000))
        #expect(bench.dials == 10)
    }

    @Test func escapeWhileTheLinkIsDownTellsIt() {
        var bench = Bench.transparent()
        bench.network = .refuses
        bench.feed(.ended(bench.lastDial))
        bench.wait(.seconds(1))
        bench.send("+++")
        bench.wait(.milliseconds(25))
        #expect(bench.heard() == "CLOSED\r\n")
        let dials = bench.dials
        bench.wait(.seconds(10))
        #expect(bench.dials == dials)
        #expect(bench.ask("AT+CIPSEND") == "\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:4\r\n\r\nOK\r\n")
    }

    @Test func lostAccessPointIsSilentAndRepaired() {
        var bench = Bench.transparent()
        bench.feed(.struck(.accessPointDown))
        bench.wait(.seconds(20))
        #expect(bench.dials == 0)
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(5))
        #expect(bench.dials == 1)
        #expect(bench.heard() == "")
    }

    // MARK: Network down

    @Test func stalledNetworkLosesTheNewestBytes() {
        var bench = Bench.transparent()
        bench.feed(.struck(.networkDown))
        for _ in 0..<8 {
            bench.feed(.received([UInt8](repeating: 0x61, count: 1000)))
            bench.wait(.milliseconds(87))
        }
        #expect(bench.sent.isEmpty)
        bench.feed(.struck(.networkUp))
        bench.wait(.seconds(1))
        // The first chunk went alone after 20 ms; 2920 of the 7000 after it found room.
        #expect(bench.sent.map(\.count) == [1000, 2920])
        #expect(bench.modem.lostBytes == 4080)
    }

    @Test func unacknowledgedDataEndsTheConnection() {
        var bench = Bench.transparent()
        let first = bench.lastDial
        bench.feed(.struck(.networkDown))
        bench.send("x")
        bench.wait(.seconds(6))
        #expect(!bench.effects.contains(.abandon(first)))
        bench.wait(.seconds(1))
        #expect(bench.effects.contains(.abandon(first)))
        bench.feed(.struck(.networkUp))
        bench.wait(.seconds(4))
        #expect(bench.dials == 1)
        #expect(bench.sent.isEmpty)
    }

    @Test func idleLinkIsLostOnlyWithKeepAlive() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CIPSTART=\"TCP\",\"broker\",1883,60")
        bench.feed(.struck(.networkDown))
        bench.wait(.seconds(62))
        #expect(bench.heard() == "")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "CLOSED\r\n")

        var without = Bench.connected()
        without.feed(.struck(.networkDown))
        without.wait(.seconds(10_000))
        #expect(without.heard() == "")
    }

    @Test func networkBackDuringADialIsUsedByTheNextRetransmission() {
        var bench = Bench.joined()
        bench.feed(.struck(.networkDown))
        bench.send("AT+CIPSTART=\"TCP\",\"127.0.0.1\",1883\r\n")
        bench.wait(.milliseconds(1500))
        bench.feed(.struck(.networkUp))
        bench.wait(.milliseconds(600))
        #expect(bench.heard() == "CONNECT\r\n\r\nOK\r\n")
    }

    // MARK: AT+SAVETRANSLINK

    @Test func savedLinkBootsIntoTransparentMode() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CWJAP_DEF=\"workshop\",\"12345678\"")
        _ = bench.ask("AT+SAVETRANSLINK=1,\"broker\",1883,\"TCP\",60")
        bench.effects = []
        let boot = bench.ask("AT+RST")
        #expect(boot.hasSuffix("\r\nready\r\n"))
        bench.wait(.seconds(1))
        #expect(bench.dials == 1)
        bench.send("AT\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "")
        #expect(bench.sent == [Array("AT\r\n".utf8)])
        bench.send("+++")
        bench.wait(.seconds(1))
        #expect(bench.ask("ATE0").hasSuffix("\r\nOK\r\n"))
        #expect(bench.ask("AT+CIPMODE?") == "+CIPMODE:1\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+SAVETRANSLINK=0") == "\r\nOK\r\n")
    }
}
