import Testing

@testable import BridgeCore

@Suite struct FirmwareTests {
    @Test(
        arguments: [
            ("AT version:1.7.5.0(Oct 20 2021 19:14:04)", .nonOS, [1, 7, 5], "1.7.5.0"),
            ("AT version:1.3.0.0(Jul 14 2016 18:54:01)", .nonOS, [1, 3, 0], "1.3.0.0"),
            ("AT version:2.3.0.0(f8e4d9a - ESP8266 - Aug 11 2025)", .espAT, [2, 3, 0], "2.3.0.0"),
            ("AT version:2.2.0.0-dev(ca41ec4)", .espAT, [2, 2, 0], "2.2.0.0-dev"),
            ("AT version:0.51.0.0(Nov 27 2015 13:37:21)", .unsupported, [0, 51, 0], "0.51.0.0"),
            ("AT version:banana", .unsupported, [], "banana"),
            ("AT version:99999999999999999999.1", .unsupported, [0, 1], "99999999999999999999.1"),
            ("AT version:", .unsupported, [], ""),
        ] as [(String, Firmware.Family, [Int], String)])
    func isRead(line: String, family: Firmware.Family, number: [Int], version: String) throws {
        let firmware = try #require(Firmware(ATLine(line)))
        #expect(firmware.family == family)
        #expect(firmware.number == number)
        #expect(firmware.version == version)
        #expect((firmware.dialect == nil) == (family == .unsupported))
    }

    @Test(arguments: ["0018000902-AI03", "SDK version:3.0.5(b29dcd3)", "OK", ""])
    func isNotReadFromOtherLines(line: String) {
        #expect(Firmware(ATLine(line)) == nil)
    }

    @Test func dialectsSpellTheirOwnWay() throws {
        #expect(Dialect.nonOS.stationMode.text == "AT+CWMODE_CUR=1")
        #expect(Dialect.espAT.stationMode.text == "AT+CWMODE=1")
        #expect(Dialect.nonOS.accessPoint.text == "AT+CWJAP_CUR?")
        #expect(Dialect.espAT.sparesFlash?.text == "AT+SYSSTORE=0")
    }
}
