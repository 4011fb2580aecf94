import BridgeCore

/// The Wi-Fi station.
struct Station: Equatable {
    enum State: Equatable {
        case idle
        case associating
        /// Without an address yet.
        case associated
        case addressed
    }

    var state = State.idle
    /// The network that the SDK joins again by itself; AT+CWQAP and a failed AT+CWJAP end that.
    var credentials: Credentials?
    /// What the present AT+CWJAP fails with at its next look (other than 1), or in the end (1).
    var failure = 1
    /// The access point is about to turn the password down.
    var isBeingRejected = false
    /// Looks at the station's state that the present AT+CWJAP has left.
    var pollsLeft = 0
}

extension SimulatedModem {
    /// Whether the Wi-Fi mode includes a station.
    var isStationOn: Bool { volatile.wifiMode & 1 != 0 }

    /// Texts about Wi-Fi are left out while CIPMODE is 1, in command mode too.
    private mutating func sayWiFi(_ text: String) {
        if !volatile.isTransparentMode { say("WIFI \(text)\r\n") }
    }

    // MARK: Joining

    mutating func beginJoining(_ credentials: Credentials) {
        station.credentials = credentials
        station.state = .associating
        set(.associate, within: configuration.timing.associate)
    }

    mutating func associationDue() {
        guard let credentials = station.credentials, surroundings.letsRejoin || pending == .join else { return }
        guard let accessPoint = surroundings.accessPoint(credentials.ssid) else {
            return associationFailed(code: 3)
        }
        guard surroundings.acceptsStations else { return associationFailed(code: 4) }
        guard accessPoint.password.isEmpty || accessPoint.password == credentials.password else {
            station.isBeingRejected.toggle()
            guard station.isBeingRejected else { return associationFailed(code: accessPoint.wrongPasswordCode) }
            return set(.associate, within: configuration.timing.wrongPassword)
        }
        station.isBeingRejected = false
        station.state = .associated
        sayWiFi("CONNECTED")
        set(.addressLimit, after: firmware.addressLimit)
        set(.address, within: configuration.timing.address)
    }

    private mutating func associationFailed(code: Int) {
        guard pending == .join else { return set(.associate, within: configuration.timing.rejoin) }
        // AT+CWJAP tells it at its next look.
        station.failure = code
    }

    mutating func addressDue() {
        guard station.state == .associated else { return }
        guard surroundings.givesAddresses else { return set(.address, within: configuration.timing.address) }
        cancel(.addressLimit)
        station.state = .addressed
        sayWiFi("GOT IP")
    }

    /// Five DISCOVER without an answer: the firmware leaves the access point and joins it again.
    mutating func addressMissed() {
        guard station.state == .associated else { return }
        if !volatile.isTransparentMode { say("DHCP TIMEOUT\r\n") }
        loseStation()
        set(.associate, within: configuration.timing.rejoin)
    }

    /// AT+CWJAP looks at the station every second; its OK comes up to that much after `WIFI GOT IP`.
    mutating func joinPolled() {
        guard pending == .join else { return }
        if station.state == .addressed {
            pending = nil
            return succeed()
        }
        station.pollsLeft -= 1
        guard station.pollsLeft > 0, station.failure == 1 else { return joinFailed(code: station.failure) }
        set(.joinPoll, after: configuration.timing.joinPoll)
    }

    private mutating func joinFailed(code: Int) {
        pending = nil
        cancel(.joinPoll)
        leaveNetwork()
        say("+CWJAP:\(code)\r\n\r\nFAIL\r\n")
    }

    // MARK: Losing

    /// The association ended; links go with it.
    mutating func loseStation() {
        let wasAssociated = station.state == .associated || station.state == .addressed
        station.state = station.credentials == nil ? .idle : .associating
        station.isBeingRejected = false
        [.associate, .address, .addressLimit].forEach { cancel($0) }
        loseAllLinks()
        if wasAssociated { sayWiFi("DISCONNECT") }
    }

    /// The host (or a failure) ends the association for good.
    private mutating func leaveNetwork() {
        station.credentials = nil
        loseStation()
    }

    // MARK: Commands

    mutating func performWiFi(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CWMODE", _), ("+CWMODE_CUR", _), ("+CWMODE_DEF", _): performMode(command)
        case ("+CWJAP", .query), ("+CWJAP_CUR", .query), ("+CWJAP_DEF", .query): reportNetwork(as: command.name)
        case ("+CWJAP", .set(let arguments)), ("+CWJAP_DEF", .set(let arguments)):
            performJoin(arguments, isStored: true)
        case ("+CWJAP_CUR", .set(let arguments)): performJoin(arguments, isStored: false)
        case ("+CWQAP", .execute):
            succeed()
            leaveNetwork()
        case ("+CWAUTOCONN", .query):
            say("+CWAUTOCONN:\(flash.joinsAtBoot ? 1 : 0)\r\n")
            succeed()
        case ("+CWAUTOCONN", .set(let arguments)):
            guard let value = Self.only(arguments), (0...1).contains(value) else { return fail() }
            flash.joinsAtBoot = value == 1
            succeed(storing: true)
        case ("+CWLAP", .execute): performScan(nil)
        case ("+CWLAP", .set(let arguments)):
            guard let ssid = arguments.first?.text else { return fail() }
            performScan(ssid)
        case ("+CIFSR", .execute): reportAddresses()
        default: fail()
        }
    }

    private mutating func performMode(_ command: CommandLine) {
        switch command.form {
        case .query:
            let mode = command.name == "+CWMODE_DEF" ? flash.wifiMode : volatile.wifiMode
            say("\(command.name):\(mode)\r\n")
            succeed()
        case .set(let arguments):
            guard let mode = Self.only(arguments), (1...3).contains(mode) else { return fail() }
            let isStored = command.name != "+CWMODE_CUR"
            if isStored { flash.wifiMode = mode }
            if mode != volatile.wifiMode {
                volatile.wifiMode = mode
                leaveNetwork()
            }
            succeed(storing: isStored)
        case .execute, .malformed: fail()
        }
    }

    private mutating func performJoin(_ arguments: [CommandLine.Argument], isStored: Bool) {
        guard isStationOn, (2...3).contains(arguments.count), let ssid = arguments[0].text,
            let password = arguments[1].text, (1...32).contains(ssid.utf8.count), password.utf8.count <= 64,
            arguments.count == 2 || arguments[2].text != nil
        else { return fail() }
        let credentials = Credentials(ssid: ssid, password: password)
        if isStored { flash.credentials = credentials }
        leaveNetwork()
        station.failure = 1
        station.pollsLeft = firmware.joinPolls
        pending = .join
        beginJoining(credentials)
        set(.joinPoll, after: configuration.timing.joinPoll)
    }

    private mutating func reportNetwork(as name: String) {
        let isJoined = station.state == .associated || station.state == .addressed
        if isJoined, let ssid = station.credentials?.ssid, let accessPoint = surroundings.accessPoint(ssid) {
            say("\(name):\"\(ssid)\",\"\(accessPoint.bssid)\",\(accessPoint.channel),\(accessPoint.strength)\r\n")
        } else {
            say("No AP\r\n")
        }
        succeed()
    }

    private mutating func performScan(_ ssid: String?) {
        guard isStationOn else { return fail() }
        scanned = ssid
        wait(.scan, configuration.timing.scan)
    }

    mutating func listAccessPoints(_ ssid: String?) {
        for point in surroundings.visibleAccessPoints where ssid == nil || ssid == point.ssid {
            let encryption = point.password.isEmpty ? 0 : 3
            say("+CWLAP:(\(encryption),\"\(point.ssid)\",\(point.strength),\"\(point.bssid)\",\(point.channel),")
            say("-12,0,4,4,7,0)\r\n")
        }
        succeed()
    }

    private mutating func reportAddresses() {
        if volatile.wifiMode & 2 != 0 {
            say("+CIFSR:APIP,\"192.168.4.1\"\r\n+CIFSR:APMAC,\"1a:fe:34:a1:b2:c3\"\r\n")
        }
        if isStationOn {
            let address = station.state == .addressed ? configuration.stationAddress : "0.0.0.0"
            say("+CIFSR:STAIP,\"\(address)\"\r\n+CIFSR:STAMAC,\"\(configuration.stationMAC)\"\r\n")
        }
        succeed()
    }
}
