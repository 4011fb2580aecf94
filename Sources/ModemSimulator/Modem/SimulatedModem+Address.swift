import BridgeCore

/// Commands about IP addresses and name servers.
extension SimulatedModem {
    static let defaultNameServer = "208.67.222.222"

    mutating func performAddress(_ command: CommandLine) {
        switch (command.base, command.form) {
        case ("+CIFSR", .execute): reportAddresses()
        case ("+CIPSTA", .query): reportStation(as: command.name)
        case ("+CIPSTA", .set(let arguments)): setStaticAddress(arguments, isStored: isStored(command))
        case ("+CWDHCP", .query):
            // Bit 0 access point and bit 1 station in NonOS, the other way round in ESP-AT; both run by default.
            let station = volatile.usesDHCP ? (firmware.isESPAT ? 1 : 2) : 0
            succeed(telling: "\(command.name):\(station | (firmware.isESPAT ? 2 : 1))")
        case ("+CWDHCP", .set(let arguments)): setDHCP(arguments, isStored: isStored(command))
        case ("+CIPDNS", .query): reportNameServers(as: command.name)
        case ("+CIPDNS", .set(let arguments)): setNameServers(arguments, isStored: isStored(command))
        default: refuseForm()
        }
    }

    /// The station's address, if it has one.
    var address: String? {
        station.state == .addressed ? volatile.staticAddress?.address ?? configuration.stationAddress : nil
    }

    private mutating func reportAddresses() {
        guard volatile.wifiMode != 0 else { return fail() }
        if volatile.wifiMode & 2 != 0 {
            say("+CIFSR:APIP,\"192.168.4.1\"\r\n+CIFSR:APMAC,\"1a:fe:34:a1:b2:c3\"\r\n")
        }
        if isStationOn {
            say("+CIFSR:STAIP,\"\(address ?? "0.0.0.0")\"\r\n+CIFSR:STAMAC,\"\(stationMAC)\"\r\n")
        }
        succeed()
    }

    // MARK: AT+CIPSTA

    private mutating func reportStation(as name: String) {
        guard isStationOn else { return fail() }
        let gateway = volatile.staticAddress?.gateway ?? Self.gateway(of: configuration.stationAddress)
        let netmask = volatile.staticAddress?.netmask ?? "255.255.255.0"
        say("\(name):ip:\"\(address ?? "0.0.0.0")\"\r\n")
        say("\(name):gateway:\"\(address == nil ? "0.0.0.0" : gateway)\"\r\n")
        say("\(name):netmask:\"\(address == nil ? "0.0.0.0" : netmask)\"\r\n")
        succeed()
    }

    private mutating func setStaticAddress(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard let texts = Self.texts(arguments), texts.count == 1 || texts.count == 3,
            texts.allSatisfy({ ModemConfiguration.octets(of: $0) != nil })
        else { return refuse("IP ERROR") }
        guard isStationOn else { return fail() }
        let chosen = StaticAddress(
            address: texts[0], gateway: texts.count == 3 ? texts[1] : Self.gateway(of: texts[0]),
            netmask: texts.count == 3 ? texts[2] : "255.255.255.0")
        (volatile.staticAddress, volatile.usesDHCP) = (chosen, false)
        if isStored { (flash.staticAddress, flash.usesDHCP) = (chosen, false) }
        succeed(storing: isStored)
    }

    private static func gateway(of address: String) -> String {
        address.split(separator: ".").dropLast().joined(separator: ".") + ".1"
    }

    // MARK: AT+CWDHCP

    /// NonOS: mode (0 access point, 1 station, 2 both), then on or off. ESP-AT: on or off, then bits (1 station, 2 access
    /// point).
    private mutating func setDHCP(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard arguments.count == 2, let first = arguments[0].number, let second = arguments[1].number else {
            return refuse()
        }
        let (mode, enabled) = firmware.isESPAT ? (second, first) : (first, second)
        guard (0...1).contains(enabled), (firmware.isESPAT ? 1...3 : 0...2).contains(mode) else { return refuse() }
        if firmware.isESPAT ? mode & 1 != 0 : mode >= 1 {
            volatile.usesDHCP = enabled == 1
            if enabled == 1 { volatile.staticAddress = nil }
            if isStored { (flash.usesDHCP, flash.staticAddress) = (volatile.usesDHCP, volatile.staticAddress) }
        }
        succeed(storing: isStored)
    }

    // MARK: AT+CIPDNS

    /// The servers that are asked, one after the other.
    var nameServers: [String] {
        volatile.nameServers.isEmpty ? [Self.gateway(of: configuration.stationAddress)] : volatile.nameServers
    }

    /// How long a name is asked for in vain.
    var lookupLimit: Duration { firmware.lookupLimit * nameServers.count }

    private mutating func reportNameServers(as name: String) {
        if firmware.isESPAT {
            let servers = nameServers.map { ",\"\($0)\"" }.joined()
            return succeed(telling: "\(name):\(volatile.nameServers.isEmpty ? 0 : 1)\(servers)")
        }
        for server in nameServers { say("\(name):\(server)\r\n") }
        succeed()
    }

    private mutating func setNameServers(_ arguments: [CommandLine.Argument], isStored: Bool) {
        let most = firmware.isESPAT ? 3 : 2
        guard let enabled = arguments.first?.number, (0...1).contains(enabled), arguments.count <= 1 + most,
            let texts = Self.texts(arguments.dropFirst()), enabled == 1 || texts.isEmpty,
            texts.allSatisfy({ ModemConfiguration.octets(of: $0) != nil })
        else { return refuse() }
        volatile.nameServers =
            if enabled == 0 { [] } else if texts.isEmpty { [Self.defaultNameServer, Self.defaultNameServer] } else {
                texts
            }
        if isStored { flash.nameServers = volatile.nameServers }
        succeed(storing: isStored)
    }
}
