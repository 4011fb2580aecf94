/// One attempt over the serial line: from a modem in an unknown state to an open tunnel,
/// and back to command mode.
///
/// Feed it what happened, carry out the effects in order, and set one timer to ``deadline`` after
/// each input. After ``Effect/failed(_:)`` or ``Effect/left`` it is over and does nothing any more.
/// An attempt is never repaired, only replaced by another one with a stronger ``Repair`` to start from.
///
/// The way up is a chain of chapters, each a ``ChatScript``; which one follows which, and the few
/// detours, stand in `ModemLink+Chapters.swift`.
public struct ModemLink: Sendable {
    enum Stage: Sendable {
        case notBegun
        case chatting(Chapter)
        case open
        case over

        var isOver: Bool { if case .over = self { true } else { false } }
    }

    let settings: Settings
    let start: Repair
    /// The speed that the module was found at before, when it is not the configured one.
    let bootSpeed: Int?
    var stage = Stage.notBegun
    var chat: Chat?
    var lexer = ATLexer()
    var wire: Wire
    /// The open link in packet mode; nil in transparent mode, where bytes pass as they are.
    var tunnel: PacketTunnel?
    var memory = Memory()
    /// When leaving ends at the latest.
    var leavingEnds: Moment?
    var tunnelBreak = TunnelBreak()
    /// Written while the connection was being looked after.
    var heldWrites: [UInt8] = []

    /// What has been seen so far and matters later.
    struct Memory: Sendable {
        var rung: Rung?
        var firmware: Firmware?
        var address: String?
        /// `WIFI CONNECTED` came, but no address was seen since.
        var isAssociated = false
        var hasUntangled = false
        var hasRedialled = false
        var hasFreed = false
        /// Bytes heard while the modem was being called.
        var hasHeard = false
        /// When the command whose answer takes no time was said, while it has not been answered.
        var askedAt: Moment?
        /// The local port of the TCP connection, as it was after dialling, and as it is now.
        var localPort: Int?
        var verifiedPort: Int?
    }

    /// - Parameters:
    ///   - start: the cheapest step that can repair what went wrong before; a first attempt begins with `.reset`.
    ///   - bootSpeed: what an earlier attempt learned as ``ModemFact/speed(_:)``.
    public init(settings: Settings, start: Repair, bootSpeed: Int? = nil) {
        self.settings = settings
        self.bootSpeed = bootSpeed == settings.baud ? nil : bootSpeed
        self.start = start
        wire = Wire(baud: settings.baud)
    }

    /// When ``timerFired(now:)`` wants to be called; nil while the tunnel is open and nothing is awaited of the modem,
    /// and at the end.
    public var deadline: Moment? {
        let due: Moment? =
            switch stage {
            case .notBegun, .over: nil
            case .chatting: chat?.deadline
            case .open: tunnel?.deadline
            }
        return [due, stage.isOver ? nil : leavingEnds].compactMap { $0 }.min()
    }

    /// Whether the tunnel is open.
    public var isOpen: Bool {
        if case .open = stage { true } else { false }
    }

    // MARK: Inputs

    /// The serial port is open; the attempt begins.
    public mutating func begun(now: Moment) -> [Effect] {
        guard case .notBegun = stage else { return [] }
        return open(.calling(round: 1), now: now)
    }

    /// Bytes came from the serial port.
    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        var rest = bytes
        var effects: [Effect] = []
        while !rest.isEmpty {
            switch stage {
            case .notBegun, .over:
                return effects
            case .open:
                let outputs = tunnel?.received(rest, now: now) ?? [.deliver(Array(rest))]
                return effects + carry(outputs, now: now)
            case .chatting(.verifying):
                return effects + receivedWhileVerifying(rest, now: now)
            case .chatting(let chapter):
                if chat?.isDeaf != false {
                    lexer = ATLexer()
                    return effects
                }
                memory.hasHeard = true
                lexer.awaitsPrompt = chat?.awaitsPrompt ?? false
                guard let token = lexer.next(&rest) else { return effects }
                effects += heard(token, in: chapter, now: now)
            }
        }
        return effects
    }

    /// The upper layer has bytes for the tunnel. They are dropped unless it is open, because a write
    /// may cross the end of the tunnel.
    public mutating func write(_ bytes: [UInt8], now: Moment) -> [Effect] {
        if case .chatting(.verifying) = stage { heldWrites += bytes }
        guard isOpen, !bytes.isEmpty else { return [] }
        return carry(tunnel?.write(bytes, now: now) ?? [.forward(bytes)], now: now)
    }

    /// The link is wanted no longer; ends in ``Effect/left`` after ``ChatScript/leavingLimit`` at most.
    public mutating func leave(now: Moment) -> [Effect] {
        switch stage {
        case .over:
            return []
        case .notBegun:
            return end(.left)
        case .open:
            guard leavingEnds == nil else { return [] }
            leavingEnds = now + ChatScript.leavingLimit
            return carry(tunnel?.leave(now: now) ?? [.finished], now: now)
        case .chatting(.leaving):
            return []
        case .chatting(let chapter):
            guard let script = leavingScript(from: chapter, now: now) else { return end(.left) }
            leavingEnds = now + ChatScript.leavingLimit
            return open(.leaving(script), now: now)
        }
    }

    /// The time ``deadline`` said has come.
    public mutating func timerFired(now: Moment) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        if let leavingEnds, now >= leavingEnds { return end(.left) }
        return switch stage {
        case .notBegun, .over: []
        case .chatting(let chapter): carry(chat?.timerFired(now: now) ?? [], in: chapter, now: now)
        case .open: carry(tunnel?.timerFired(now: now) ?? [], now: now)
        }
    }
}

// MARK: - Carrying chat outputs out

extension ModemLink {
    mutating func heard(_ token: ATToken, in chapter: Chapter, now: Moment) -> [Effect] {
        var effects: [Effect] = []
        switch token {
        case .prompt:
            effects.append(.said(Line(.fromModem, ">")))
        case .line(let line):
            effects.append(.said(Line(.fromModem, shown(line))))
            if let reply = ATReply(line) { note(reply) }
            if let asked = memory.askedAt, ATReply(line) == .ok {
                memory.askedAt = nil
                effects.append(.learned(.roundTrip(now - asked)))
            }
        }
        return effects + carry(chat?.received(token, now: now) ?? [], in: chapter, now: now)
    }

    private static let hidden = "•••"

    private mutating func note(_ reply: ATReply) {
        switch reply {
        case .wifiConnected: memory.isAssociated = true
        // The firmware leaves the network, with WIFI DISCONNECT, when it gives up waiting for an address.
        case .wifiGotAddress: memory.isAssociated = false
        default: break
        }
    }

    /// The line without secrets: while a command with a secret is being answered, its echo can come
    /// in pieces (a text of the module in the middle of it), so only lines of known meaning are shown.
    private func shown(_ line: ATLine) -> String {
        if chat?.command?.isSecret == true {
            return ATReply.isPlain(line) || line.starts(with: "+CWJAP:") ? line.text : Self.hidden
        }
        let isLateEcho = line.contains("AT+CWJAP") && line.contains("=\"")
        let leaks = !settings.password.isEmpty && line.contains(settings.password)
        return isLateEcho || leaks ? Self.hidden : line.text
    }

    private mutating func said(_ command: ATCommand, now: Moment) -> [Effect] {
        memory.askedAt = command == .singleLink ? now : nil
        return [.said(Line(.toModem, command.masked)), send(command.bytes, now: now)]
    }

    mutating func carry(_ outputs: [Chat.Output], in chapter: Chapter, now: Moment) -> [Effect] {
        outputs.flatMap { output -> [Effect] in
            switch output {
            case .say(.command(let command)):
                said(command, now: now)
            case .say(.escape):
                [.said(Line(.toModem, "+++")), send(Array("+++".utf8), now: now)]
            case .say(.silence):
                []
            case .say(.speed(let baud)):
                changeSpeed(to: baud)
            case .news(let news):
                learn(news)
            case .finished:
                finished(chapter, now: now)
            case .failed(let failure):
                failed(failure, in: chapter, now: now)
            }
        }
    }

    /// The tunnel's outputs, in either mode.
    private mutating func carry(_ outputs: [PacketTunnel.Output], now: Moment) -> [Effect] {
        outputs.flatMap { output -> [Effect] in
            switch output {
            case .send(let bytes): [send(bytes, now: now)]
            case .forward(let bytes): [forward(bytes, now: now)]
            case .deliver(let bytes): [.deliver(bytes)]
            case .held(let since, let waiting): [.held(since: since, waiting: waiting)]
            case .toModem(let text): [.said(Line(.toModem, text))]
            case .fromModem(let text): [.said(Line(.fromModem, text))]
            case .finished: open(.leaving(leavingTunnel(now: now)), now: now)
            case .failed(let failure): end(.failed(failure))
            }
        }
    }

    private mutating func changeSpeed(to baud: Int) -> [Effect] {
        guard baud != wire.baud else { return [] }
        wire = Wire(baud: baud)
        return [.setSpeed(baud)]
    }

    mutating func send(_ bytes: [UInt8], now: Moment) -> Effect {
        wire.took(bytes.count, now: now)
        return .send(bytes)
    }

    mutating func forward(_ bytes: [UInt8], now: Moment) -> Effect {
        wire.took(bytes.count, now: now)
        return .forward(bytes)
    }

    private mutating func learn(_ news: ChatScript.News) -> [Effect] {
        switch news {
        case .climbed(let rung):
            return climb(rung)
        case .firmware(let firmware):
            guard memory.firmware != firmware else { return [] }
            memory.firmware = firmware
            return [.learned(.firmware(firmware.version))]
        case .localPort(let port):
            if case .chatting(.verifying) = stage { memory.verifiedPort = port } else { memory.localPort = port }
            return []
        case .learned(.address(let address)):
            guard memory.address != address else { return [] }
            memory.address = address
            return address == Self.noAddress ? [] : [.learned(.address(address))]
        case .learned(let fact):
            return [.learned(fact)]
        }
    }

    mutating func climb(_ rung: Rung) -> [Effect] {
        if let reached = memory.rung, reached >= rung { return [] }
        memory.rung = rung
        return [.climbed(rung)]
    }

    mutating func end(_ effect: Effect) -> [Effect] {
        stage = .over
        chat = nil
        tunnel = nil
        return [effect]
    }
}
