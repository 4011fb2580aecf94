import BridgeCore
import Testing

@testable import ModemSimulator

/// Transparent mode and a network that is down.
@Suite struct TransparentModeTests {
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

    @Test(arguments: [FirmwareVersion.nonOS13, .nonOS17], ["", ",60"])
    func escapeAfterTheDataWasGivenUp(version: FirmwareVersion, keepAlive: String) {
        var bench = TransparentDialectTests.transparent(version, keepAlive: keepAlive)
        bench.feed(.struck(.networkDown))
        bench.send("hello")
        bench.wait(.milliseconds(500))
        bench.send("more")
        bench.wait(.milliseconds(5000))
        // With data in flight and data behind it, it is data.
        bench.send("+++")
        bench.wait(.milliseconds(1100))
        #expect(bench.ask("AT") == "")
        // After three retransmissions nothing is in flight any more.
        bench.wait(.seconds(2))
        bench.send("+++")
        bench.wait(.milliseconds(1100))
        #expect(bench.heard() == "CLOSED\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
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
}
