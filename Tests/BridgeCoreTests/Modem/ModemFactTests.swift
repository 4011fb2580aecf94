import Testing

@testable import BridgeCore

@Suite struct ModemFactTests {
    @Test(
        arguments: [
            (#"+CWJAP_CUR:"workshop","d8:0d:17:aa:bb:cc",6,-51"#, -51),
            (#"+CWJAP:"workshop","d8:0d:17:aa:bb:cc",6,-67,0,0,0,0,0"#, -67),
            (#"+CWJAP_CUR:"a","b","d8:0d:17:aa:bb:cc",6,-1"#, -1),
            (#"+CWJAP_CUR:"00:00:00:00:00:00","d8:0d:17:aa:bb:cc",6,-2"#, -2),
            (#"+CWJAP_CUR:"","d8:0d:17:aa:bb:cc",6,-3"#, -3),
        ])
    func readsTheAccessPoint(line: String, rssi: Int) {
        let fact = ModemFact.accessPoint(bssid: "d8:0d:17:aa:bb:cc", channel: 6, rssi: rssi)
        #expect(ModemFact.accessPoint(in: ATLine(line)) == fact)
    }

    @Test(arguments: [
        "No AP", "+CWJAP:2", #"+CWJAP:"workshop""#, #"+CWJAP:"a","d8:0d:17:aa:bb:cc""#,
        #"+CWJAP:"a","d8:0d:17:aa:bb:cc",x,y"#, #"+CWJAP:"a","d8:0d:17:aa:bb:zz",6,-51"#,
    ])
    func readsNoAccessPoint(line: String) {
        #expect(ModemFact.accessPoint(in: ATLine(line)) == nil)
    }

    @Test func readsAddresses() {
        #expect(ModemFact.address(in: ATLine(#"+CIFSR:STAIP,"192.168.1.23""#)) == .address("192.168.1.23"))
        #expect(ModemFact.mac(in: ATLine(#"+CIFSR:STAMAC,"18:fe:34:9a:00:01""#)) == .mac("18:fe:34:9a:00:01"))
        #expect(ModemFact.address(in: ATLine(#"+CIFSR:APIP,"192.168.4.1""#)) == nil)
        #expect(ModemFact.address(in: ATLine("+CIFSR:STAIP,192.168.1.23")) == nil)
    }
}
