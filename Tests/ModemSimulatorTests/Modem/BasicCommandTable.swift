import BridgeCore
import Testing

@testable import ModemSimulator

/// Replies about the module itself, by firmware.
@Suite struct BasicCommandTable {
    static let rows: [Row] = [
        Row("AT", .ok),
        Row("at", .nonOS("|OK|", espAT: "|ERROR|")),
        Row("noiseAT", .nonOS("|OK|", espAT: "|ERROR|")),
        Row("AAT", .nonOS("|OK|", espAT: "|ERROR|")),
        Row("ATE0", .ok),
        Row("ATE2", .error),
        Row("AT+NOSUCH", .error),
        Row("AT+gmr", .error),
        Row("AT+GMR?", .error),
        Row("AT+RESTORE=1", .error),
        Row("AT+SLEEP=0", .ok),
        Row("AT+SLEEP=2", .ok),
        Row("AT+SLEEP=3", .error),
        Row(.booted, ["AT+SLEEP=1"], "AT+SLEEP?", .all("+SLEEP:1||OK|")),
        Row("AT+SYSRAM?", .each(nonOS13: "|ERROR|", nonOS17: "+SYSRAM:38456||OK|", espAT: "+SYSRAM:45588,39128||OK|")),
        Row("AT+SYSMSG_CUR=3", .each(nonOS13: "|ERROR|", nonOS17: "|OK|", espAT: "|ERROR|")),
        Row("AT+SYSMSG_DEF=3", .each(nonOS13: "|ERROR|", nonOS17: "|OK|", espAT: "|ERROR|")),
        Row("AT+SYSMSG_CUR=4", .error),
        Row("AT+SYSMSG=7", .onlyESPAT("|OK|")),
        Row("AT+SYSMSG=8", .error),
        Row(.booted, ["AT+SYSMSG=5"], "AT+SYSMSG?", .onlyESPAT("+SYSMSG:5||OK|")),
        Row("AT+SYSSTORE=0", .onlyESPAT("|OK|")),
        Row("AT+SYSSTORE=2", .error),
        Row("AT+SYSSTORE?", .onlyESPAT("+SYSSTORE:1||OK|")),
        Row("AT+SYSLOG=1", .onlyESPAT("|OK|")),
        Row("AT+SYSLOG?", .onlyESPAT("+SYSLOG:0||OK|")),
        Row("AT+UART_CUR?", .all("+UART_CUR:115273,8,1,0,0||OK|")),
        Row("AT+UART_DEF?", .all("+UART_DEF:115273,8,1,0,0||OK|")),
        Row("AT+UART?", .onlyNonOS("+UART:115273,8,1,0,0||OK|")),
        Row("AT+UART_CUR=115200,8,1,0", .error),
        Row("AT+UART_CUR=115200,4,1,0,0", .error),
        Row("AT+UART_CUR=115200,9,1,0,0", .error),
        Row("AT+UART_CUR=115200,8,0,0,0", .error),
        Row("AT+UART_CUR=115200,8,4,0,0", .error),
        Row("AT+UART_CUR=115200,8,1,3,0", .error),
        Row("AT+UART_CUR=115200,8,1,0,4", .error),
        Row("AT+UART_CUR=115200,8,1,0,0,0", .error),
        Row("AT+UART_CUR=79,8,1,0,0", .error),
        Row("AT+UART_CUR=80,8,1,0,0", .onlyESPAT("|OK|")),
        Row("AT+UART_CUR=110,5,3,2,3", .ok),
        Row("AT+UART_CUR=4500000,8,1,0,0", .ok),
        Row("AT+UART_CUR=4500001,8,1,0,0", .onlyNonOS("|OK|")),
        Row("AT+UART_CUR=4608001,8,1,0,0", .error),
        Row("AT+UART=9600,8,1,0,0", .onlyNonOS("|OK|")),
        Row("AT+IPR=9600", .onlyNonOS("|OK|")),
        Row("AT+IPR=0", .error),
        Row("AT+IPR=9600,8", .error),
        Row("AT+IPR?", .error),
    ]

    @Test(arguments: rows) func replies(_ row: Row) { row.check() }

    @Test(
        arguments: [
            (
                .nonOS13,
                [
                    "AT version:1.3.0.0(Jul 14 2016 18:54:01)", "SDK version:2.0.0(656edbf)",
                    "compile time:Jul 19 2016 18:44:44", "OK", "",
                ]
            ),
            (
                .nonOS17,
                [
                    "AT version:1.7.5.0(Oct  9 2021 09:26:04)", "SDK version:3.0.5(b29dcd3)",
                    "compile time:Oct 15 2021 18:05:30", "Bin version(Wroom 02):1.7.5", "OK", "",
                ]
            ),
            (
                .espAT2,
                [
                    "AT version:2.3.0.0(s-abd2a45 - ESP8266 - Aug  6 2025 03:41:23)",
                    "SDK version:v3.4-84-g97d5b3d8", "compile time(b1db70aa):Aug  7 2025 02:19:45",
                    "Bin version:2.3.0(WROOM-02)", "", "OK", "",
                ]
            ),
        ] as [(FirmwareVersion, [String])])
    func version(firmware: FirmwareVersion, lines: [String]) {
        var bench = Bench { $0.firmware = firmware }
        #expect(bench.ask("AT+GMR") == lines.joined(separator: "\r\n"))
    }

    // MARK: Speed

    /// The reply stands before the change of speed, and only what was to be kept is kept.
    @Test(
        arguments: [
            ("AT+UART_CUR=921600,8,1,0,0", false), ("AT+UART_DEF=921600,8,1,0,0", true),
            ("AT+UART=921600,8,1,0,0", true), ("AT+IPR=921600", true),
        ])
    func speedChangesAfterOK(line: String, isStored: Bool) {
        for version in FirmwareVersion.allCases where version != .espAT2 || line.contains("_") {
            var bench = Bench { $0.firmware = version }
            let effects = bench.modem.input(.received(Array("\(line)\r\n".utf8)), now: bench.now)
            #expect(effects == [.write(Array("\r\nOK\r\n".utf8)), .setSpeed(baud: 921_600)])
            #expect(bench.modem.baud == 921_600)
            #expect(bench.ask("AT+UART_CUR?") == "+UART_CUR:930232,8,1,0,0\r\n\r\nOK\r\n")
            bench.send("AT+RST\r\n")
            #expect(bench.modem.baud == (isStored ? 921_600 : 115_200))
        }
    }

    @Test func refusedSpeedChangesNothing() {
        var bench = Bench()
        bench.effects = []
        _ = bench.ask("AT+UART_CUR=9600,9,1,0,0")
        #expect(bench.effects.isEmpty)
        #expect(bench.modem.baud == 115_200)
    }

    // MARK: Restart

    @Test(arguments: FirmwareVersion.allCases)
    func restart(version: FirmwareVersion) {
        var bench = Bench { $0.firmware = version }
        bench.send("AT+RST\r\n")
        #expect(bench.heard().hasPrefix("\r\nOK\r\n"))
        bench.wait(.seconds(1))
        #expect(bench.heard().hasSuffix("\r\nready\r\n"))
        // Echo is not stored.
        #expect(bench.ask("AT").hasPrefix("AT"))
    }

    @Test(arguments: FirmwareVersion.allCases)
    func restartWhileBusy(version: FirmwareVersion) {
        var bench = Bench { $0.firmware = version }
        bench.send("AT+CWLAP\r\nAT+RST\r\n")
        #expect(bench.heard().hasPrefix("\r\nWill force to restart!!!\r\n\r\nOK\r\n"))
        bench.wait(.seconds(1))
        #expect(bench.heard().hasSuffix("\r\nready\r\n"))
    }

    /// Chunks as a serial line cuts them.
    @Test(arguments: [["AT+RST\r\n"], ["AT+", "RST\r\n"], ["x\r\nAT+RST\r", "\nrest"]])
    func restartWhileAPayloadIsOnItsWay(chunks: [String]) {
        for version in FirmwareVersion.allCases {
            var bench = Bench.started(.connected, version)
            bench.takesPayload = false
            _ = bench.ask("AT+CIPSEND=2")
            bench.send("hi")
            chunks.forEach { bench.send($0) }
            bench.wait(.seconds(1))
            let heard = bench.heard()
            #expect(heard.contains("\r\nWill force to restart!!!\r\n\r\nOK\r\n"), "\(version.rawValue)")
            #expect(heard.contains("\r\nready\r\n"), "\(version.rawValue)")
        }
    }

    @Test(arguments: FirmwareVersion.allCases)
    func restoreForgetsEverything(version: FirmwareVersion) {
        var bench = Bench(echo: true) {
            $0.firmware = version
            $0.flash.line.baud = 9600
            $0.flash.savedLink = SavedLink(host: "broker", port: 1883)
            $0.flash.credentials = Credentials(ssid: "workshop", password: "12345678")
        }
        bench.send("+++")
        bench.wait(.seconds(1))
        _ = bench.ask("AT+RESTORE")
        #expect(bench.modem.flash == ModemFlash())
        #expect(bench.modem.baud == 115_200)
        let isTransparent = bench.modem.isTransparent
        #expect(!isTransparent)
    }
}
