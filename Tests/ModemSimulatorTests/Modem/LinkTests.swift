import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct LinkTests {
    private static let start = "AT+CIPSTART=\"TCP\",\"broker\",1883"

    @Test func connects() {
        var bench = Bench.joined()
        #expect(bench.ask(Self.start) == "CONNECT\r\n\r\nOK\r\n")
        #expect(bench.effects.contains(.dial(1, address: "127.0.0.1", port: 2883)))
        #expect(
            bench.ask("AT+CIPSTATUS")
                == "STATUS:3\r\n+CIPSTATUS:0,\"TCP\",\"127.0.0.1\",1883,50001,0\r\n\r\nOK\r\n")
    }

    static let connectedReplies: [(String, String)] = [
        (start, "ALREADY CONNECTED\r\n\r\nERROR\r\n"),
        ("AT+CIPMUX=1", "link is builded\r\n\r\nERROR\r\n"),
        ("AT+CIPSEND=2049", "too long\r\n\r\nERROR\r\n"),
        ("AT+CIPSEND=0", "\r\nERROR\r\n"),
        ("AT+CIPSEND", "\r\nERROR\r\n"),
        ("AT+CIPCLOSE", "CLOSED\r\n\r\nOK\r\n"),
        ("AT+CIPCLOSE=0", "MUX=0\r\n\r\nERROR\r\n"),
    ]

    @Test(arguments: connectedReplies)
    func whileConnected(line: String, reply: String) {
        var bench = Bench.connected()
        #expect(bench.ask(line) == reply)
    }

    static let joinedReplies: [(String, String)] = [
        ("AT+CIPSTART=\"TCP\",\"nowhere\",1883", "DNS Fail\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"XYZ\",\"broker\",1883", "Link type ERROR\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"\",1883", "IP ERROR\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker\",0", "ENTRY ERROR\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker\",65536", "ENTRY ERROR\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker\"", "Miss param\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\"", "Miss param\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=0,\"TCP\",\"broker\",1883", "MUX=0\r\n\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker\",1883,7201", "\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker", "\r\nERROR\r\n"),
        ("AT+CIPSTART", "\r\nERROR\r\n"),
        ("AT+CIPSTART=\"TCP\",\"broker\",1883,7200", "CONNECT\r\n\r\nOK\r\n"),
        ("AT+CIPDOMAIN=\"broker\"", "+CIPDOMAIN:127.0.0.1\r\n\r\nOK\r\n"),
        ("AT+CIPDOMAIN=\"nowhere\"", "DNS Fail\r\n\r\nERROR\r\n"),
        ("AT+PING=\"nowhere\"", "+timeout\r\n\r\nERROR\r\n"),
    ]

    @Test(arguments: joinedReplies)
    func whileJoined(line: String, reply: String) {
        var bench = Bench.joined()
        #expect(bench.ask(line) == reply)
    }

    @Test func refusalIsClosedAfterError() {
        var bench = Bench.joined()
        bench.network = .refuses
        #expect(bench.ask(Self.start) == "\r\nERROR\r\nCLOSED\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:4\r\n\r\nOK\r\n")
    }

    @Test(arguments: ["broker", "10.1.2.3"])
    func silenceLastsForThreeRetransmissions(host: String) {
        var bench = Bench.joined()
        bench.network = .ignores
        bench.send("AT+CIPSTART=\"TCP\",\"\(host)\",1883\r\n")
        bench.wait(.seconds(3))
        #expect(bench.heard() == "")
        #expect(bench.ask("AT") == "\r\nbusy p...\r\n\r\nERROR\r\nCLOSED\r\n")
    }

    @Test func numericAddressElsewhereIsNeverDialled() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CIPSTART=\"TCP\",\"10.1.2.3\",1883")
        bench.wait(.seconds(5))
        #expect(bench.dials == 0)
    }

    @Test func peerCloses() {
        var bench = Bench.connected()
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "CLOSED\r\n")
        #expect(bench.ask("AT+CIPSTATUS") == "STATUS:4\r\n\r\nOK\r\n")
    }

    @Test func linkConnectionTextReplacesConnect() {
        var bench = Bench.joined()
        _ = bench.ask("AT+SYSMSG_CUR=2")
        #expect(bench.ask(Self.start) == "+LINK_CONN:0,0,\"TCP\",0,\"127.0.0.1\",1883,50001\r\n\r\nOK\r\n")
    }

    @Test func manyLinks() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CIPMUX=1")
        #expect(bench.ask(Self.start) == "MUX=1\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPSTART=5,\"TCP\",\"broker\",1883") == "ID ERROR\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPSTART=3,\"TCP\",\"broker\",1883") == "3,CONNECT\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+CIPMODE=1") == "CIPMUX and CIPSERVER must be 0\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPSEND=3,2") == "\r\nOK\r\n> ")
        bench.send("hi")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nRecv 2 bytes\r\n\r\nSEND OK\r\n")
        bench.feed(.arrived(bench.lastDial, Array("yo".utf8)))
        #expect(bench.heard() == "\r\n+IPD,3,2:yo")
        #expect(bench.ask("AT+CIPCLOSE") == "MUX=1\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPCLOSE=1") == "UNLINK\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPCLOSE=5") == "3,CLOSED\r\n\r\nOK\r\n")
    }

    // MARK: Receiving in command mode

    @Test func receivedDataIsAnnouncedWithItsLength() {
        var bench = Bench.connected()
        bench.feed(.arrived(bench.lastDial, Array("OK\r\n".utf8)))
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "\r\n+IPD,4:OK\r\nCLOSED\r\n")
    }

    @Test func receivedDataCanNameThePeerAndComesInSegments() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPDINFO=1")
        bench.feed(.arrived(bench.lastDial, [UInt8](repeating: 0x61, count: 1461)))
        let filling = String(repeating: "a", count: 1460)
        #expect(bench.heard() == "\r\n+IPD,1460,127.0.0.1,1883:\(filling)\r\n+IPD,1,127.0.0.1,1883:a")
    }

    // MARK: AT+CIPSEND=<n>

    @Test func sendsALength() {
        var bench = Bench.connected()
        #expect(bench.ask("AT+CIPSEND=4") == "\r\nOK\r\n> ")
        bench.send("AT")
        bench.wait(.seconds(1))
        bench.send("\r\n")
        #expect(bench.heard() == "\r\nRecv 4 bytes\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nSEND OK\r\n")
        #expect(bench.sent == [Array("AT\r\n".utf8)])
    }

    @Test func moreThanTheLengthIsRefused() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSEND=4")
        bench.send("abcdef")
        #expect(bench.heard() == "\r\nRecv 4 bytes\r\n\r\nbusy s...\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nSEND OK\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    @Test func escapeCancelsThePayload() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSEND=10")
        bench.send("+++")
        bench.wait(.milliseconds(30))
        #expect(bench.heard() == "\r\nSEND Canceled\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }

    @Test func linkLostDuringPayload() {
        var bench = Bench.connected()
        bench.takesPayload = false
        _ = bench.ask("AT+CIPSEND=2")
        bench.send("hi")
        _ = bench.heard()
        bench.feed(.ended(bench.lastDial))
        #expect(bench.heard() == "\r\nSEND FAIL\r\nCLOSED\r\n")
    }

    @Test func transparentModeHasNoLengths() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPMODE=1")
        #expect(bench.ask("AT+CIPSEND=4") == "IPMODE=1\r\n\r\nERROR\r\n")
        #expect(bench.ask("AT+CIPMUX=1") == "IPMODE must be 0\r\n\r\nERROR\r\n")
    }
}
