import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct StationTests {
    private static func join(_ ssid: String = "workshop", _ password: String = "12345678") -> String {
        "AT+CWJAP_CUR=\"\(ssid)\",\"\(password)\""
    }

    @Test func joiningTellsConnectedThenAddressThenOK() {
        var bench = Bench(fast: false)
        bench.send(Self.join() + "\r\n")
        bench.wait(.milliseconds(990))
        #expect(bench.heard() == "")
        bench.wait(.seconds(8))
        #expect(bench.heard() == "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n")
        #expect(
            bench.ask("AT+CWJAP_CUR?") == "+CWJAP_CUR:\"workshop\",\"c0:25:e9:12:34:56\",6,-57\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:2\r\n\r\nOK\r\n")
    }

    @Test func failures() {
        var bench = Bench()
        #expect(bench.ask(Self.join("workshop", "wrong-one")) == "+CWJAP:2\r\n\r\nFAIL\r\n")
        #expect(bench.ask(Self.join("nowhere")) == "+CWJAP:3\r\n\r\nFAIL\r\n")
        bench.feed(.struck(.accessPointRefuses(true)))
        #expect(bench.ask(Self.join()) == "+CWJAP:4\r\n\r\nFAIL\r\n")
        bench.feed(.struck(.accessPointRefuses(false)))
        bench.feed(.struck(.addressesGiven(false)))
        #expect(bench.ask(Self.join()) == "WIFI CONNECTED\r\nWIFI DISCONNECT\r\n+CWJAP:1\r\n\r\nFAIL\r\n")
        bench.feed(.struck(.addressesGiven(true)))
        bench.feed(.struck(.passwordChanged("another1")))
        #expect(bench.ask(Self.join()) == "+CWJAP:2\r\n\r\nFAIL\r\n")
        #expect(bench.ask(Self.join("workshop", "another1")).hasSuffix("\r\nOK\r\n"))
    }

    @Test func withoutStationModeNothingIsJoined() {
        var bench = Bench { $0.flash.wifiMode = 2 }
        #expect(bench.ask(Self.join()) == "\r\nERROR\r\n")
        #expect(bench.ask("AT+CWLAP") == "\r\nERROR\r\n")
        #expect(bench.ask("AT+CWMODE_CUR=1") == "\r\nOK\r\n")
        #expect(bench.ask(Self.join()).hasSuffix("\r\nOK\r\n"))
    }

    // MARK: By itself

    @Test func joinsByItselfAfterBoot() {
        var bench = Bench(echo: true)
        #expect(bench.ask("AT+CWJAP_DEF=\"workshop\",\"12345678\"").hasSuffix("\r\nOK\r\n"))
        let boot = bench.ask("AT+RST")
        #expect(boot.hasSuffix("\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n"))
        _ = bench.ask("AT+CWAUTOCONN=0")
        #expect(bench.ask("AT+RST").hasSuffix("\r\nready\r\n"))
    }

    @Test func lossIsToldOnceAndRepaired() {
        var bench = Bench.joined()
        bench.feed(.struck(.accessPointDown))
        bench.wait(.seconds(60))
        #expect(bench.heard() == "WIFI DISCONNECT\r\n")
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(10))
        #expect(bench.heard() == "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    }

    @Test func linksGoWithTheStation() {
        var bench = Bench.connected()
        bench.feed(.struck(.accessPointDown))
        #expect(bench.heard() == "CLOSED\r\nWIFI DISCONNECT\r\n")
        #expect(bench.effects.contains(.abandon(bench.lastDial)))
    }

    @Test func textsAreSuppressedInTransparentModeOfCommandModeToo() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CIPMODE=1")
        bench.feed(.struck(.accessPointDown))
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(10))
        #expect(bench.heard() == "")
        #expect(bench.ask(Self.join()) == "\r\nOK\r\n")
        _ = bench.ask("AT+CIPMODE=0")
        bench.feed(.struck(.accessPointDown))
        #expect(bench.heard() == "WIFI DISCONNECT\r\n")
    }
}
