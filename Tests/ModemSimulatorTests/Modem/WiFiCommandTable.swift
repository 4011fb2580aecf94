import BridgeCore
import Testing

@testable import ModemSimulator

/// Replies about Wi-Fi, by firmware.
@Suite struct WiFiCommandTable {
    private static let accessPoint = "\"workshop\",\"c0:25:e9:12:34:56\",6,-57"
    private static let found = "+CWLAP:(3,\"workshop\",-57,\"c0:25:e9:12:34:56\",6,-12,0"
    private static let scan = Reply.each(
        nonOS13: "\(found))||OK|", nonOS17: "\(found),4,4,7,0)||OK|", espAT: "\(found),4,4,7,0)||OK|")
    private static let joined = "WIFI CONNECTED|WIFI GOT IP||OK|"

    static let rows: [Row] = [
        Row("AT+CWMODE?", .all("+CWMODE:1||OK|")),
        Row("AT+CWMODE_CUR?", .onlyNonOS("+CWMODE_CUR:1||OK|")),
        Row("AT+CWMODE_DEF?", .onlyNonOS("+CWMODE_DEF:1||OK|")),
        Row("AT+CWMODE=1", .ok),
        Row("AT+CWMODE=3", .ok),
        Row("AT+CWMODE=4", .error),
        Row("AT+CWMODE=x", .error),
        Row("AT+CWMODE=0", .onlyESPAT("|OK|")),
        Row("AT+CWMODE=1,0", .onlyESPAT("|OK|")),
        Row("AT+CWMODE_CUR=2", .onlyNonOS("|OK|")),
        Row("AT+CWMODE_DEF=2", .onlyNonOS("|OK|")),
        Row(.joined, "AT+CWMODE=2", .nonOS("WIFI DISCONNECT||OK|", espAT: "WIFI DISCONNECT||OK|")),
        Row("AT+CWJAP?", .all("No AP||OK|")),
        Row("AT+CWJAP_CUR?", .onlyNonOS("No AP||OK|")),
        Row(.joined, "AT+CWJAP_CUR?", .onlyNonOS("+CWJAP_CUR:\(accessPoint)||OK|")),
        Row(.joined, "AT+CWJAP?", .nonOS("+CWJAP:\(accessPoint)||OK|", espAT: "+CWJAP:\(accessPoint),0,1,3,0,1||OK|")),
        Row("AT+CWJAP=\"workshop\",\"12345678\"", .all(joined)),
        Row("AT+CWJAP_CUR=\"workshop\",\"12345678\"", .onlyNonOS(joined)),
        Row("AT+CWJAP_DEF=\"workshop\",\"12345678\",\"c0:25:e9:12:34:56\"", .onlyNonOS(joined)),
        Row("AT+CWJAP=\"workshop\",\"12345678\",,1,1,3,0,15,0", .onlyESPAT(joined)),
        Row("AT+CWJAP=\"workshop\",\"12345678\",,,,,,2", .error),
        Row("AT+CWJAP=\"workshop\",\"12345678\",,,,,,601", .error),
        Row(.joined, "AT+CWJAP=\"workshop\",\"12345678\"", .all("WIFI DISCONNECT|\(joined)")),
        Row("AT+CWJAP=\"nowhere\",\"12345678\"", .nonOS("+CWJAP:3||FAIL|", espAT: "+CWJAP:3||ERROR|")),
        Row("AT+CWJAP_CUR=\"nowhere\",\"12345678\"", .onlyNonOS("+CWJAP:3||FAIL|")),
        Row("AT+CWJAP=\"workshop\",\"wrong-one\"", .nonOS("+CWJAP:2||FAIL|", espAT: "+CWJAP:2||ERROR|")),
        Row("AT+CWJAP=\"workshop\"", .error),
        Row("AT+CWJAP=\"\",\"12345678\"", .error),
        Row("AT+CWJAP=\"\(String(repeating: "s", count: 33))\",\"12345678\"", .error),
        Row("AT+CWJAP=\"workshop\",\"\(String(repeating: "p", count: 65))\"", .error),
        Row("AT+CWJAP=\"workshop\",\"12345678", .error),
        Row(.booted, ["AT+CWMODE=2"], "AT+CWJAP=\"workshop\",\"12345678\"", .error),
        Row("AT+CWJAP", .error),
        Row(.joined, "AT+CWJAP", .onlyESPAT("WIFI DISCONNECT|\(joined)")),
        Row("AT+CWQAP", .ok),
        Row(.joined, "AT+CWQAP", .all("|OK|WIFI DISCONNECT|")),
        Row("AT+CWAUTOCONN?", .all("+CWAUTOCONN:1||OK|")),
        Row("AT+CWAUTOCONN=0", .ok),
        Row("AT+CWAUTOCONN=2", .error),
        Row("AT+CWLAP", scan),
        Row("AT+CWLAP=\"workshop\"", scan),
        Row("AT+CWLAP=\"other\"", .ok),
        Row("AT+CWLAP=\"workshop\",\"C0:25:E9:12:34:56\",6", scan),
        Row("AT+CWLAP=\"workshop\",\"c0:25:e9:12:34:57\"", .ok),
        Row("AT+CWLAP=,,6", scan),
        Row("AT+CWLAP=,,7", .ok),
        Row("AT+CWLAP=1", .error),
        Row(.booted, ["AT+CWMODE=2"], "AT+CWLAP", .error),
        Row("AT+CWLAPOPT=1,2047", .ok),
        Row("AT+CWLAPOPT=1,2048", .error),
        Row("AT+CWLAPOPT=2,127", .error),
        Row("AT+CWLAPOPT=1", .error),
        Row("AT+CWLAPOPT=1,127,-80", .onlyESPAT("|OK|")),
        Row(.booted, ["AT+CWLAPOPT=0,6"], "AT+CWLAP", .all("+CWLAP:(\"workshop\",-57)||OK|")),
        Row("AT+CIPSTAMAC?", .all("+CIPSTAMAC:\"18:fe:34:a1:b2:c3\"||OK|")),
        Row("AT+CIPSTAMAC_CUR?", .onlyNonOS("+CIPSTAMAC_CUR:\"18:fe:34:a1:b2:c3\"||OK|")),
        Row("AT+CIPSTAMAC=\"1A:FE:34:00:00:01\"", .ok),
        Row("AT+CIPSTAMAC=\"19:fe:34:00:00:01\"", .error),
        Row("AT+CIPSTAMAC=\"1a:fe:34:00:00\"", .error),
        Row(
            .booted, ["AT+CIPSTAMAC=\"1A:FE:34:00:00:01\""], "AT+CIFSR",
            .all("+CIFSR:STAIP,\"0.0.0.0\"|+CIFSR:STAMAC,\"1a:fe:34:00:00:01\"||OK|")),
        Row("AT+CWHOSTNAME?", .all("+CWHOSTNAME:ESP_A1B2C3||OK|")),
        Row(.booted, ["AT+CWHOSTNAME=\"pump\""], "AT+CWHOSTNAME?", .all("+CWHOSTNAME:pump||OK|")),
        Row("AT+CWHOSTNAME=\"\"", .error),
        Row(.booted, ["AT+CWMODE=2"], "AT+CWHOSTNAME?", .error),
        Row("AT+CWCOUNTRY?", .onlyESPAT("+CWCOUNTRY:0,\"CN\",1,13||OK|")),
        Row(
            .booted, ["AT+CWCOUNTRY_CUR=1,\"US\",1,11"], "AT+CWCOUNTRY_CUR?",
            .each(nonOS13: "|ERROR|", nonOS17: "+CWCOUNTRY_CUR:1,\"US\",1,11||OK|", espAT: "|ERROR|")),
        Row("AT+CWCOUNTRY=2,\"US\",1,11", .error),
        Row("AT+CWCOUNTRY=1,\"US\",0,11", .error),
        Row("AT+CWSTATE?", .onlyESPAT("+CWSTATE:0,\"\"||OK|")),
        Row(.joined, "AT+CWSTATE?", .onlyESPAT("+CWSTATE:2,\"workshop\"||OK|")),
        Row(.joined, ["AT+CWQAP"], "AT+CWSTATE?", .onlyESPAT("+CWSTATE:4,\"\"||OK|")),
        Row("AT+CWJAP=\"workshop\",\"12345678\",,,7201", .error),
        Row("AT+CWJAP=,", .error),
        Row(.joined, "AT+CWJAP=,", .onlyESPAT("WIFI DISCONNECT|\(joined)")),
        Row("AT+CWRECONNCFG?", .onlyESPAT("+CWRECONNCFG:0,0||OK|")),
        Row(.joined, "AT+CWRECONNCFG?", .onlyESPAT("+CWRECONNCFG:1,0||OK|")),
        Row(
            .booted, ["AT+CWJAP=\"workshop\",\"12345678\",,,30"], "AT+CWRECONNCFG?",
            .onlyESPAT("+CWRECONNCFG:30,0||OK|")),
        Row("AT+CWRECONNCFG=7200,1000", .onlyESPAT("|OK|")),
        Row("AT+CWRECONNCFG=7201,0", .error),
        Row("AT+CWRECONNCFG=1", .error),
        Row("AT+CIFSR", .all("+CIFSR:STAIP,\"0.0.0.0\"|+CIFSR:STAMAC,\"18:fe:34:a1:b2:c3\"||OK|")),
        Row(.joined, "AT+CIFSR", .all("+CIFSR:STAIP,\"192.168.1.23\"|+CIFSR:STAMAC,\"18:fe:34:a1:b2:c3\"||OK|")),
        Row(
            .booted, ["AT+CWMODE=3"], "AT+CIFSR",
            .all(
                "+CIFSR:APIP,\"192.168.4.1\"|+CIFSR:APMAC,\"1a:fe:34:a1:b2:c3\"|"
                    + "+CIFSR:STAIP,\"0.0.0.0\"|+CIFSR:STAMAC,\"18:fe:34:a1:b2:c3\"||OK|")),
        Row(
            .booted, ["AT+CWMODE=0"], "AT+CIFSR",
            .nonOS("+CIFSR:STAIP,\"0.0.0.0\"|+CIFSR:STAMAC,\"18:fe:34:a1:b2:c3\"||OK|", espAT: "|ERROR|")),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    // MARK: Failures of AT+CWJAP

    @Test(
        arguments: [
            (.passwordChanged("another1"), "+CWJAP:2||"), (.accessPointDown, "+CWJAP:3||"),
            (.accessPointRefuses(true), "+CWJAP:4||"),
            (.addressesGiven(false), "WIFI CONNECTED|WIFI DISCONNECT|+CWJAP:1||"),
        ] as [(Fault, String)])
    func failures(fault: Fault, text: String) {
        for version in FirmwareVersion.allCases {
            var bench = Bench.started(.booted, version)
            bench.feed(.struck(fault))
            let expected = Reply.nonOS(text + "FAIL|", espAT: text + "ERROR|")
            #expect(bench.ask("AT+CWJAP=\"workshop\",\"12345678\"") == expected[version], "\(version.rawValue)")
        }
    }

    @Test(arguments: [1, 4])
    func wrongPasswordMayHaveAnotherCode(code: Int) {
        for version in FirmwareVersion.allCases {
            var bench = Bench {
                $0.firmware = version
                $0.accessPoints[0].wrongPasswordCode = code
            }
            #expect(bench.ask("AT+CWJAP=\"workshop\",\"wrong-one\"").hasPrefix("+CWJAP:\(code)\r\n\r\n"))
        }
    }

    @Test(arguments: FirmwareVersion.allCases)
    func specialCharactersAreEscaped(version: FirmwareVersion) {
        var bench = Bench {
            $0.firmware = version
            $0.accessPoints = [AccessPoint(ssid: #"ab\,c"#, password: #"0123456789"\"#)]
        }
        #expect(bench.ask(#"AT+CWJAP="ab\\\,c","0123456789\"\\""#).hasSuffix("\r\nOK\r\n"))
        #expect(bench.ask(#"AT+CWJAP="ab\,c","0123456789\"\\""#).contains("+CWJAP:3"))
        #expect(bench.ask(#"AT+CWJAP="ab,c","0123456789""#) == "\r\nERROR\r\n")
    }

    /// Of two access points of one name, the host names the second, which has another password.
    @Test func accessPointOfTheHostsChoice() {
        for version in FirmwareVersion.allCases {
            var bench = Bench {
                $0.firmware = version
                var second = AccessPoint(ssid: "workshop", password: "another1")
                (second.bssid, second.channel) = ("c0:25:e9:00:00:02", 11)
                $0.accessPoints.append(second)
            }
            let join = "AT+CWJAP=\"workshop\",\"another1\""
            #expect(bench.ask(join).contains("+CWJAP:2\r\n"))
            #expect(bench.ask(join + ",\"C0:25:E9:00:00:02\"").hasSuffix("GOT IP\r\n\r\nOK\r\n"))
            #expect(bench.ask("AT+CWJAP?").hasPrefix("+CWJAP:\"workshop\",\"c0:25:e9:00:00:02\",11,"))
            #expect(bench.ask(join + ",\"c0:25:e9:00:00:03\"").contains("+CWJAP:3\r\n"))
        }
    }

    // MARK: AT+CWLAP

    /// An open network, a hidden one, and a name with a quotation mark that is not escaped.
    @Test func scanTellsNamesAsTheyAre() {
        var bench = Bench {
            var named = AccessPoint(ssid: "a\"b", password: "")
            (named.strength, named.channel) = (-80, 11)
            $0.accessPoints = [AccessPoint(ssid: "", password: "12345678"), named]
        }
        #expect(
            bench.ask("AT+CWLAP")
                == "+CWLAP:(3,\"\",-57,\"c0:25:e9:12:34:56\",6,-12,0,4,4,7,0)\r\n"
                + "+CWLAP:(0,\"a\"b\",-80,\"c0:25:e9:12:34:56\",11,-12,0,4,4,7,0)\r\n\r\nOK\r\n")
    }

    @Test func weakAccessPointsCanBeLeftOut() {
        var bench = Bench {
            $0.firmware = .espAT2
            var (strong, weak) = ($0.accessPoints[0], $0.accessPoints[0])
            (strong.strength, strong.ssid) = (-40, "strong")
            (weak.strength, weak.ssid) = (-90, "weak")
            $0.accessPoints += [weak, strong]
        }
        _ = bench.ask("AT+CWLAPOPT=1,6,-80")
        #expect(bench.ask("AT+CWLAP") == "+CWLAP:(\"strong\",-40)\r\n+CWLAP:(\"workshop\",-57)\r\n\r\nOK\r\n")
        _ = bench.ask("AT+CWLAPOPT=0,6")
        #expect(bench.ask("AT+CWLAP").hasPrefix("+CWLAP:(\"workshop\",-57)\r\n+CWLAP:(\"weak\",-90)\r\n"))
    }

    // MARK: How long AT+CWJAP tries

    /// 1.3: 3 s, then six times 2 s. 1.7: 14 times 1 s. ESP-AT: 15 s, or what the host wants.
    @Test(
        arguments: [
            (.nonOS13, "", 15), (.nonOS17, "", 14), (.espAT2, "", 15), (.espAT2, ",,,,,,40", 40),
        ] as [(FirmwareVersion, String, Int)])
    func joiningWithoutAnAddress(version: FirmwareVersion, arguments: String, seconds: Int) {
        var bench = Bench(fast: false) { $0.firmware = version }
        bench.feed(.struck(.addressesGiven(false)))
        bench.send("AT+CWJAP=\"workshop\",\"12345678\"\(arguments)\r\n")
        bench.wait(.milliseconds(seconds * 1000 - 10))
        #expect(bench.heard() == "WIFI CONNECTED\r\n")
        bench.wait(.milliseconds(20))
        let word = version == .espAT2 ? "ERROR" : "FAIL"
        #expect(bench.heard() == "WIFI DISCONNECT\r\n+CWJAP:1\r\n\r\n\(word)\r\n")
    }

    /// The OK of NonOS comes with a look at the station; that of ESP-AT at once.
    @Test(arguments: [(.nonOS13, 3000), (.nonOS17, 1000), (.espAT2, 0)] as [(FirmwareVersion, Int)])
    func okComesWithALook(version: FirmwareVersion, milliseconds: Int) {
        var bench = Bench(fast: false) {
            $0.firmware = version
            $0.timing.associate = .milliseconds(200)...(.milliseconds(200))
            $0.timing.address = .milliseconds(200)...(.milliseconds(200))
        }
        bench.send("AT+CWJAP=\"workshop\",\"12345678\"\r\n")
        bench.wait(.milliseconds(max(milliseconds - 1, 400)))
        #expect(bench.heard().hasSuffix("OK\r\n") == (version == .espAT2))
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == (version == .espAT2 ? "" : "\r\nOK\r\n"))
    }

    // MARK: Addresses that do not come

    @Test(arguments: [(.nonOS13, true), (.nonOS17, true), (.espAT2, false)] as [(FirmwareVersion, Bool)])
    func missingAddressEndsTheAssociationOfNonOS(version: FirmwareVersion, isTold: Bool) {
        var bench = Bench(fast: false) {
            $0.firmware = version
            $0.flash.credentials = Credentials(ssid: "workshop", password: "12345678")
        }
        bench.feed(.struck(.addressesGiven(false)))
        bench.feed(.struck(.restarted))
        bench.wait(.seconds(36))
        let heard = bench.heard()
        #expect(heard.contains("WIFI CONNECTED\r\nDHCP TIMEOUT\r\nWIFI DISCONNECT\r\n") == isTold)
        #expect(heard.contains("\r\nready\r\nWIFI CONNECTED\r\n"))
    }

    // MARK: Coming back

    @Test func espATComesBackAtItsInterval() {
        var bench = Bench.joined { $0.firmware = .espAT2 }
        _ = bench.ask("AT+CWRECONNCFG=30,2")
        bench.feed(.struck(.accessPointDown))
        #expect(bench.heard() == "WIFI DISCONNECT\r\n")
        bench.wait(.seconds(1))
        #expect(bench.ask("AT+CWSTATE?") == "+CWSTATE:3,\"workshop\"\r\n\r\nOK\r\n")
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(27))
        #expect(bench.heard() == "")
        bench.wait(.seconds(3))
        #expect(bench.heard() == "WIFI CONNECTED\r\nWIFI GOT IP\r\n")
    }

    @Test(arguments: ["AT+CWRECONNCFG=0,0", "AT+CWRECONNCFG=1,3"])
    func espATGivesUpWhenToldTo(line: String) {
        var bench = Bench.joined { $0.firmware = .espAT2 }
        _ = bench.ask(line)
        bench.feed(.struck(.accessPointDown))
        bench.wait(.seconds(60))
        bench.feed(.struck(.accessPointUp))
        bench.wait(.seconds(60))
        #expect(bench.heard() == "WIFI DISCONNECT\r\n")
        #expect(bench.ask("AT+CWSTATE?") == "+CWSTATE:4,\"workshop\"\r\n\r\nOK\r\n")
    }

    // MARK: What is kept

    @Test(
        arguments: [
            (.nonOS17, [], "AT+CWJAP_CUR", false), (.nonOS17, [], "AT+CWJAP_DEF", true),
            (.nonOS17, [], "AT+CWJAP", true), (.espAT2, [], "AT+CWJAP", true),
            (.espAT2, ["AT+SYSSTORE=0"], "AT+CWJAP", false),
        ] as [(FirmwareVersion, [String], String, Bool)])
    func credentialsAreKept(version: FirmwareVersion, before: [String], name: String, isKept: Bool) {
        var bench = Bench { $0.firmware = version }
        for line in before { _ = bench.ask(line) }
        #expect(bench.ask(name + "=\"workshop\",\"12345678\"").hasSuffix("OK\r\n"))
        #expect(bench.ask("AT+RST").hasSuffix("WIFI GOT IP\r\n") == isKept)
    }

    @Test func espATJoinsWhatItRemembersWhenTheStationComesOn() {
        var bench = Bench.joined { $0.firmware = .espAT2 }
        _ = bench.ask("AT+SYSSTORE=0")
        _ = bench.ask("AT+CWMODE=2")
        #expect(bench.ask("AT+CWMODE=1") == "\r\nOK\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n")
        _ = bench.ask("AT+CWMODE=2")
        #expect(bench.ask("AT+CWMODE=1,0") == "\r\nOK\r\n")
    }
}
