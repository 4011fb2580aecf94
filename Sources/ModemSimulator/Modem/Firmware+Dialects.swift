extension Firmware {
    static func of(_ version: FirmwareVersion) -> Firmware {
        switch version {
        case .nonOS13: nonOS13
        case .nonOS17: nonOS17
        case .espAT2: espAT2
        }
    }

    /// NonOS AT 1.3, July 2016. The compile time is made up.
    static let nonOS13: Firmware = {
        var firmware = Firmware(
            version: """
                AT version:1.3.0.0(Jul 14 2016 18:54:01)\r\n\
                SDK version:2.0.0(656edbf)\r\n\
                compile time:Jul 19 2016 18:44:44\r\n\
                OK\r\n
                """,
            commands: everywhere.union(nonOS))
        firmware.scanDetails = []
        firmware.joinPolls = 7
        firmware.joinPeriods = (first: 3, next: 2)
        return firmware
    }()

    /// NonOS AT 1.7.5, October 2021.
    static let nonOS17 = Firmware(
        version: """
            AT version:1.7.5.0(Oct  9 2021 09:26:04)\r\n\
            SDK version:3.0.5(b29dcd3)\r\n\
            compile time:Oct 15 2021 18:05:30\r\n\
            Bin version(Wroom 02):1.7.5\r\n\
            OK\r\n
            """,
        commands: everywhere.union(nonOS).union(since14).union([
            "+CWCOUNTRY_CUR", "+CWCOUNTRY_DEF", "+SYSMSG_CUR", "+SYSMSG_DEF", "+CIPDNS_CUR", "+CIPDNS_DEF",
            "+CIPRECVMODE", "+CIPRECVDATA", "+CIPRECVLEN",
        ]))

    /// ESP-AT 2.3.0.0 for ESP8266, August 2025. The marks of the build in AT+GMR are made up.
    static let espAT2: Firmware = {
        var firmware = Firmware(
            version: """
                AT version:2.3.0.0(s-abd2a45 - ESP8266 - Aug  6 2025 03:41:23)\r\n\
                SDK version:v3.4-84-g97d5b3d8\r\n\
                compile time(b1db70aa):Aug  7 2025 02:19:45\r\n\
                Bin version:2.3.0(WROOM-02)\r\n\
                \r\nOK\r\n
                """,
            commands: everywhere.union(since14).union([
                "+CWCOUNTRY", "+SYSMSG", "+SYSSTORE", "+SYSLOG", "+CWSTATE", "+CWRECONNCFG", "+CIPSTATE", "+CIPTCPOPT",
                "+CIPRECONNINTV", "+CIPDNS", "+CIPRECVMODE", "+CIPRECVDATA", "+CIPRECVLEN",
            ]))
        (firmware.refusesLongLines, firmware.findsHeadAnywhere) = (true, false)
        (firmware.echoesLineFeed, firmware.explainsErrors, firmware.saysBusySending) = (true, false, false)
        (firmware.speeds, firmware.mostSystemMessages) = (80...4_500_000, 7)
        (firmware.wifiModes, firmware.givesUpOnAddresses, firmware.joinFailure) = (0...3, false, "ERROR")
        (firmware.joinPolls, firmware.networkDetails) = (15, ",0,1,3,0,1")
        firmware.silencesWiFiByMode = false
        firmware.prompt = "\r\n>"
        // lwIP's own limits: about 10 s for a dial, six retransmissions of data (1, 2, 4 … 32 s).
        (firmware.synRetry, firmware.dialLimit) = (.seconds(3), .seconds(10))
        firmware.dataLimit = .seconds(63)
        firmware.readLimit = 0x7FFF_FFFF
        (firmware.receiveWindow, firmware.withholdsClosed, firmware.alwaysClosesFailedDial) = (5760, true, false)
        (firmware.quotesAddresses, firmware.isESPAT) = (true, true)
        (firmware.packetSize, firmware.packetReserve) = (2048, 1024)
        (firmware.needsSilenceBeforeEscape, firmware.tellsLossAfterEscape) = (true, false)
        return firmware
    }()

    // MARK: Commands

    private static let everywhere: Set<String> = [
        "", "E0", "E1", "+RST", "+GMR", "+RESTORE", "+UART_CUR", "+UART_DEF", "+SLEEP", "+CWMODE", "+CWJAP", "+CWQAP",
        "+CWAUTOCONN", "+CWLAP", "+CWDHCP", "+CIFSR", "+CIPSTA", "+CIPDOMAIN", "+PING", "+CIPMUX", "+CIPMODE",
        "+CIPSTAMAC", "+CWHOSTNAME", "+CWLAPOPT", "+CIPDINFO", "+CIPSTART", "+CIPSEND", "+CIPSENDEX", "+CIPCLOSE",
        "+CIPSTATUS", "+SAVETRANSLINK",
    ]

    /// `_CUR` and `_DEF` exist since 1.1; without them the names are deprecated, and mean `_DEF`.
    private static let nonOS: Set<String> = [
        "+UART", "+IPR", "+CWMODE_CUR", "+CWMODE_DEF", "+CWJAP_CUR", "+CWJAP_DEF", "+CWDHCP_CUR", "+CWDHCP_DEF",
        "+CIPSTA_CUR", "+CIPSTA_DEF", "+CIPSTAMAC_CUR", "+CIPSTAMAC_DEF", "+CIPSENDBUF", "+CIPSSLSIZE",
    ]

    private static let since14: Set<String> = ["+SYSRAM", "+CIPSNTPCFG", "+CIPSNTPTIME"]
}
