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
        // TCP took the first two at once and the third when there was room; 2920 of the 5000 after it found room.
        #expect(bench.sent.map(\.count) == [3000, 2920])
        #expect(bench.modem.lostBytes == 2080)
    }

    /// TCP takes 2,920 bytes without an acknowledgement; what comes then is held by the firmware, and `+++` behind it is data.
    @Test(arguments: [10, 2920], ["", ",60"])
    func escapeWhileTheNetworkIsDown(bytes: Int, keepAlive: String) {
        let isHeard = bytes < 2920
        var bench = TransparentDialectTests.transparent(.nonOS17, keepAlive: keepAlive)
        bench.feed(.struck(.networkDown))
        for count in [bytes, 5, 5] {
            bench.feed(.received([UInt8](repeating: 0x61, count: count)))
            bench.wait(.milliseconds(500))
        }
        bench.send("+++")
        bench.wait(.milliseconds(1100))
        #expect(bench.ask("AT") == (isHeard ? "\r\nOK\r\n" : ""))
        guard !isHeard else { return }
        // After three retransmissions nothing is under way any more.
        bench.wait(.seconds(5))
        bench.send("+++")
        bench.wait(.milliseconds(1100))
        #expect(bench.heard() == "CLOSED\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    /// What TCP took while the network was down arrives when it is up, and what comes then behind it.
    @Test func whatTCPTookArrivesInOrder() {
        var bench = TransparentDialectTests.transparent(.nonOS17)
        bench.feed(.struck(.networkDown))
        for text in ["a", "b"] {
            bench.send(text)
            bench.wait(.milliseconds(100))
        }
        bench.feed(.struck(.networkUp))
        bench.wait(.milliseconds(100))
        bench.send("c")
        bench.wait(.milliseconds(100))
        #expect(bench.sent.joined().elementsEqual(Array("abc".utf8)))
    }

    /// A connection that stalled with bytes under way, given up from command mode: the next one works.
    @Test(arguments: FirmwareVersion.allCases)
    func nextConnectionWorks(version: FirmwareVersion) {
        var bench = TransparentDialectTests.transparent(version)
        bench.feed(.struck(.networkDown))
        bench.feed(.received([UInt8](repeating: 0x61, count: 2920)))
        bench.wait(.milliseconds(200))
        bench.send("bb")
        bench.wait(.seconds(70))
        bench.send("+++")
        bench.wait(.milliseconds(1100))
        _ = bench.ask("AT+CIPCLOSE")
        bench.feed(.struck(.networkUp))
        _ = bench.ask("AT+CIPSTART=\"TCP\",\"broker\",1883")
        #expect(bench.ask("AT+CIPSEND").hasSuffix(">"))
        bench.effects = []
        bench.send("hello")
        bench.wait(.milliseconds(100))
        #expect(bench.sent == [Array("hello".utf8)])
        bench.send("+++")
        bench.wait(.milliseconds(1100))
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
