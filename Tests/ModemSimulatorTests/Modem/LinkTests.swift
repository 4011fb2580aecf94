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

    @Test func numericAddressElsewhereIsNeverDialled() {
        var bench = Bench.joined()
        _ = bench.ask("AT+CIPSTART=\"TCP\",\"10.1.2.3\",1883")
        bench.wait(.seconds(5))
        #expect(bench.dials == 0)
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

    @Test func moreThanTheLengthIsRefused() {
        var bench = Bench.connected()
        _ = bench.ask("AT+CIPSEND=4")
        bench.send("abcdef")
        #expect(bench.heard() == "\r\nRecv 4 bytes\r\n\r\nbusy s...\r\n")
        bench.wait(.seconds(1))
        #expect(bench.heard() == "\r\nSEND OK\r\n")
        #expect(bench.ask("AT") == "\r\nOK\r\n")
    }
}
