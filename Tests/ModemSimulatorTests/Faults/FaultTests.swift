import BridgeCore
import ModemSimulator
import Testing

/// What each fault of the catalogue does to a naive client.
@Suite("Faults and a naive client")
struct FaultTests {
    @Test("every fault of the catalogue has an order that is understood", arguments: FaultCatalogue.entries)
    func catalogue(entry: FaultCatalogue.Entry) {
        #expect(ModemOrder(line: entry.order) != nil)
        #expect(ModemOrder(line: entry.name) == ModemOrder(line: entry.order))
        #expect(ModemOrder(line: entry.name.lowercased()) == ModemOrder(line: entry.order))
    }

    @Test("the catalogue is F1 to F23")
    func numbers() { #expect(FaultCatalogue.entries.map(\.name) == (1...23).map { "F\($0)" }) }

    @Test("F1: boot garbage and ready come in the middle of transparent data, and the link is gone")
    func restart() {
        var client = NaiveClient.transparent()
        client.order("F1")
        let heard = client.wait()
        #expect(heard.hasSuffix("\r\nready\r\n"))
        #expect(heard.utf8.count > 100)
        #expect(client.ask("AT+CIPSTATUS").contains("STATUS:5"))
    }

    @Test("F2: transparent mode goes on over another connection, and nothing is said")
    func silentReconnect() {
        var client = NaiveClient.transparent()
        client.line.send("before")
        #expect(client.wait(.milliseconds(100)).isEmpty)
        client.order("F2")
        #expect(client.wait().isEmpty)
        client.line.send("after")
        #expect(client.wait().isEmpty)
        #expect(client.line.peer.connections.count == 2)
        #expect(client.arrived == "beforeafter")
    }

    @Test("F3: sixteen bytes are missing at the peer, and nobody says so")
    func lostSent() {
        var client = NaiveClient.transparent()
        client.order("F3")
        client.line.send(String(repeating: "x", count: 100))
        #expect(client.wait().isEmpty)
        #expect(client.arrived.count == 84)
    }

    @Test("F4: the payload of +IPD is one byte shorter than announced")
    func lostReceived() {
        var client = NaiveClient.connected()
        client.order("F4")
        client.peerSends("0123456789")
        let heard = client.wait()
        #expect(heard.hasPrefix("\r\n+IPD,10:"))
        #expect(heard.dropFirst("\r\n+IPD,10:".count).count == 9)
    }

    @Test("F5: busy is answered, and the reply comes to the next question")
    func oneBehind() {
        var client = NaiveClient.quiet()
        client.order("F5")
        #expect(client.ask("AT+CIPMUX?", within: .milliseconds(300)) == "\r\nbusy p...\r\n")
        #expect(client.ask("AT", within: .milliseconds(50)) == "\r\nOK\r\n")
        #expect(client.wait() == "+CIPMUX:0\r\n\r\nOK\r\n")
    }

    @Test("F6: busy without end, but for AT+RST")
    func stuckBusy() {
        var client = NaiveClient.quiet()
        client.order("F6")
        for _ in 0..<5 { #expect(client.ask("AT") == "\r\nbusy p...\r\n") }
        #expect(client.ask("AT+RST").hasSuffix("\r\nready\r\n"))
        #expect(client.ask("AT").hasSuffix("\r\nOK\r\n"))
    }

    @Test(
        "F7: SEND OK is lost, late, or contradicts a SEND FAIL",
        arguments: [
            ("lost", "\r\nRecv 2 bytes\r\n", ""),
            ("late", "\r\nRecv 2 bytes\r\n", "\r\nSEND OK\r\n"),
            ("fail-first", "\r\nRecv 2 bytes\r\n\r\nSEND FAIL\r\n", "\r\nSEND OK\r\n"),
        ])
    func sendOK(trouble: String, first: String, later: String) {
        var client = NaiveClient.connected()
        client.order("send-ok \(trouble)")
        _ = client.ask("AT+CIPSEND=2")
        client.line.send("ab")
        #expect(client.wait(.milliseconds(200)) == first)
        #expect(client.wait(.seconds(5)) == later)
        #expect(client.arrived == "ab")
    }

    @Test("F8: a text stands in the middle of a reply")
    func interjection() {
        var client = NaiveClient.quiet()
        client.order("F8")
        let heard = client.ask("AT+CIPMUX?")
        #expect(heard.contains("0,CONNECT\r\n"))
        #expect(!heard.hasPrefix("0,CONNECT"))
        #expect(heard.replacing("0,CONNECT\r\n", with: "") == "+CIPMUX:0\r\n\r\nOK\r\n")
    }

    @Test("F9: a refused dial is ERROR, and CLOSED after it")
    func refusedDial() {
        var client = NaiveClient.joined()
        client.order("F9")
        #expect(client.ask(#"AT+CIPSTART="TCP","broker",1883"#) == "\r\nERROR\r\nCLOSED\r\n")
        #expect(client.ask(#"AT+CIPSTART="TCP","broker",1883"#) == "CONNECT\r\n\r\nOK\r\n")
    }

    @Test("F10: CLOSED comes before the last data")
    func closedEarly() {
        var client = NaiveClient.connected()
        client.order("F10")
        client.peerSends("bye")
        #expect(client.wait(.milliseconds(100)).isEmpty)
        client.peerCloses()
        #expect(client.wait() == "CLOSED\r\n\r\n+IPD,3:bye")
    }

    @Test("F11: passive receive without its notification; the data are there all the same")
    func lostNotification() {
        var client = NaiveClient.connected()
        #expect(client.ask("AT+CIPRECVMODE=1") == "\r\nOK\r\n")
        client.order("F11")
        client.peerSends("hello")
        #expect(client.wait().isEmpty)
        #expect(client.ask("AT+CIPRECVLEN?").hasPrefix("+CIPRECVLEN:5,"))
        #expect(client.ask("AT+CIPRECVDATA=5") == "\r\n+CIPRECVDATA,5:hello\r\nOK\r\n")
        client.peerSends("again")
        #expect(client.wait() == "\r\n+IPD,5\r\n")
    }

    @Test("F12: OK comes a second and a half late, and all else behind it")
    func lateOK() {
        var client = NaiveClient.quiet()
        client.order("F12")
        #expect(client.ask("AT+CIPMUX?") == "+CIPMUX:0\r\n")
        #expect(client.wait() == "\r\nOK\r\n")
    }

    @Test("F13: AT+CIPCLOSE crashes the module")
    func crash() {
        var client = NaiveClient.connected()
        client.order("F13")
        let heard = client.ask("AT+CIPCLOSE")
        #expect(heard.hasPrefix("Fatal exception (29):\n"))
        #expect(heard.hasSuffix("\r\nready\r\n"))
    }

    @Test("F14: the module does not come back to its access point until it is restarted")
    func noRejoin() {
        var client = NaiveClient { $0.flash.credentials = Credentials(ssid: "workshop", password: "12345678") }
        client.order("F14")
        client.order("ap down")
        client.order("ap up")
        #expect(client.wait(.seconds(600)) == "WIFI DISCONNECT\r\n")
        client.order("reset")
        #expect(client.wait(.seconds(10)).hasSuffix("\r\nready\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n"))
    }

    @Test("F15: the access point is lost without a word")
    func missingText() {
        var client = NaiveClient.joined()
        client.order("F15")
        client.order("ap down")
        #expect(client.wait().isEmpty)
        #expect(client.ask("AT+CWJAP_CUR?") == "No AP\r\n\r\nOK\r\n")
    }

    @Test("F16: one line about memory, and then nothing, until the supply is cut")
    func heap() {
        var client = NaiveClient.quiet()
        client.order("F16")
        #expect(client.wait() == "E:M 1460\r\n")
        #expect(client.ask("AT").isEmpty)
        #expect(client.ask("AT+RST").isEmpty)
        client.order("hangup")
        client.order("replug")
        #expect(client.wait().hasSuffix("ready\r\n"))
    }

    @Test("F17: at another speed there is only garbage; at the right one all is well")
    func speed() {
        var client = NaiveClient.quiet()
        client.order("F17")
        let heard = client.ask("AT", within: .seconds(2))
        #expect(heard != "\r\nOK\r\n")
        client.line.hostBaud = 9_600
        // The garbage before it left half a line in the module.
        _ = client.ask("")
        #expect(client.ask("AT") == "\r\nOK\r\n")
        client.order("reset")
        #expect(client.wait(.seconds(2)).hasSuffix("ready\r\n"))
    }

    @Test("F18: the module carries out and says nothing, over resets too, until flow control is off")
    func stuck() {
        var client = NaiveClient.quiet()
        client.order("F18")
        #expect(client.ask("AT").isEmpty)
        #expect(client.ask("AT+RST").isEmpty)
        #expect(client.ask("AT").isEmpty)
        #expect(client.ask("AT+UART_DEF=115200,8,1,0,0").hasSuffix("\r\nOK\r\n"))
        #expect(client.ask("AT").hasSuffix("\r\nOK\r\n"))
    }

    @Test("F19: transparent mode is left by accident: data is read as commands")
    func escape() {
        var client = NaiveClient.transparent()
        client.order("F19")
        _ = client.wait()
        #expect(client.ask("AT") == "\r\nOK\r\n")
        #expect(client.arrived.isEmpty)
    }

    @Test("F19: a missed +++ leaves the module in transparent mode: commands go to the peer")
    func missedEscape() {
        var client = NaiveClient.transparent()
        client.order("miss-escape")
        client.line.send("+++")
        _ = client.wait()
        #expect(client.ask("AT").isEmpty)
        #expect(client.arrived == "++AT\r\n")
    }

    @Test("F20: echo is back")
    func echo() {
        var client = NaiveClient.quiet()
        client.order("F20")
        #expect(client.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test("F21: after a boot the module is in transparent mode and answers nothing")
    func savedLink() {
        var client = NaiveClient.quiet()
        client.order("saved-link broker 1883")
        #expect(client.wait(.seconds(3)).hasSuffix("ready\r\n"))
        #expect(client.ask("AT").isEmpty)
        client.line.send("+++")
        _ = client.wait()
        #expect(client.ask("AT").hasSuffix("\r\nOK\r\n"))
        #expect(client.ask("AT+SAVETRANSLINK=0").hasSuffix("\r\nOK\r\n"))
    }

    @Test("F22: while it joins by itself, the module answers busy")
    func busyJoining() {
        var client = NaiveClient { configuration in
            configuration.flash.credentials = Credentials(ssid: "workshop", password: "12345678")
            configuration.timing.associate = .seconds(2) ... .seconds(2)
        }
        _ = client.wait(.seconds(5))
        client.order("F22")
        client.order("reset")
        _ = client.wait(.milliseconds(500))
        #expect(client.ask("AT", within: .milliseconds(50)) == "\r\nbusy p...\r\n")
        #expect(client.wait(.seconds(5)).contains("WIFI GOT IP\r\n"))
        #expect(client.ask("AT").hasSuffix("\r\nOK\r\n"))
    }

    @Test("F23: the first command after a boot is an error")
    func firstCommand() {
        var client = NaiveClient.quiet()
        client.order("F23")
        client.order("reset")
        _ = client.wait()
        #expect(client.ask("ATE0") == "\r\nERROR\r\n")
        #expect(client.ask("ATE0").hasSuffix("\r\nOK\r\n"))
    }

    @Test("a brown-out loop: restart after restart")
    func brownOut() {
        var client = NaiveClient.quiet()
        client.order("brownout 4 5")
        let heard = client.wait(.seconds(30))
        #expect(heard.components(separatedBy: "ready\r\n").count == 5)
    }

    @Test("noise flips bits, and ends")
    func noise() {
        var client = NaiveClient.transparent()
        client.order("noise 100000")
        client.line.send([UInt8](repeating: 0, count: 1000))
        _ = client.wait()
        let flipped = client.line.peer.received.filter { $0 != 0 }.count
        #expect((50...200).contains(flipped))
        client.order("noise 0")
        client.line.send([UInt8](repeating: 0, count: 1000))
        _ = client.wait()
        #expect(client.line.peer.received.suffix(1000).allSatisfy { $0 == 0 })
    }
}
