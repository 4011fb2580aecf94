import BridgeCore

/// Reset and boot.
extension SimulatedModem {
    /// The first number of the ROM's boot line.
    enum ResetCause: Int {
        case powerOn = 1
        case command = 2
        case watchdog = 4
    }

    /// The module starts anew.
    mutating func boot(cause: ResetCause) {
        let oldSpeed = volatile.line.baud
        powerDown()
        if flash.line.baud != oldSpeed { emit(.setSpeed(baud: flash.line.baud)) }
        write(BootNoise.heard(at: flash.line.baud, cause: cause.rawValue))
        set(.booted, within: configuration.timing.boot)
    }

    /// Everything that is not in the flash is forgotten, the connections without a word to the peers.
    mutating func powerDown() {
        for link in links.values { link.connection.map { emit(.abandon($0)) } }
        cancelAllOfModule()
        links = [:]
        pending = nil
        input.reset()
        payload = PayloadInput()
        transparent.restart()
        station = Station()
        surroundings.letsRejoin = true
        volatile = VolatileState()
        volatile.line = flash.line
        volatile.wifiMode = flash.wifiMode
        volatile.messages = flash.messages
        volatile.staticAddress = flash.staticAddress
        volatile.usesDHCP = flash.usesDHCP
        volatile.nameServers = flash.nameServers
        (volatile.stationMAC, volatile.country) = (flash.stationMAC, flash.country)
        volatile.redialInterval = flash.redialInterval
        // ESP-AT comes back only to a network that somebody joined.
        volatile.rejoining.interval = firmware.isESPAT && flash.credentials == nil ? 0 : flash.rejoinInterval
        phase = .down
    }

    mutating func bootFinished() {
        say("\r\nready\r\n")
        phase = .command
        if flash.savedLink != nil {
            volatile.isTransparentMode = true
            phase = .data
            set(.savedLink, after: .zero)
        }
        joinByItself()
    }
}
