import BridgeCore
import ModemSimulator
import Testing

/// Segments that take their time, and segments that are lost.
@Suite("Network weather")
struct NetworkWeatherTests {
    @Test("a round trip takes its time: dial, data and answer")
    func roundTrip() {
        var client = NaiveClient.joined()
        client.order("rtt 200")
        #expect(client.ask(#"AT+CIPSTART="TCP","broker",1883"#, within: .milliseconds(90)).isEmpty)
        #expect(client.wait() == "CONNECT\r\n\r\nOK\r\n")
        client.peerSends("hello")
        #expect(client.wait(.milliseconds(90)).isEmpty)
        #expect(client.wait() == "\r\n+IPD,5:hello")
    }

    @Test("losses delay by retransmissions, and reorder nothing", arguments: [1, 7, 42] as [UInt64])
    func loss(seed: UInt64) {
        var client = NaiveClient.transparent()
        client.order("rtt 20")
        client.order("loss 30")
        var expected = ""
        for number in 0..<200 {
            client.line.send("\(number),")
            expected += "\(number),"
            client.line.advance(by: .milliseconds(500))
        }
        client.line.advance(by: .seconds(30))
        #expect(expected.hasPrefix(client.arrived) || client.line.peer.connections.count > 1)
        #expect(client.arrived.count > 200)
    }

    @Test("a peer that has gone silent is noticed only by what is sent")
    func silent() {
        var client = NaiveClient.connected()
        client.order("loss 100")
        #expect(client.wait(.seconds(3_600)).isEmpty)
        _ = client.ask("AT+CIPSEND=2", within: .milliseconds(100))
        client.line.send("ab")
        let heard = client.wait(.seconds(20))
        #expect(heard.contains("Recv 2 bytes"))
        #expect(heard.hasSuffix("SEND FAIL\r\nCLOSED\r\n"))
    }
}
