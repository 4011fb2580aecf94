/// The world in which a simulated module stands, and what its flash holds when it is switched on.
public struct ModemConfiguration: Sendable {
    /// What the module runs.
    public var firmware = FirmwareVersion.nonOS17
    /// The access points in reach, the strongest first.
    public var accessPoints: [AccessPoint] = [AccessPoint(ssid: "workshop", password: "12345678")]
    /// The names that DNS knows; all others are unknown.
    public var hosts: [HostMapping] = []
    /// How long things take.
    public var timing: ModemTiming = .realistic
    /// Seed of every random choice.
    public var seed: UInt64 = 1
    /// What the flash holds at the first power-on.
    public var flash = ModemFlash()
    /// The station's address once it has one.
    public var stationAddress = "192.168.1.23"
    /// The station's MAC address.
    public var stationMAC = "18:fe:34:a1:b2:c3"
    /// What SNTP tells at the moment when the module is first switched on: seconds since 1970, UTC.
    public var networkTime: Int64 = 1_470_322_085

    public init() {}

    /// Where a connection to `host`:`port` really goes, or why it goes nowhere.
    ///
    /// Numeric addresses outside 127.0.0.0/8 are never really dialled: nobody answers there.
    func route(host: String, port: Int) -> Route {
        let fitting = hosts.filter { $0.name == host.lowercased() }
        if let mapping = fitting.first(where: { $0.port == port }) ?? fitting.first(where: { $0.port == nil }) {
            return .leads(to: mapping.address, port: mapping.targetPort ?? port)
        }
        guard let octets = Self.octets(of: host) else { return .nameUnknown }
        return octets[0] == 127 ? .leads(to: host, port: port) : .silent(address: host)
    }

    /// The address that DNS answers for a name, whatever port is meant; a number is its own.
    func address(of host: String) -> String? {
        if let mapping = hosts.first(where: { $0.name == host.lowercased() }) { return mapping.address }
        return Self.octets(of: host) == nil ? nil : host
    }

    static func octets(of host: String) -> [UInt8]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        let octets = parts.compactMap { $0 }
        return octets.count == 4 ? octets : nil
    }
}

/// Where a name leads.
enum Route: Equatable, Sendable {
    case leads(to: String, port: Int)
    case silent(address: String)
    case nameUnknown
}

/// A Wi-Fi access point.
public struct AccessPoint: Equatable, Sendable {
    public var ssid: String
    /// Empty for an open network.
    public var password: String
    /// What a wrong password is answered with: 2, or 1 or 4 as many access points make the module say.
    public var wrongPasswordCode = 2
    public var bssid = "c0:25:e9:12:34:56"
    public var channel = 6
    /// Signal strength in dBm.
    public var strength = -57

    public init(ssid: String, password: String) {
        self.ssid = ssid
        self.password = password
    }
}

/// One entry of the simulated name service: `name[:port]` is really `address[:targetPort]`.
public struct HostMapping: Equatable, Sendable {
    public var name: String
    public var port: Int?
    public var address: String
    public var targetPort: Int?

    public init(name: String, port: Int? = nil, address: String, targetPort: Int? = nil) {
        self.name = name.lowercased()
        self.port = port
        self.address = address
        self.targetPort = targetPort
    }

    /// Reads `name=address`, `name:port=address:port` and the forms between; nil for anything else.
    public init?(text: String) {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false)
        guard sides.count == 2, let from = Self.endpoint(sides[0]), let target = Self.endpoint(sides[1]) else {
            return nil
        }
        self.init(name: from.0, port: from.1, address: target.0, targetPort: target.1)
    }

    private static func endpoint(_ text: Substring) -> (String, Int?)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return (String(name), nil) }
        guard let port = Int(parts[1]), (1...65535).contains(port) else { return nil }
        return (String(name), port)
    }
}

/// What survives a reset and a power cycle.
public struct ModemFlash: Equatable, Sendable {
    /// AT+UART_DEF.
    public var line = LineSettings()
    /// AT+CWMODE_DEF: 1 station, 2 access point, 3 both. A blank flash makes the module an access point.
    public var wifiMode = 2
    /// AT+CWJAP_DEF.
    public var credentials: Credentials?
    /// AT+CIPSTA_DEF; nil where DHCP is asked.
    public var staticAddress: StaticAddress?
    /// AT+CWDHCP_DEF: whether the station asks DHCP.
    public var usesDHCP = true
    /// AT+CIPDNS_DEF: name servers of the host's choice instead of those that DHCP tells.
    public var nameServers: [String] = []
    /// Seconds between two attempts to come back to the access point (ESP-AT: AT+CWJAP, AT+CWRECONNCFG).
    public var rejoinInterval = 1
    /// AT+CIPRECONNINTV of ESP-AT: tenths of a second.
    public var redialInterval = 1
    /// AT+CWAUTOCONN.
    public var joinsAtBoot = true
    /// AT+SYSMSG_DEF.
    public var messages = 0
    /// AT+CIPSTAMAC_DEF; nil for ``ModemConfiguration/stationMAC``.
    public var stationMAC: String?
    /// AT+CWCOUNTRY_DEF.
    public var country = Country()
    /// AT+SAVETRANSLINK.
    public var savedLink: SavedLink?

    public init() {}
}

/// Name and password of a network, as the host gave them.
public struct Credentials: Equatable, Sendable {
    public var ssid: String
    public var password: String
    /// Only this access point of that name; nil for any.
    public var bssid: String?

    public init(ssid: String, password: String, bssid: String? = nil) {
        self.ssid = ssid
        self.password = password
        self.bssid = bssid
    }

    func fits(_ point: AccessPoint) -> Bool {
        point.ssid == ssid && (bssid?.lowercased() ?? point.bssid.lowercased()) == point.bssid.lowercased()
    }
}

/// The three addresses of AT+CIPSTA.
public struct StaticAddress: Equatable, Sendable {
    public var address: String
    public var gateway: String
    public var netmask: String

    public init(address: String, gateway: String, netmask: String) {
        self.address = address
        self.gateway = gateway
        self.netmask = netmask
    }
}

/// The link that AT+SAVETRANSLINK keeps.
public struct SavedLink: Equatable, Sendable {
    public var host: String
    public var port: Int
    /// Seconds; 0 is off.
    public var keepAlive: Int

    public init(host: String, port: Int, keepAlive: Int = 0) {
        self.host = host
        self.port = port
        self.keepAlive = keepAlive
    }
}

/// The five numbers of AT+UART.
public struct LineSettings: Equatable, Sendable {
    public var baud = 115_200
    public var dataBits = 8
    /// 1 one, 2 one and a half, 3 two.
    public var stopBits = 1
    /// 0 none, 1 odd, 2 even.
    public var parity = 0
    /// 0 none, 1 RTS, 2 CTS, 3 both.
    public var flowControl = 0

    public init() {}

    /// The speed that the divider of the 80 MHz clock really gives, as AT+UART_CUR? reports it.
    var actualBaud: Int { 80_000_000 / max(1, 80_000_000 / max(1, baud)) }
}
