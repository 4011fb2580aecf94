import BridgeCore
import Testing

@testable import ModemSimulator

/// What a reset forgets and what the flash keeps, by firmware.
@Suite struct PersistenceTests {
    /// A setting, the question about it, and the answer after a reset.
    struct Setting: Sendable, CustomTestStringConvertible {
        var lines: [String]
        var question: String
        var answer: Reply

        init(_ lines: [String], _ question: String, _ answer: Reply) {
            (self.lines, self.question, self.answer) = (lines, question, answer)
        }

        var testDescription: String { lines.joined(separator: ", ") }
    }

    static let settings: [Setting] = [
        Setting(["AT+CIPMUX=1"], "AT+CIPMUX?", .all("+CIPMUX:0||OK|")),
        Setting(["AT+CIPMODE=1"], "AT+CIPMODE?", .all("+CIPMODE:0||OK|")),
        Setting(["AT+CIPRECVMODE=1"], "AT+CIPRECVMODE?", .since14("+CIPRECVMODE:0||OK|")),
        Setting(["AT+SLEEP=0"], "AT+SLEEP?", .all("+SLEEP:2||OK|")),
        Setting(["AT+UART_CUR=9600,8,1,0,0"], "AT+UART_CUR?", .all("+UART_CUR:115273,8,1,0,0||OK|")),
        Setting(["AT+UART_DEF=9600,7,3,1,0"], "AT+UART_CUR?", .all("+UART_CUR:9600,7,3,1,0||OK|")),
        Setting(["AT+CWMODE=3"], "AT+CWMODE?", .all("+CWMODE:3||OK|")),
        Setting(["AT+CWMODE_CUR=3"], "AT+CWMODE?", .all("+CWMODE:1||OK|")),
        Setting(["AT+CWMODE_DEF=3"], "AT+CWMODE?", .nonOS("+CWMODE:3||OK|", espAT: "+CWMODE:1||OK|")),
        Setting(["AT+SYSSTORE=0", "AT+CWMODE=3"], "AT+CWMODE?", .nonOS("+CWMODE:3||OK|", espAT: "+CWMODE:1||OK|")),
        Setting(["AT+SYSSTORE=0"], "AT+SYSSTORE?", .onlyESPAT("+SYSSTORE:1||OK|")),
        Setting(["AT+SYSLOG=1"], "AT+SYSLOG?", .onlyESPAT("+SYSLOG:0||OK|")),
        Setting(["AT+SYSMSG=3"], "AT+SYSMSG?", .onlyESPAT("+SYSMSG:3||OK|")),
        Setting(["AT+SYSSTORE=0", "AT+SYSMSG=3"], "AT+SYSMSG?", .onlyESPAT("+SYSMSG:0||OK|")),
        Setting(["AT+CWAUTOCONN=0"], "AT+CWAUTOCONN?", .all("+CWAUTOCONN:0||OK|")),
        Setting(["AT+CWDHCP_CUR=1,0"], "AT+CWDHCP?", .all("+CWDHCP:3||OK|")),
        Setting(["AT+CWDHCP_DEF=1,0"], "AT+CWDHCP?", .nonOS("+CWDHCP:1||OK|", espAT: "+CWDHCP:3||OK|")),
        Setting(["AT+CIPDNS=1,\"1.1.1.1\""], "AT+CIPDNS?", .onlyESPAT("+CIPDNS:1,\"1.1.1.1\"||OK|")),
        Setting(
            ["AT+CIPDNS_CUR=1,\"1.1.1.1\""], "AT+CIPDNS_CUR?",
            .each(nonOS13: "|ERROR|", nonOS17: "+CIPDNS_CUR:192.168.1.1||OK|", espAT: "|ERROR|")),
        Setting(
            ["AT+CIPDNS_DEF=1,\"1.1.1.1\""], "AT+CIPDNS_CUR?",
            .each(nonOS13: "|ERROR|", nonOS17: "+CIPDNS_CUR:1.1.1.1||OK|", espAT: "|ERROR|")),
        Setting(["AT+CWRECONNCFG=5,5"], "AT+CWRECONNCFG?", .onlyESPAT("+CWRECONNCFG:0,0||OK|")),
        Setting(
            ["AT+CWJAP=\"workshop\",\"12345678\"", "AT+CWRECONNCFG=5,5"], "AT+CWRECONNCFG?",
            .onlyESPAT("+CWRECONNCFG:5,0||OK|")),
        Setting(
            ["AT+CIPSTAMAC_CUR=\"1a:fe:34:00:00:01\""], "AT+CIPSTAMAC?", .all("+CIPSTAMAC:\"18:fe:34:a1:b2:c3\"||OK|")),
        Setting(["AT+CIPSTAMAC=\"1a:fe:34:00:00:01\""], "AT+CIPSTAMAC?", .all("+CIPSTAMAC:\"1a:fe:34:00:00:01\"||OK|")),
        Setting(["AT+CWHOSTNAME=\"pump\""], "AT+CWHOSTNAME?", .all("+CWHOSTNAME:ESP_A1B2C3||OK|")),
        Setting(["AT+CWCOUNTRY=0,\"US\",1,11"], "AT+CWCOUNTRY?", .onlyESPAT("+CWCOUNTRY:0,\"US\",1,11||OK|")),
        Setting(["AT+CIPRECONNINTV=7"], "AT+CIPRECONNINTV?", .onlyESPAT("+CIPRECONNINTV:7||OK|")),
        Setting(["AT+SYSSTORE=0", "AT+CIPRECONNINTV=7"], "AT+CIPRECONNINTV?", .onlyESPAT("+CIPRECONNINTV:1||OK|")),
        Setting(["AT+CIPTCPOPT=1,1,1"], "AT+CIPTCPOPT?", .onlyESPAT("+CIPTCPOPT:0,-1,0,0||OK|")),
    ]

    @Test(arguments: settings)
    func afterAReset(_ setting: Setting) {
        for version in FirmwareVersion.allCases {
            var bench = Bench.started(.booted, version)
            for line in setting.lines { _ = bench.ask(line) }
            _ = bench.ask("AT+RST")
            _ = bench.ask("ATE0")
            #expect(bench.ask(setting.question) == setting.answer[version], "\(version.rawValue)")
        }
    }

    @Test(arguments: [("AT+CIPSTA", true), ("AT+CIPSTA_CUR", false), ("AT+CIPSTA_DEF", true)])
    func staticAddress(name: String, isKept: Bool) {
        var bench = Bench()
        _ = bench.ask("AT+CWJAP_DEF=\"workshop\",\"12345678\"")
        _ = bench.ask(name + "=\"10.0.0.7\"")
        _ = bench.ask("AT+RST")
        _ = bench.ask("ATE0")
        let address = isKept ? "10.0.0.7" : "192.168.1.23"
        #expect(bench.ask("AT+CIFSR").hasPrefix("+CIFSR:STAIP,\"\(address)\"\r\n"))
    }

    @Test(arguments: [("AT+SYSMSG_CUR=2", "CONNECT\r\n"), ("AT+SYSMSG_DEF=2", "+LINK_CONN:0,0,")])
    func systemMessages(line: String, text: String) {
        var bench = Bench()
        _ = bench.ask("AT+CWJAP_DEF=\"workshop\",\"12345678\"")
        _ = bench.ask(line)
        _ = bench.ask("AT+RST")
        _ = bench.ask("ATE0")
        #expect(bench.ask("AT+CIPSTART=\"TCP\",\"broker\",1883").hasPrefix(text))
    }
}
