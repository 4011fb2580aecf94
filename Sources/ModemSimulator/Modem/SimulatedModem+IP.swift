import BridgeCore

/// Commands about TCP.
extension SimulatedModem {
    mutating func performIP(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CIPSTATUS", .execute): reportStatus()
        case ("+CIPMUX", .query):
            say("+CIPMUX:\(volatile.hasManyLinks ? 1 : 0)\r\n")
            succeed()
        case ("+CIPMUX", .set(let arguments)): setManyLinks(arguments)
        case ("+CIPMODE", .query):
            say("+CIPMODE:\(volatile.isTransparentMode ? 1 : 0)\r\n")
            succeed()
        case ("+CIPMODE", .set(let arguments)):
            guard let mode = Self.only(arguments), (0...1).contains(mode) else { return fail() }
            guard mode == 0 || !volatile.hasManyLinks else { return fail("CIPMUX and CIPSERVER must be 0") }
            volatile.isTransparentMode = mode == 1
            succeed()
        case ("+CIPDINFO", .set(let arguments)):
            guard let value = Self.only(arguments), (0...1).contains(value) else { return fail() }
            volatile.showsPeer = value == 1
            succeed()
        case ("+CIPSSLSIZE", .set(let arguments)):
            // Drivers set it at the start; SSL itself is not simulated.
            guard let size = Self.only(arguments), (2048...4096).contains(size) else { return fail() }
            succeed()
        case ("+CIPSTART", .set(let arguments)): performStart(arguments)
        case ("+CIPSTART", .malformed): fail()
        case ("+CIPSEND", .execute):
            guard volatile.isTransparentMode, !volatile.hasManyLinks, links[0]?.state == .open else { return fail() }
            succeed()
            say("\r\n>")
            phase = .data
        case ("+CIPSEND", .set(let arguments)): performSend(arguments)
        case ("+CIPCLOSE", .execute):
            volatile.hasManyLinks ? fail("MUX=1") : performClose(0)
        case ("+CIPCLOSE", .set(let arguments)):
            guard volatile.hasManyLinks else { return fail("MUX=0") }
            guard let number = Self.only(arguments), (0...5).contains(number) else { return fail("ID ERROR") }
            performClose(number)
        case ("+SAVETRANSLINK", .set(let arguments)): performSaveLink(arguments)
        case ("+CIPDOMAIN", .set(let arguments)):
            guard arguments.count == 1, let host = arguments[0].text else { return fail() }
            ask(.lookup(host))
        case ("+PING", .set(let arguments)):
            guard arguments.count == 1, let host = arguments[0].text else { return fail() }
            ask(.ping(host))
        default: fail()
        }
    }

    private mutating func reportStatus() {
        let open = links.filter { $0.value.state == .open }.sorted { $0.key < $1.key }
        let status =
            if station.state != .addressed { 5 } else if !open.isEmpty { 3 } else { volatile.hadLink ? 4 : 2 }
        say("STATUS:\(status)\r\n")
        for (number, link) in open {
            say("+CIPSTATUS:\(number),\"TCP\",\"\(link.address)\",\(link.port),\(link.localPort),0\r\n")
        }
        succeed()
    }

    private mutating func setManyLinks(_ arguments: [CommandLine.Argument]) {
        guard let value = Self.only(arguments), (0...1).contains(value) else { return fail() }
        guard !volatile.isTransparentMode else { return fail("IPMODE must be 0") }
        guard links.isEmpty else { return fail("link is builded") }
        volatile.hasManyLinks = value == 1
        succeed()
    }

    private mutating func performStart(_ all: [CommandLine.Argument]) {
        var arguments = all[...]
        var number = 0
        if volatile.hasManyLinks {
            guard let id = arguments.popFirst()?.number else { return fail("MUX=1") }
            guard (0...4).contains(id) else { return fail("ID ERROR") }
            number = id
        } else if arguments.first?.number != nil {
            return fail("MUX=0")
        }
        guard arguments.popFirst()?.text == "TCP" else { return fail("Link type ERROR") }
        guard let host = arguments.popFirst() else { return fail("Miss param") }
        guard let host = host.text, !host.isEmpty, host.utf8.count <= 64 else { return fail("IP ERROR") }
        guard let port = arguments.popFirst() else { return fail("Miss param") }
        guard let port = port.number, (1...65535).contains(port) else { return fail("ENTRY ERROR") }
        var keepAlive = 0
        if let argument = arguments.popFirst() {
            guard let seconds = argument.number, (0...7200).contains(seconds), arguments.isEmpty else { return fail() }
            keepAlive = seconds
        }
        guard station.state == .addressed else { return fail("no ip") }
        guard links[number] == nil else { return fail("ALREADY CONNECTED") }
        startLink(number, host: host, port: port, keepAlive: keepAlive)
    }

    private mutating func performSend(_ all: [CommandLine.Argument]) {
        guard !volatile.isTransparentMode else { return fail("IPMODE=1") }
        var arguments = all[...]
        var number = 0
        if volatile.hasManyLinks {
            guard let id = arguments.popFirst()?.number, (0...4).contains(id) else { return fail("ID ERROR") }
            number = id
        }
        guard let length = arguments.popFirst()?.number, length > 0, arguments.isEmpty else { return fail() }
        guard length <= firmware.sendLimit else { return fail("too long") }
        guard links[number]?.state == .open else { return fail("link is not valid") }
        succeed()
        say("> ")
        payload = PayloadInput()
        phase = .payload(link: number, expected: length)
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
            else { return fail() }
            var link = SavedLink(host: host, port: port)
            if arguments.count == 5 {
                guard let seconds = arguments[4].number, (0...7200).contains(seconds) else { return fail() }
                link.keepAlive = seconds
            }
            flash.savedLink = link
        default: return fail()
        }
        succeed(storing: true)
    }

    // MARK: Questions to the network

    private mutating func ask(_ question: Pending) {
        guard station.state == .addressed else { return fail("no ip") }
        let limit = firmware.lookupLimit
        wait(question, surroundings.networkIsUp ? configuration.timing.lookup : limit...limit)
    }

    mutating func answerLookup(_ host: String) {
        guard let address = configuration.address(of: host), surroundings.networkIsUp || address == host else {
            return fail("DNS Fail")
        }
        say("+CIPDOMAIN:\(address)\r\n")
        succeed()
    }

    mutating func answerPing(_ host: String) {
        guard surroundings.networkIsUp, let address = configuration.address(of: host), address.hasPrefix("127.") else {
            return fail("+timeout")
        }
        say("+\(Int.random(in: 2...40, using: &random))\r\n")
        succeed()
    }
}
