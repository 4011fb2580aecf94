import BridgeCore

/// What can be broken around and in the module.
public enum Fault: Equatable, Sendable {
    /// Every TCP connection is reset by somebody on the way.
    case dropped
    /// As ``dropped``, and the network is down for a time.
    case droppedAndHeld(Duration)
    /// Segments pass no more, or again.
    case networkDown
    case networkUp
    /// The access points vanish, or are back.
    case accessPointDown
    case accessPointUp
    /// The access points answer association with a refusal, or accept it again.
    case accessPointRefuses(Bool)
    /// DHCP answers, or does not.
    case addressesGiven(Bool)
    /// The password of the first access point is another one from now on.
    case passwordChanged(String)
    /// The module starts anew by itself, as after a dip of the supply.
    case restarted
    /// The module takes nothing and says nothing, or does again.
    case muted(Bool)
    /// Random bytes on the line to the host.
    case garbage(Int)
    /// The module joins again by itself after it lost its access point, or not before it is restarted
    /// (ESP8266_NONOS_SDK issue 367).
    case rejoins(Bool)
    /// The module runs at another speed, which it has saved, as if somebody had sent it AT+UART_DEF.
    case speedChanged(Int)
    /// Echo is back on.
    case echoes
    /// AT+SAVETRANSLINK was given, and the module restarts: it is in transparent mode when the host comes.
    case linkSaved(SavedLink)
}

/// What stands around the module, and can be broken.
struct Surroundings {
    var accessPoints: [AccessPoint]
    var areAccessPointsUp = true
    var acceptsStations = true
    var givesAddresses = true
    var networkIsUp = true
    var isMute = false
    var letsRejoin = true

    var visibleAccessPoints: [AccessPoint] { areAccessPointsUp ? accessPoints : [] }

    func accessPoint(_ ssid: String) -> AccessPoint? { visibleAccessPoints.first { $0.ssid == ssid } }
}

extension SimulatedModem {
    mutating func strike(_ fault: Fault) {
        switch fault {
        case .dropped: dropConnections()
        case .droppedAndHeld(let duration):
            dropConnections()
            setNetwork(isUp: false)
            set(.networkBack, after: duration)
        case .networkDown:
            cancel(.networkBack)
            setNetwork(isUp: false)
        case .networkUp: setNetwork(isUp: true)
        case .accessPointDown:
            surroundings.areAccessPointsUp = false
            guard station.state == .associated || station.state == .addressed else { return }
            loseStation()
            set(.associate, within: configuration.timing.rejoin)
        case .accessPointUp: surroundings.areAccessPointsUp = true
        case .accessPointRefuses(let refuses): surroundings.acceptsStations = !refuses
        case .addressesGiven(let isGiven): surroundings.givesAddresses = isGiven
        case .passwordChanged(let password):
            if !surroundings.accessPoints.isEmpty { surroundings.accessPoints[0].password = password }
        case .restarted: boot(cause: .watchdog)
        case .muted(let isMute): surroundings.isMute = isMute
        case .garbage(let count):
            write((0..<max(0, min(count, 65536))).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .rejoins(let does): surroundings.letsRejoin = does
        case .speedChanged(let baud):
            flash.line.baud = baud
            volatile.line.baud = baud
            emit(.setSpeed(baud: baud))
        case .echoes: volatile.echoes = true
        case .linkSaved(let link):
            flash.savedLink = link
            boot(cause: .watchdog)
        }
    }

    /// Whether the host's bytes are payload: transparent mode, or after the `>` of AT+CIPSEND=<n>.
    var takesPayload: Bool {
        switch phase {
        case .data, .payload, .sending: true
        case .down, .command: false
        }
    }

    /// Whether the module has no supply or is booting.
    var isDown: Bool { phase == .down }

    /// Whether it joins a network that it knows, without a command.
    var joinsByItself: Bool {
        pending != .join && (station.state == .associating || station.state == .associated)
    }

    private mutating func dropConnections() {
        for number in links.keys.sorted() {
            guard let connection = links[number]?.connection else { continue }
            peerEnded(connection)
        }
    }

    mutating func setNetwork(isUp: Bool) {
        guard surroundings.networkIsUp != isUp else { return }
        surroundings.networkIsUp = isUp
        emit(.setNetwork(isUp: isUp))
        for (number, link) in links.sorted(by: { $0.key < $1.key }) where link.state == .open {
            cancel(.dataLimit(number))
            if isUp {
                links[number]?.held = []
                if let connection = link.connection, !link.held.isEmpty {
                    links[number]?.knowsNextTaken = link.tookHeld
                    emit(.send(connection, link.held))
                }
            } else if link.keepAlive > 0 {
                // KEEPIDLE = n, KEEPINTVL = 1, KEEPCNT = 3.
                set(.dataLimit(number), after: .seconds(link.keepAlive + 3))
            }
        }
    }
}
