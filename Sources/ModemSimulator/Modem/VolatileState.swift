import BridgeCore

/// What a reset forgets.
struct VolatileState: Equatable {
    var echoes = true
    var hasManyLinks = false
    var isTransparentMode = false
    /// AT+CIPDINFO.
    var showsPeer = false
    /// AT+CIPRECVMODE=1.
    var isPassive = false
    /// AT+SYSMSG: bit 0 `+QUITT`, bit 1 `+LINK_CONN`, bit 2 (ESP-AT) texts in transparent mode too.
    var messages = 0
    var sleep = 2
    var wifiMode = 1
    var line = LineSettings()
    /// A link was open since the last boot (AT+CIPSTATUS 4 rather than 2).
    var hadLink = false

    /// AT+CIPSTAMAC; nil for the one of the factory.
    var stationMAC: String?
    /// AT+CWHOSTNAME.
    var hostName: String?
    var country = Country()
    var scanOptions = ScanOptions()

    // MARK: Addresses

    var staticAddress: StaticAddress?
    var usesDHCP = true
    var nameServers: [String] = []
    var clock = NetworkClock()

    // MARK: ESP-AT

    /// AT+SYSSTORE=1: commands without `_CUR` and `_DEF` keep their values in the flash.
    var storesSettings = true
    /// AT+SYSLOG=1.
    var logsErrors = false
    /// AT+CIPRECONNINTV: tenths of a second; NonOS always has one.
    var redialInterval = 1
    /// AT+CIPTCPOPT, by link.
    var options: [Int: SocketOptions] = [:]
    /// AT+CWRECONNCFG.
    var rejoining = Rejoining()
    /// A network was joined, or tried, since the last boot (AT+CWSTATE 4 rather than 0).
    var hasJoined = false
}

/// AT+CWRECONNCFG of ESP-AT: how the station comes back to an access point that it lost.
struct Rejoining: Equatable {
    /// Seconds between two attempts; 0 for none at all.
    var interval = 1
    /// 0 for ever.
    var limit = 0
}
