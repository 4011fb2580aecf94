import BridgeCore

/// One of the module's TCP links, as a client.
struct Link: Equatable {
    enum State: Equatable {
        /// AT+CIPSTART is being processed.
        case dialling
        case open
        /// Lost in transparent mode; dialled again for ever.
        case lost
        /// Closed by the peer before the host read all (ESP-AT, passive receive).
        case drained
    }

    var host: String
    var port: Int
    /// Seconds; 0 is off.
    var keepAlive: Int
    var state = State.dialling
    var connection: SimulatedModem.ConnectionID?
    var localPort = 0
    var address = "0.0.0.0"
    /// Where the address really is; nil where nobody answers.
    var target: (address: String, port: Int)?
    /// Bytes that TCP could not send because the network is down.
    var held: [UInt8] = []
    /// Whether the firmware was told of all of it that TCP has it.
    var tookHeld = false
    /// The next word of TCP that it has taken something is about what the firmware was told of.
    var knowsNextTaken = false
    /// When TCP took the payload that is not yet acknowledged.
    var takenAt = Moment.zero
    /// Received and not yet read, in passive receive.
    var unread: [UInt8] = []
    /// The host was told that there is something to read.
    var isAnnounced = false
    /// Of AT+CIPSENDBUF, not yet acknowledged.
    var segments: [Segment] = []
    var lastSegment = 0
    var lastAcknowledged = 0

    init(host: String, port: Int, keepAlive: Int) {
        self.host = host
        self.port = port
        self.keepAlive = keepAlive
    }

    static func == (left: Link, right: Link) -> Bool {
        left.connection == right.connection && left.state == right.state && left.host == right.host
    }
}

extension SimulatedModem {
    /// `<id>,` before texts about a link, with CIPMUX=1.
    func prefixed(_ text: String, link: Int) -> String { volatile.hasManyLinks ? "\(link),\(text)" : text }

    func linkNumber(of connection: ConnectionID) -> Int? {
        links.first { $0.value.connection == connection }?.key
    }

    // MARK: Dialling

    mutating func startLink(_ number: Int, host: String, port: Int, keepAlive: Int) {
        links[number] = Link(host: host, port: port, keepAlive: keepAlive)
        pending = .dial(link: number)
        resolve(link: number)
    }

    /// Looks the name up; ``dialLookupDone(_:)`` follows.
    mutating func resolve(link number: Int) {
        guard let link = links[number] else { return }
        let isNumeric = configuration.route(host: link.host, port: link.port).isNumeric(link.host)
        if isNumeric {
            dialLookupDone(number)
        } else if surroundings.networkIsUp {
            set(.dialLookup(number), within: configuration.timing.lookup)
        } else {
            set(.dialLookup(number), after: lookupLimit)
        }
    }

    mutating func dialLookupDone(_ number: Int) {
        guard let link = links[number] else { return }
        let route = configuration.route(host: link.host, port: link.port)
        switch route {
        case .leads(let address, let port):
            guard surroundings.networkIsUp || route.isNumeric(link.host) else { return lookupFailed(number) }
            links[number]?.address = address
            links[number]?.target = (address, port)
        case .silent(let address): links[number]?.address = address
        case .nameUnknown: return lookupFailed(number)
        }
        dial(number)
    }

    private mutating func lookupFailed(_ number: Int) {
        guard pending == .dial(link: number) else {
            // Of AT+SAVETRANSLINK: asked again.
            return set(.savedLink, after: redialPause)
        }
        links[number] = nil
        pending = nil
        fail("DNS Fail")
    }

    /// Opens a connection from a new local port.
    mutating func dial(_ number: Int) {
        guard links[number] != nil else { return }
        lastConnection += 1
        links[number]?.connection = lastConnection
        set(.dialLimit(number), after: firmware.dialLimit)
        sendSyn(number)
    }

    /// Sends SYN, again every second until one gets through.
    mutating func sendSyn(_ number: Int) {
        guard let link = links[number], let connection = link.connection else { return }
        guard let target = link.target, surroundings.networkIsUp else {
            return set(.synRetry(number), after: firmware.synRetry)
        }
        emit(.dial(connection, address: target.address, port: target.port))
    }

    mutating func dialSucceeded(_ connection: ConnectionID, localPort: Int) {
        guard let number = linkNumber(of: connection), let link = links[number] else {
            return emit(.abandon(connection))
        }
        [.dialLimit(number), .synRetry(number)].forEach { cancel($0) }
        links[number]?.state = .open
        links[number]?.localPort = localPort
        volatile.hadLink = true
        guard pending == .dial(link: number) || phase == .data && speaksInDataMode else { return }
        let isCommand = pending == .dial(link: number)
        if isCommand { pending = nil }
        if volatile.messages & 2 != 0 {
            say("+LINK_CONN:0,\(number),\"TCP\",0,\"\(link.address)\",\(link.port),\(localPort)\r\n")
        } else {
            say(prefixed("CONNECT\r\n", link: number))
        }
        if isCommand { succeed() }
    }

    mutating func dialRefused(_ connection: ConnectionID) {
        guard let number = linkNumber(of: connection) else { return }
        dialFailed(number)
    }

    mutating func dialTimedOut(_ number: Int) {
        guard let link = links[number] else { return }
        link.connection.map { emit(.close($0)) }
        dialFailed(number)
    }

    private mutating func dialFailed(_ number: Int) {
        [.dialLimit(number), .synRetry(number), .dialLookup(number)].forEach { cancel($0) }
        guard pending == .dial(link: number) else {
            links[number]?.connection = nil
            links[number]?.state = .lost
            return set(.redial, after: redialPause)
        }
        links[number] = nil
        pending = nil
        volatile.hadLink = true
        fail()
        guard firmware.alwaysClosesFailedDial || Bool.random(using: &random) else { return }
        set(.lateClosed(number), within: configuration.timing.lateClosed)
    }

    // MARK: Losing

    mutating func peerEnded(_ connection: ConnectionID) {
        guard let number = linkNumber(of: connection) else { return }
        emit(.close(connection))
        if links[number]?.state == .dialling || links[number]?.state == .lost {
            dialFailed(number)
        } else if firmware.withholdsClosed, phase != .data, links[number]?.unread.isEmpty == false {
            let segments = links[number]?.segments ?? []
            links[number]?.connection = nil
            links[number]?.state = .drained
            links[number]?.segments = []
            [.dataLimit(number), .acknowledged(number)].forEach { cancel($0) }
            payloadLost(number, segments: segments)
        } else {
            lose(link: number)
        }
    }

    /// The connection is gone; what is told about it depends on the mode.
    mutating func lose(link number: Int) {
        let timers: [TimerName] = [
            .dataLimit(number), .acknowledged(number), .dialLookup(number), .dialLimit(number), .synRetry(number),
        ]
        timers.forEach { cancel($0) }
        if phase == .data, number == 0 {
            // Nothing is printed; what was not sent is thrown away; dialled again, from a new port, for ever.
            transparent.discard()
            [.flush, .savedLink].forEach { cancel($0) }
            links[0]?.connection = nil
            links[0]?.state = .lost
            links[0]?.held = []
            if speaksInDataMode { say("CLOSED\r\n") }
            return set(.redial, after: redialPause)
        }
        let segments = links[number]?.segments ?? []
        links[number] = nil
        payloadLost(number, segments: segments)
        say(prefixed("CLOSED\r\n", link: number))
    }

    /// The station lost its access point.
    mutating func loseAllLinks() {
        for number in links.keys.sorted() {
            links[number]?.connection.map { emit(.abandon($0)) }
            if pending == .dial(link: number) {
                links[number]?.connection = nil
                dialFailed(number)
            } else {
                lose(link: number)
            }
        }
    }

    // MARK: Data

    /// Hands bytes to TCP, which keeps them while the network is down.
    mutating func transmit(_ bytes: [UInt8], link number: Int) {
        guard let link = links[number], let connection = link.connection else { return }
        guard surroundings.networkIsUp else {
            // With data under way the keep-alive, whose timer this is while the link is idle, rests.
            if link.held.isEmpty { set(.dataLimit(number), after: firmware.dataLimit) }
            links[number]?.held += bytes
            return tcpTakes(link: number)
        }
        emit(.send(connection, bytes))
    }

    /// TCP has a buffer of its own: until it is full, transparent mode goes on although nothing is acknowledged.
    private mutating func tcpTakes(link number: Int) {
        let fits = links[number].map { $0.held.count <= SendBuffer.size } ?? false
        links[number]?.tookHeld = fits && phase == .data
        if fits, phase == .data, let outcome = transparent.packetTaken() { carryOut([outcome]) }
    }

    /// Three retransmissions were not acknowledged.
    mutating func dataTimedOut(_ number: Int) {
        links[number]?.connection.map { emit(.abandon($0)) }
        lose(link: number)
    }
}

extension Route {
    /// Whether `host` needs no name service.
    func isNumeric(_ host: String) -> Bool {
        switch self {
        case .silent: true
        case .leads(let address, _): address == host
        case .nameUnknown: false
        }
    }
}
