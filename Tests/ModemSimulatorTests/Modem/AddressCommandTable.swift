import BridgeCore
import Testing

@testable import ModemSimulator

/// Replies about addresses, names and time, by firmware.
@Suite struct AddressCommandTable {
    private static func station(_ name: String, _ address: String, _ gateway: String, _ netmask: String) -> String {
        "+\(name):ip:\"\(address)\"|+\(name):gateway:\"\(gateway)\"|+\(name):netmask:\"\(netmask)\"||OK|"
    }

    private static let plain = station("CIPSTA", "192.168.1.23", "192.168.1.1", "255.255.255.0")
    private static let lookup = Reply.nonOS("+CIPDOMAIN:127.0.0.1||OK|", espAT: "+CIPDOMAIN:\"127.0.0.1\"||OK|")

    static let rows: [Row] = [
        Row("AT+CIPSTA?", .all(station("CIPSTA", "0.0.0.0", "0.0.0.0", "0.0.0.0"))),
        Row(.joined, "AT+CIPSTA?", .all(plain)),
        Row(
            .joined, "AT+CIPSTA_CUR?",
            .onlyNonOS(station("CIPSTA_CUR", "192.168.1.23", "192.168.1.1", "255.255.255.0"))),
        Row("AT+CIPSTA=\"10.0.0.7\"", .ok),
        Row("AT+CIPSTA_CUR=\"10.0.0.7\",\"10.0.0.254\",\"255.0.0.0\"", .onlyNonOS("|OK|")),
        Row("AT+CIPSTA=\"10.0.0\"", .explained("IP ERROR")),
        Row("AT+CIPSTA=\"10.0.0.7\",\"10.0.0.254\"", .explained("IP ERROR")),
        Row(
            .joined, ["AT+CIPSTA=\"10.0.0.7\",\"10.0.0.254\",\"255.0.0.0\""], "AT+CIPSTA?",
            .all(station("CIPSTA", "10.0.0.7", "10.0.0.254", "255.0.0.0"))),
        Row(.joined, ["AT+CIPSTA=\"10.0.0.7\""], "AT+CWDHCP?", .nonOS("+CWDHCP:1||OK|", espAT: "+CWDHCP:2||OK|")),
        Row("AT+CWDHCP?", .all("+CWDHCP:3||OK|")),
        Row("AT+CWDHCP=1,1", .ok),
        Row("AT+CWDHCP_CUR=1,1", .onlyNonOS("|OK|")),
        Row("AT+CWDHCP=0,1", .ok),
        Row("AT+CWDHCP=2,1", .onlyNonOS("|OK|")),
        Row("AT+CWDHCP=1,2", .onlyESPAT("|OK|")),
        Row("AT+CWDHCP=1,3", .onlyESPAT("|OK|")),
        Row("AT+CWDHCP=1", .error),
        // NonOS: the station, off; ESP-AT: on, no known bit.
        Row(.booted, ["AT+CWDHCP=1,0"], "AT+CWDHCP?", .nonOS("+CWDHCP:1||OK|", espAT: "+CWDHCP:3||OK|")),
        // NonOS: the access point, on; ESP-AT: off, the station.
        Row(.booted, ["AT+CWDHCP=0,1"], "AT+CWDHCP?", .nonOS("+CWDHCP:3||OK|", espAT: "+CWDHCP:2||OK|")),
        Row("AT+CIPDNS_CUR=1,\"1.1.1.1\"", .each(nonOS13: "|ERROR|", nonOS17: "|OK|", espAT: "|ERROR|")),
        Row("AT+CIPDNS=1,\"1.1.1.1\",\"8.8.8.8\",\"9.9.9.9\"", .onlyESPAT("|OK|")),
        Row("AT+CIPDNS_CUR=1,\"1.1.1.1\",\"8.8.8.8\",\"9.9.9.9\"", .error),
        Row("AT+CIPDNS_CUR=2", .error),
        Row("AT+CIPDNS=1,\"one\"", .error),
        Row(
            .booted, ["AT+CIPDNS_CUR=1"], "AT+CIPDNS_CUR?",
            .each(
                nonOS13: "|ERROR|", nonOS17: "+CIPDNS_CUR:208.67.222.222|+CIPDNS_CUR:208.67.222.222||OK|",
                espAT: "|ERROR|")),
        Row("AT+CIPDNS?", .onlyESPAT("+CIPDNS:0,\"192.168.1.1\"||OK|")),
        Row(
            .booted, ["AT+CIPDNS=1,\"1.1.1.1\",\"8.8.8.8\""], "AT+CIPDNS?",
            .onlyESPAT("+CIPDNS:1,\"1.1.1.1\",\"8.8.8.8\"||OK|")),
        Row("AT+CIPDOMAIN=\"broker\"", .explained("no ip")),
        Row(.joined, "AT+CIPDOMAIN=\"broker\"", lookup),
        Row(.joined, "AT+CIPDOMAIN=\"127.0.0.1\"", lookup),
        Row(.joined, "AT+CIPDOMAIN=\"nowhere\"", .explained("DNS Fail")),
        Row(.joined, "AT+CIPDOMAIN", .error),
        Row(.joined, "AT+PING=\"nowhere\"", .nonOS("+timeout||ERROR|", espAT: "+PING:TIMEOUT||ERROR|")),
        Row(.joined, "AT+PING=\"10.1.2.3\"", .nonOS("+timeout||ERROR|", espAT: "+PING:TIMEOUT||ERROR|")),
        Row("AT+CIPSNTPCFG=1,8,\"cn.ntp.org.cn\",\"ntp.sjtu.edu.cn\",\"us.pool.ntp.org\"", .since14("|OK|")),
        Row("AT+CIPSNTPCFG=0", .since14("|OK|")),
        Row("AT+CIPSNTPCFG=1", .error),
        Row("AT+CIPSNTPCFG=1,-11", .since14("|OK|")),
        Row("AT+CIPSNTPCFG=1,13", .since14("|OK|")),
        Row("AT+CIPSNTPCFG=1,14", .onlyESPAT("|OK|")),
        Row("AT+CIPSNTPCFG=1,-12", .onlyESPAT("|OK|")),
        Row("AT+CIPSNTPCFG=1,1245", .onlyESPAT("|OK|")),
        Row("AT+CIPSNTPCFG=1,-330", .onlyESPAT("|OK|")),
        Row("AT+CIPSNTPCFG=1,15", .error),
        Row("AT+CIPSNTPCFG=1,1460", .error),
        Row("AT+CIPSNTPCFG=1,160", .error),
        Row(
            "AT+CIPSNTPCFG?",
            .since14("+CIPSNTPCFG:0,0,\"cn.ntp.org.cn\",\"ntp.sjtu.edu.cn\",\"us.pool.ntp.org\"||OK|")),
        Row(
            .booted, ["AT+CIPSNTPCFG=1,8,\"pool.ntp.org\""], "AT+CIPSNTPCFG?",
            .since14("+CIPSNTPCFG:1,8,\"pool.ntp.org\"||OK|")),
        Row(
            .booted, ["AT+CIPSNTPCFG=1,0"], "AT+CIPSNTPTIME?",
            .each(
                nonOS13: "|ERROR|", nonOS17: "+CIPSNTPTIME:Thu Jan 01 00:00:00 1970||OK|",
                espAT: "+CIPSNTPTIME:Thu Jan  1 00:00:00 1970||OK|")),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    @Test(arguments: FirmwareVersion.allCases)
    func pingTellsMilliseconds(version: FirmwareVersion) {
        var bench = Bench.joined { $0.firmware = version }
        let reply = bench.ask("AT+PING=\"broker\"")
        let prefix = version == .espAT2 ? "+PING:" : "+"
        #expect(reply.hasPrefix(prefix))
        #expect(reply.hasSuffix("\r\n\r\nOK\r\n"))
        let number = reply.dropFirst(prefix.count).prefix { $0.isNumber }
        #expect(Int(number).map { (2...40).contains($0) } == true)
    }

    @Test(arguments: FirmwareVersion.allCases)
    func withoutDHCPAnAddressMustBeSet(version: FirmwareVersion) {
        var bench = Bench { $0.firmware = version }
        _ = bench.ask(version == .espAT2 ? "AT+CWDHCP=0,1" : "AT+CWDHCP=1,0")
        #expect(bench.ask("AT+CWJAP=\"workshop\",\"12345678\"").contains("+CWJAP:1\r\n"))
        _ = bench.ask("AT+CIPSTA=\"10.0.0.7\"")
        bench.feed(.struck(.addressesGiven(false)))
        #expect(bench.ask("AT+CWJAP=\"workshop\",\"12345678\"") == "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n")
        #expect(bench.ask("AT+CIFSR").contains("STAIP,\"10.0.0.7\""))
    }

    /// Four questions to each server, 7 s together.
    @Test(arguments: [("AT+CIPDNS_CUR=0", 7), ("AT+CIPDNS_CUR=1", 14)])
    func lookupWithoutAnAnswer(line: String, seconds: Int) {
        var bench = Bench.joined()
        _ = bench.ask(line)
        bench.feed(.struck(.networkDown))
        bench.send("AT+CIPDOMAIN=\"broker\"\r\n")
        bench.wait(.milliseconds(seconds * 1000 - 1))
        #expect(bench.heard() == "")
        bench.wait(.milliseconds(1))
        #expect(bench.heard() == "DNS Fail\r\n\r\nERROR\r\n")
    }

    // MARK: Time

    @Test(arguments: [(.nonOS17, "04"), (.espAT2, " 4")] as [(FirmwareVersion, String)])
    func timeComesFromTheNetwork(version: FirmwareVersion, day: String) {
        var bench = Bench.joined { $0.firmware = version }
        _ = bench.ask("AT+CIPSNTPCFG=1,0")
        let uptime = Int(bench.now.nanoseconds / 1_000_000_000)
        bench.wait(.seconds(60 - uptime))
        #expect(bench.ask("AT+CIPSNTPTIME?").hasPrefix("+CIPSNTPTIME:Thu Aug \(day) 14:49:0"))
        _ = bench.ask("AT+CIPSNTPCFG=1,8")
        #expect(bench.ask("AT+CIPSNTPTIME?").hasPrefix("+CIPSNTPTIME:Thu Aug \(day) 22:49:0"))
    }

    @Test(arguments: [("1245", "03:34:0"), ("-330", "11:19:0"), ("-5", "09:49:0")])
    func zonesMayHaveMinutes(zone: String, clock: String) {
        var bench = Bench.joined { $0.firmware = .espAT2 }
        _ = bench.ask("AT+CIPSNTPCFG=1,\(zone)")
        bench.wait(.seconds(60 - Int(bench.now.nanoseconds / 1_000_000_000)))
        #expect(bench.ask("AT+CIPSNTPTIME?").contains(" \(clock)"))
    }

    @Test func timeIsAskedForAgainUntilTheNetworkIsThere() {
        var bench = Bench.joined()
        bench.feed(.struck(.networkDown))
        _ = bench.ask("AT+CIPSNTPCFG=1,0")
        bench.wait(.seconds(60))
        #expect(bench.ask("AT+CIPSNTPTIME?").contains("1970"))
        bench.feed(.struck(.networkUp))
        bench.wait(.seconds(15))
        #expect(bench.ask("AT+CIPSNTPTIME?").contains("2016"))
    }

    @Test(
        arguments: [
            (0, "Thu Jan 01 00:00:00 1970"), (1_470_322_085, "Thu Aug 04 14:48:05 2016"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"), (4_107_542_399, "Sun Feb 28 23:59:59 2100"),
            (4_107_542_400, "Mon Mar 01 00:00:00 2100"), (-1, "Wed Dec 31 23:59:59 1969"),
        ] as [(Int64, String)])
    func calendar(seconds: Int64, text: String) {
        #expect(NetworkClock.text(seconds, padding: "0") == text)
    }
}
