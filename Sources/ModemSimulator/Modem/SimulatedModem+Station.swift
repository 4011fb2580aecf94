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
    /// What the present AT+CWJAP fails with at its next look.
    var failure: Int?
    /// Attempts to join again since the last success.
    var attempts = 0
    /// The access point is about to turn the password down.
    var isBeingRejected = false
    /// The access point was lost, and is looked for without a command.
    var isRejoining = false
    /// Looks at the station's state that the present AT+CWJAP has left.
    var pollsLeft = 0
}

extension SimulatedModem {
    /// Whether the Wi-Fi mode includes a station.
    var isStationOn: Bool { volatile.wifiMode & 1 != 0 }

    /// NonOS leaves texts about Wi-Fi out while CIPMODE is 1, in command mode too; ESP-AT in transparent mode, unless bit 2
    /// of AT+SYSMSG is set.
    private mutating func sayWiFi(_ text: String) {
        let isSilent =
            firmware.silencesWiFiByMode ? volatile.isTransparentMode : phase == .data && !speaksInDataMode
        if !isSilent { say(text + "\r\n") }
    }

    /// Whether texts come in the middle of transparent data: bit 2 of AT+SYSMSG.
    var speaksInDataMode: Bool { volatile.messages & 4 != 0 }

    // MARK: Joining

    mutating func beginJoining(_ credentials: Credentials) {
        station.credentials = credentials
        station.state = .associating
        station.isRejoining = false
        volatile.hasJoined = true
        set(.associate, within: configuration.timing.associate)
    }

    /// After a boot, and when the station comes on.
    mutating func joinByItself() {
        guard flash.joinsAtBoot, let credentials = flash.credentials, isStationOn else { return }
        beginJoining(credentials)
    }

    /// AT+CWJAP.
    mutating func join(_ credentials: Credentials, polls: Int) {
        leaveNetwork()
        station.failure = nil
        station.pollsLeft = polls
        pending = .join
        beginJoining(credentials)
        set(.joinPoll, after: configuration.timing.joinPoll * firmware.joinPeriods.first)
    }

    mutating func associationDue() {
        guard let credentials = station.credentials, mayAssociate else { return }
        guard let accessPoint = surroundings.visibleAccessPoints.first(where: credentials.fits) else {
            return associationFailed(code: 3)
        }
        guard surroundings.acceptsStations else { return associationFailed(code: 4) }
        guard accessPoint.password.isEmpty || accessPoint.password == credentials.password else {
            station.isBeingRejected.toggle()
            guard station.isBeingRejected else { return associationFailed(code: accessPoint.wrongPasswordCode) }
            return set(.associate, within: configuration.timing.wrongPassword)
        }
        station.isBeingRejected = false
        station.attempts = 0
        station.state = .associated
        sayWiFi("WIFI CONNECTED")
        if firmware.givesUpOnAddresses { set(.addressLimit, after: firmware.addressLimit) }
        set(.address, within: configuration.timing.address)
    }

    /// Whether an attempt to associate is made: not when AT+CWRECONNCFG of ESP-AT is against it.
    var mayAssociate: Bool {
        guard pending != .join else { return true }
        guard surroundings.letsRejoin else { return false }
        guard firmware.isESPAT, station.isRejoining else { return true }
        let limit = volatile.rejoining.limit
        return volatile.rejoining.interval > 0 && (limit == 0 || station.attempts < limit)
    }

    private mutating func associationFailed(code: Int) {
        guard pending == .join else { return rejoinLater() }
        // AT+CWJAP tells it at its next look.
        station.failure = code
    }

    private mutating func rejoinLater() {
        station.attempts += 1
        let interval = volatile.rejoining.interval
        // Every second is what NonOS does too: a scan takes longer than the pause.
        guard interval > 1 else { return set(.associate, within: configuration.timing.rejoin) }
        set(.associate, after: .seconds(interval))
    }

    mutating func addressDue() {
        guard station.state == .associated else { return }
        guard volatile.staticAddress != nil || volatile.usesDHCP && surroundings.givesAddresses else {
            return set(.address, within: configuration.timing.address)
        }
        cancel(.addressLimit)
        station.state = .addressed
        sayWiFi("WIFI GOT IP")
        if pending == .join, firmware.isESPAT { joinSucceeded() }
    }

    /// Five DISCOVER without an answer: the firmware leaves the access point and joins it again.
    mutating func addressMissed() {
        guard station.state == .associated else { return }
        sayWiFi("DHCP TIMEOUT")
        loseStation()
        rejoinLater()
    }

    /// AT+CWJAP of NonOS looks at the station every one or two seconds; its OK comes up to that much after `WIFI GOT IP`.
    mutating func joinPolled() {
        guard pending == .join else { return }
        if station.state == .addressed { return joinSucceeded() }
        station.pollsLeft -= 1
        if let code = station.failure { return joinFailed(code: code) }
        guard station.pollsLeft > 0 else { return joinFailed(code: 1) }
        set(.joinPoll, after: configuration.timing.joinPoll * firmware.joinPeriods.next)
    }

    private mutating func joinSucceeded() {
        pending = nil
        cancel(.joinPoll)
        succeed()
    }

    private mutating func joinFailed(code: Int) {
        pending = nil
        cancel(.joinPoll)
        leaveNetwork()
        say("+CWJAP:\(code)\r\n\r\n\(firmware.joinFailure)\r\n")
    }

    // MARK: Losing

    /// The association ended; links go with it.
    mutating func loseStation() {
        let wasAssociated = station.state == .associated || station.state == .addressed
        station.state = station.credentials == nil ? .idle : .associating
        station.isBeingRejected = false
        station.isRejoining = wasAssociated
        station.attempts = 0
        [.associate, .address, .addressLimit].forEach { cancel($0) }
        loseAllLinks()
        if wasAssociated { sayWiFi("WIFI DISCONNECT") }
    }

    /// The host (or a failure) ends the association for good.
    mutating func leaveNetwork() {
        station.credentials = nil
        loseStation()
    }
}
