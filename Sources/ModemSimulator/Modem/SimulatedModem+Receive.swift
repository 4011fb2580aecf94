import BridgeCore

/// Receiving outside of transparent mode: `+IPD` with the data, or without it (AT+CIPRECVMODE=1).
extension SimulatedModem {
    /// More than this is never kept for a host that does not read: the link is closed.
    private static let mostUnread = 262_144

    mutating func performReceive(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CIPDINFO", .set(let arguments)):
            guard let shows = Self.flag(arguments) else { return refuse() }
            volatile.showsPeer = shows
            succeed()
        case ("+CIPRECVMODE", .query): succeed(telling: "+CIPRECVMODE:\(volatile.isPassive ? 1 : 0)")
        case ("+CIPRECVMODE", .set(let arguments)):
            guard let isPassive = Self.flag(arguments) else { return refuse() }
            guard !isPassive || !volatile.isTransparentMode else { return fail() }
            volatile.isPassive = isPassive
            succeed()
            if !isPassive { links.keys.sorted().forEach { deliverUnread($0) } }
        case ("+CIPRECVDATA", .set(let arguments)): performRead(arguments)
        case ("+CIPRECVLEN", .query):
            let lengths = (0...4).map { number in
                links[number].map { min($0.unread.count, firmware.receiveWindow) } ?? (firmware.isESPAT ? -1 : 0)
            }
            succeed(telling: "+CIPRECVLEN:" + lengths.map(String.init).joined(separator: ","))
        default: refuseForm()
        }
    }

    /// Whether the TCP window of a connection is closed, so that its peer has to wait until the host reads.
    public func isWindowClosed(_ connection: ConnectionID) -> Bool {
        linkNumber(of: connection).flatMap { links[$0] }.map { $0.unread.count >= firmware.receiveWindow } ?? false
    }

    mutating func peerSent(_ connection: ConnectionID, _ bytes: [UInt8]) {
        guard let number = linkNumber(of: connection), let link = links[number], !bytes.isEmpty else { return }
        if phase == .data { return write(bytes) }
        // A segment with data acknowledges what was sent before it; lwIP looks at the acknowledgement first. One that
        // comes at the very moment has crossed what was sent.
        if isSet(.acknowledged(number)), now > link.takenAt {
            cancel(.acknowledged(number))
            payloadAcknowledged(number)
        }
        guard volatile.isPassive else { return deliver(bytes, link: number) }
        guard link.unread.count + bytes.count <= Self.mostUnread else {
            emit(.close(connection))
            return lose(link: number)
        }
        links[number]?.unread += bytes
        // Told once, until something is read.
        guard !link.isAnnounced else { return }
        links[number]?.isAnnounced = true
        let count = min(link.unread.count + bytes.count, firmware.receiveWindow)
        say("\r\n+IPD,\(prefixed(String(count), link: number))\r\n")
    }

    private mutating func deliver(_ bytes: [UInt8], link number: Int) {
        guard let link = links[number] else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(firmware.segmentSize)
            rest = rest.dropFirst(part.count)
            say("\r\n+IPD,\(prefixed(String(part.count), link: number))\(peerInformation(link)):")
            write(Array(part))
        }
    }

    /// What AT+CIPDINFO=1 adds: `,address,port`.
    private func peerInformation(_ link: Link) -> String {
        guard volatile.showsPeer else { return "" }
        return firmware.quotesAddresses ? ",\"\(link.address)\",\(link.port)" : ",\(link.address),\(link.port)"
    }

    private mutating func deliverUnread(_ number: Int) {
        guard let link = links[number], !link.unread.isEmpty else { return }
        links[number]?.unread = []
        links[number]?.isAnnounced = false
        deliver(link.unread, link: number)
        if link.state == .drained { lose(link: number) }
    }

    private mutating func performRead(_ all: [CommandLine.Argument]) {
        var arguments = all[...]
        var number = 0
        if volatile.hasManyLinks {
            guard let id = arguments.popFirst()?.number, (0...4).contains(id) else { return refuse("ID ERROR") }
            number = id
        }
        guard let most = arguments.popFirst()?.number, (1...firmware.readLimit).contains(most), arguments.isEmpty else {
            return refuse()
        }
        guard volatile.isPassive, let link = links[number], !link.unread.isEmpty else { return fail() }
        let bytes = link.unread.prefix(min(most, firmware.receiveWindow))
        links[number]?.unread.removeFirst(bytes.count)
        links[number]?.isAnnounced = false
        if firmware.isESPAT {
            let peer = peerInformation(link).dropFirst()
            say("+CIPRECVDATA:\(bytes.count),\(peer)\(peer.isEmpty ? "" : ",")")
        } else {
            // Not as the manual has it, which puts the comma and the colon the other way round.
            say("\r\n+CIPRECVDATA,\(bytes.count):")
        }
        write(Array(bytes))
        succeed()
        if link.state == .drained, bytes.count == link.unread.count { lose(link: number) }
    }
}
