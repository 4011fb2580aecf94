import BridgeCore

/// Commands about TCP.
extension SimulatedModem {
    mutating func performIP(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CIPSTATUS", .execute): reportStatus()
        case ("+CIPSTATE", .query):
            reportLinks(as: "+CIPSTATE")
            succeed()
        case ("+CIPMUX", .query): succeed(telling: "+CIPMUX:\(volatile.hasManyLinks ? 1 : 0)")
        case ("+CIPMUX", .set(let arguments)): setManyLinks(arguments)
        case ("+CIPMODE", .query): succeed(telling: "+CIPMODE:\(volatile.isTransparentMode ? 1 : 0)")
        case ("+CIPMODE", .set(let arguments)):
            guard let isTransparent = Self.flag(arguments) else { return refuse() }
            guard !isTransparent || !volatile.hasManyLinks else { return fail("CIPMUX and CIPSERVER must be 0") }
            guard !isTransparent || !volatile.isPassive else { return fail() }
            volatile.isTransparentMode = isTransparent
            succeed()
        case ("+CIPSSLSIZE", .set(let arguments)):
            guard Self.only(arguments, in: 2048...4096) != nil else { return refuse() }
            succeed()
        case ("+CIPRECONNINTV", .query): succeed(telling: "+CIPRECONNINTV:\(volatile.redialInterval)")
        case ("+CIPRECONNINTV", .set(let arguments)):
            guard let interval = Self.only(arguments, in: 1...36000) else { return refuse() }
            volatile.redialInterval = interval
            if isStored(command) { flash.redialInterval = interval }
            succeed(storing: isStored(command))
        case ("+CIPSTART", .set(let arguments)): performStart(arguments)
        case ("+CIPCLOSE", .execute):
            volatile.hasManyLinks ? fail("MUX=1") : performClose(0)
        case ("+CIPCLOSE", .set(let arguments)):
            guard volatile.hasManyLinks else { return fail("MUX=0") }
            guard let number = Self.only(arguments, in: 0...5) else { return refuse("ID ERROR") }
            performClose(number)
        case ("+SAVETRANSLINK", .set(let arguments)): performSaveLink(arguments)
        case ("+CIPDOMAIN", .set(let arguments)):
            guard arguments.count == 1, let host = arguments[0].text else { return refuse() }
            ask(.lookup(host))
        case ("+PING", .set(let arguments)):
            guard arguments.count == 1, let host = arguments[0].text else { return refuse() }
            ask(.ping(host))
        default: refuseForm()
        }
    }

    /// NonOS: 2 address, 3 link, 4 link closed, 5 no network. ESP-AT: besides, 0 station off and 1 nothing joined yet.
    private mutating func reportStatus() {
        let isLinked = links.values.contains { $0.state == .open }
        let status =
            if firmware.isESPAT, !isStationOn {
                0
            } else if station.state != .addressed {
                firmware.isESPAT && !volatile.hasJoined ? 1 : 5
            } else if isLinked {
                3
            } else {
                volatile.hadLink ? 4 : 2
            }
        say("STATUS:\(status)\r\n")
        reportLinks(as: "+CIPSTATUS")
        succeed()
    }

    private mutating func reportLinks(as name: String) {
        for (number, link) in links.sorted(by: { $0.key < $1.key }) where link.state == .open {
            say("\(name):\(number),\"TCP\",\"\(link.address)\",\(link.port),\(link.localPort),0\r\n")
        }
    }

    private mutating func setManyLinks(_ arguments: [CommandLine.Argument]) {
        guard let many = Self.flag(arguments) else { return refuse() }
        guard !volatile.isTransparentMode else { return fail("IPMODE must be 0") }
        guard links.isEmpty else { return fail("link is builded") }
        volatile.hasManyLinks = many
        succeed()
    }

    private mutating func performStart(_ all: [CommandLine.Argument]) {
        var arguments = all[...]
        var number = 0
        if volatile.hasManyLinks {
            guard let id = arguments.popFirst()?.number else { return refuse("MUX=1") }
            guard (0...4).contains(id) else { return refuse("ID ERROR") }
            number = id
        } else if arguments.first?.number != nil {
            return refuse("MUX=0")
        }
        let type = arguments.popFirst()?.text
        guard type == "TCP" || type == "SSL" else { return refuse("Link type ERROR") }
        guard let host = arguments.popFirst() else { return refuse("Miss param") }
        guard let host = host.text, !host.isEmpty, host.utf8.count <= 64 else { return refuse("IP ERROR") }
        guard let port = arguments.popFirst() else { return refuse("Miss param") }
        guard let port = port.number, (1...65535).contains(port) else { return refuse("ENTRY ERROR") }
        var keepAlive = 0
        if let argument = arguments.popFirst(), argument != .empty || !firmware.isESPAT {
            guard let seconds = argument.number, (0...7200).contains(seconds) else { return refuse() }
            keepAlive = seconds
        }
        // ESP-AT takes the local address behind it.
        if firmware.isESPAT, let local = arguments.popFirst(), local.text == nil { return refuse() }
        guard arguments.isEmpty else { return refuse() }
        guard station.state == .addressed else { return fail("no ip") }
        guard links[number] == nil else { return fail("ALREADY CONNECTED") }
        if type == "SSL" {
            refuseEncryption(number, host: host, port: port)
        } else {
            startLink(number, host: host, port: port, keepAlive: keepAlive)
        }
    }

    /// There is no TLS in the simulated module: the handshake fails, as with most of today's servers.
    private mutating func refuseEncryption(_ number: Int, host: String, port: Int) {
        guard !volatile.isTransparentMode else { return fail("ssl must on TCP") }
        links[number] = Link(host: host, port: port, keepAlive: 0)
        pending = .dial(link: number)
        set(.dialLimit(number), within: configuration.timing.lookup)
    }

    private mutating func performClose(_ number: Int) {
        let numbers = number == 5 ? links.keys.sorted() : links.keys.filter { $0 == number }
        guard !numbers.isEmpty else { return volatile.hasManyLinks ? fail("UNLINK") : fail() }
        for number in numbers {
            links[number]?.connection.map { emit(.close($0)) }
            lose(link: number)
        }
        succeed()
    }

    private mutating func performSaveLink(_ arguments: [CommandLine.Argument]) {
        switch arguments.first {
        case .number(0) where arguments.count == 1:
            flash.savedLink = nil
        case .number(1) where (3...5).contains(arguments.count):
            guard let host = arguments[1].text, (1...64).contains(host.utf8.count), let port = arguments[2].number,
                (1...65535).contains(port), arguments.count < 4 || arguments[3].text == "TCP"
            else { return refuse() }
            var link = SavedLink(host: host, port: port)
            if arguments.count == 5 {
                guard let seconds = arguments[4].number, (0...7200).contains(seconds) else { return refuse() }
                link.keepAlive = seconds
            }
            flash.savedLink = link
        default: return refuse()
        }
        succeed(storing: true)
    }

    // MARK: Questions to the network

    private mutating func ask(_ question: Pending) {
        guard station.state == .addressed else { return fail("no ip") }
        let limit = lookupLimit
        wait(question, surroundings.networkIsUp ? configuration.timing.lookup : limit...limit)
    }

    mutating func answerLookup(_ host: String) {
        guard let address = configuration.address(of: host), surroundings.networkIsUp || address == host else {
            return fail("DNS Fail")
        }
        succeed(telling: firmware.quotesAddresses ? "+CIPDOMAIN:\"\(address)\"" : "+CIPDOMAIN:\(address)")
    }

    mutating func answerPing(_ host: String) {
        guard surroundings.networkIsUp, let address = configuration.address(of: host), address.hasPrefix("127.") else {
            // The one text that ESP-AT prints before ERROR too.
            if firmware.isESPAT { say("+PING:TIMEOUT\r\n") }
            return fail("+timeout")
        }
        succeed(telling: "\(firmware.isESPAT ? "+PING:" : "+")\(Int.random(in: 2...40, using: &random))")
    }
}
