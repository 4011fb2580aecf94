import Testing

@testable import BridgeCore

@Suite struct ATReplyTests {
    @Test(
        arguments: [
            ("OK", .ok), ("ERROR", .error), ("FAIL", .fail),
            ("busy p...", .busy), ("busy s...", .busy),
            ("ready", .ready), ("rl\u{1}ready", .ready),
            ("WIFI CONNECTED", .wifiConnected), ("WIFI GOT IP", .wifiGotAddress),
            ("WIFI DISCONNECT", .wifiLost), ("ATE0WIFI DISCONNECT", .wifiLost),
            ("DHCP TIMEOUT", .dhcpTimedOut),
            ("CONNECT", .connected), ("AT+CIPSTART=\"TCCONNECT", .connected),
            ("+LINK_CONN:0,0,\"TCP\",0,\"10.0.0.1\",1883,4711", .connected),
            ("CLOSED", .closed), ("}CLOSED", .closed),
            ("ets Jan  8 2013,rst cause:4, boot mode:(3,6)", .bootText),
            ("wdt reset", .bootText), ("Soft WDT reset", .bootText), ("Fatal exception (29):", .bootText),
            ("ALREADY CONNECTED", nil), ("ALREADY CONNECT", nil), ("link is builded", nil),
            ("ok", nil), ("xOK", nil), ("SEND OK", nil), ("AT", nil), ("+CIFSR:STAIP,\"0.0.0.0\"", nil),
        ] as [(String, ATReply?)])
    func knows(line: String, reply: ATReply?) {
        #expect(ATReply(ATLine(line)) == reply)
    }
}
