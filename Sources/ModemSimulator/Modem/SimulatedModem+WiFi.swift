import BridgeCore

/// Commands about Wi-Fi.
extension SimulatedModem {
    mutating func performWiFi(_ command: CommandLine) {
        switch (command.base, command.form) {
        case ("+CWMODE", _): performMode(command)
        case ("+CWJAP", .query): reportNetwork(as: command.name)
        case ("+CWJAP", .set(let arguments)): performJoin(arguments, isStored: isStored(command))
        case ("+CWJAP", .execute) where firmware.isESPAT:
            guard isStationOn, let credentials = flash.credentials else { return fail() }
            join(credentials, polls: firmware.joinPolls)
        case ("+CWQAP", .execute):
            succeed()
            leaveNetwork()
        case ("+CWAUTOCONN", .query): succeed(telling: "+CWAUTOCONN:\(flash.joinsAtBoot ? 1 : 0)")
        case ("+CWAUTOCONN", .set(let arguments)):
            guard let joins = Self.flag(arguments) else { return refuse() }
            flash.joinsAtBoot = joins
            succeed(storing: true)
        case ("+CWSTATE", .query): reportState()
        case ("+CWRECONNCFG", .query):
            succeed(telling: "+CWRECONNCFG:\(volatile.rejoining.interval),\(volatile.rejoining.limit)")
        case ("+CWRECONNCFG", .set(let arguments)):
            guard arguments.count == 2, let interval = arguments[0].number, (0...7200).contains(interval),
                let limit = arguments[1].number, (0...1000).contains(limit)
            else { return refuse() }
            volatile.rejoining = Rejoining(interval: interval, limit: limit)
            if isStored(command) { flash.rejoinInterval = interval }
            succeed(storing: isStored(command))
        default: refuseForm()
        }
    }

    private mutating func performMode(_ command: CommandLine) {
        switch command.form {
        case .query:
            succeed(telling: "\(command.name):\(command.scope == .default ? flash.wifiMode : volatile.wifiMode)")
        case .set(var arguments):
            // ESP-AT: whether the module joins what it remembers when the station comes on.
            var joins = true
            if firmware.isESPAT, arguments.count == 2 {
                guard let flag = Self.flag([arguments.removeLast()]) else { return refuse() }
                joins = flag
            }
            guard let mode = Self.only(arguments, in: firmware.wifiModes) else { return refuse() }
            if isStored(command) { flash.wifiMode = mode }
            if mode != volatile.wifiMode {
                let wasOn = isStationOn
                volatile.wifiMode = mode
                leaveNetwork()
                if firmware.isESPAT, joins, isStationOn, !wasOn { joinByItself() }
            }
            succeed(storing: isStored(command))
        case .execute, .malformed: refuseForm()
        }
    }

    /// `"ssid","password"[,"bssid"]`; ESP-AT has six more, and takes what it remembers for the first two.
    private mutating func performJoin(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard isStationOn else { return fail() }
        guard (2...(firmware.isESPAT ? 9 : 3)).contains(arguments.count), let credentials = credentials(arguments),
            arguments.count == 2 || arguments[2].text != nil || arguments[2] == .empty
        else { return refuse() }
        let numbers = arguments.dropFirst(3).map(\.number) + Array(repeating: nil, count: 6)
        guard arguments.dropFirst(3).allSatisfy({ $0 == .empty || $0.number != nil }) else { return refuse() }
        // After the access point come: encryption, reconnection interval, listen interval, scan mode, time to try.
        let interval = numbers[1] ?? 1
        let polls = numbers[4] ?? firmware.joinPolls
        guard (0...7200).contains(interval), (3...600).contains(polls) else { return refuse() }
        volatile.rejoining = Rejoining(interval: interval)
        if isStored {
            flash.credentials = credentials
            flash.rejoinInterval = interval
        }
        join(credentials, polls: polls)
    }

    /// What the first three arguments name.
    private func credentials(_ arguments: [CommandLine.Argument]) -> Credentials? {
        if firmware.isESPAT, arguments[0] == .empty, arguments[1] == .empty { return flash.credentials }
        guard let ssid = arguments[0].text, let password = arguments[1].text, (1...32).contains(ssid.utf8.count),
            password.utf8.count <= 64
        else { return nil }
        return Credentials(ssid: ssid, password: password, bssid: arguments.count > 2 ? arguments[2].text : nil)
    }

    private mutating func reportNetwork(as name: String) {
        let isJoined = station.state == .associated || station.state == .addressed
        guard isJoined, let credentials = station.credentials,
            let point = surroundings.visibleAccessPoints.first(where: credentials.fits)
        else { return succeed(telling: "No AP") }
        say("\(name):\"\(point.ssid)\",\"\(point.bssid)\",\(point.channel),\(point.strength)")
        succeed(telling: firmware.networkDetails)
    }

    /// AT+CWSTATE: 0 nothing yet, 1 no address, 2 an address, 3 joining, 4 left.
    private mutating func reportState() {
        let state =
            switch station.state {
            case .idle: volatile.hasJoined ? 4 : 0
            case .associating: mayAssociate ? 3 : 4
            case .associated: 1
            case .addressed: 2
            }
        succeed(telling: "+CWSTATE:\(state),\"\(station.credentials?.ssid ?? "")\"")
    }
}
