/// AT+CWCOUNTRY: which channels may be used.
public struct Country: Equatable, Sendable {
    /// 0 follows the access point's, 1 does not.
    public var policy = 0
    public var code = "CN"
    public var firstChannel = 1
    public var channels = 13

    public init() {}
}

/// Commands about who and where the station is.
extension SimulatedModem {
    mutating func performIdentity(_ command: CommandLine) {
        switch (command.base, command.form) {
        case ("+CIPSTAMAC", .query): succeed(telling: "\(command.name):\"\(stationMAC)\"")
        case ("+CIPSTAMAC", .set(let arguments)): setMAC(arguments, isStored: isStored(command))
        case ("+CWHOSTNAME", .query):
            guard isStationOn else { return fail() }
            succeed(telling: "+CWHOSTNAME:\(volatile.hostName ?? usualHostName)")
        case ("+CWHOSTNAME", .set(let arguments)):
            guard arguments.count == 1, let name = arguments[0].text, (1...32).contains(name.utf8.count) else {
                return refuse()
            }
            guard isStationOn else { return fail() }
            volatile.hostName = name
            succeed()
        case ("+CWCOUNTRY", .query):
            let country = volatile.country
            say("\(command.name):\(country.policy),\"\(country.code)\",")
            succeed(telling: "\(country.firstChannel),\(country.channels)")
        case ("+CWCOUNTRY", .set(let arguments)): setCountry(arguments, isStored: isStored(command))
        default: refuseForm()
        }
    }

    /// The station's address of the second layer.
    var stationMAC: String { volatile.stationMAC ?? configuration.stationMAC }

    /// `ESP_` and the end of the MAC address.
    private var usualHostName: String {
        "ESP_" + configuration.stationMAC.split(separator: ":").suffix(3).joined().uppercased()
    }

    /// The lowest bit of the first octet stands for a group, and must be 0.
    private mutating func setMAC(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard arguments.count == 1, let text = arguments[0].text else { return refuse() }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let octets = parts.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6, octets.count == 6, octets[0] & 1 == 0 else { return refuse() }
        volatile.stationMAC = text.lowercased()
        if isStored { flash.stationMAC = volatile.stationMAC }
        succeed(storing: isStored)
    }

    private mutating func setCountry(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard arguments.count == 4, let policy = arguments[0].number, (0...1).contains(policy),
            let code = arguments[1].text, (2...3).contains(code.utf8.count), let first = arguments[2].number,
            (1...14).contains(first), let channels = arguments[3].number, (1...14).contains(channels)
        else { return refuse() }
        var country = Country()
        (country.policy, country.code, country.firstChannel, country.channels) = (policy, code, first, channels)
        volatile.country = country
        if isStored { flash.country = country }
        succeed(storing: isStored)
    }
}
