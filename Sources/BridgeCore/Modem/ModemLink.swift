/// The modem from whatever state it is in to an open tunnel and back to command mode, as decisions only.
///
/// ``begun(now:)`` finds the modem, brings it up from the step that was asked for, dials, and enters transparent
/// mode; from ``Effect/opened`` on bytes pass both ways untouched. ``leave(now:)`` ends in command mode. Whatever fails
/// ends the machine; the next attempt has its own.
public struct ModemLink: Sendable {
    public struct Settings: Equatable, Sendable {
        public var ssid: String
        /// Empty for an open network.
        public var password: String
        public var bssid: String?
        public var host: String
        public var port: Int
        /// Seconds of the TCP keep-alive in the module, 0 to 7200; 0 switches it off.
        public var linkKeepAlive: Int
        /// Bits a second on the serial line, 10 for each byte.
        public var baud: Int

        public init(
            ssid: String, password: String, bssid: String? = nil, host: String, port: Int, linkKeepAlive: Int,
            baud: Int
        ) {
            precondition(baud > 0, "A serial line has a speed.")
            self.ssid = ssid
            self.password = password
            self.bssid = bssid
            self.host = host
            self.port = port
            self.linkKeepAlive = linkKeepAlive
            self.baud = baud
        }
    }

    public enum Effect: Equatable, Sendable {
        case send([UInt8])
        case climbed(Rung)
        case learned(ModemFact)
        case said(DialogueLine)
        /// The tunnel is open.
        case opened
        /// Bytes from the other end of the tunnel.
        case deliver([UInt8])
        /// The modem is in command mode, the connection closed.
        case left
        case failed(LinkFailure)
    }

    /// What a finished script leads to.
    private enum Stage {
        case hangingUp
        case quieting
        case forgettingSavedLink
        case identifying
        case joining
        case addressing
        case dialling
    }

    private enum Phase {
        case idle
        case syncing(Synchronizer)
        case resetting(Resetter)
        case chatting(Chat, Stage)
        case tunnel
        case leaving(Leaver)
        case over
    }

    private let settings: Settings
    private let start: Repair
    private var phase = Phase.idle
    private var lexer = ATLexer()
    private var rung = Rung.syncing
    private var firmware: Firmware?
    private var address: String?
    private var hasReset = false
    private var forgetsSavedLink = false
    /// When the last byte handed over will have left the line.
    private var lineFree = Moment.zero

    public init(settings: Settings, start: Repair) {
        self.settings = settings
        self.start = start
    }

    /// When ``timerFired(now:)`` is due.
    public var deadline: Moment? {
        switch phase {
        case .idle, .tunnel, .over: nil
        case .syncing(let synchronizer): synchronizer.deadline
        case .resetting(let resetter): resetter.deadline
        case .chatting(let chat, _): chat.deadline
        case .leaving(let leaver): leaver.deadline
        }
    }

    // MARK: Inputs

    /// The serial line is there.
    public mutating func begun(now: Moment) -> [Effect] {
        guard case .idle = phase else { return [] }
        synchronize(now: now)
        return [.climbed(.syncing)]
    }

    /// Bytes came from the modem.
    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        switch phase {
        case .idle, .over: return []
        case .tunnel: return bytes.isEmpty ? [] : [.deliver(Array(bytes))]
        default: break
        }
        if case .syncing(var synchronizer) = phase {
            synchronizer.heard()
            phase = .syncing(synchronizer)
        }
        var effects: [Effect] = []
        // In pieces, so that neither a flood of noise nor one of lines has to be held.
        var rest = bytes
        while !rest.isEmpty {
            lexer.append(rest.prefix(ATLexer.longestLine))
            rest = rest.dropFirst(ATLexer.longestLine)
            while let token = nextToken() {
                effects += take(token, now: now)
            }
            if case .tunnel = phase {
                let first = lexer.takeRest() + rest
                return first.isEmpty ? effects : effects + [.deliver(first)]
            }
        }
        return effects
    }

    /// The upper layer's bytes, for the tunnel; they go out as they are.
    public mutating func write(_ bytes: [UInt8], now: Moment) -> [Effect] {
        guard case .tunnel = phase else { return [] }
        return [send(bytes, now: now)]
    }

    /// Ends in command mode with ``Effect/left``, within a few seconds whatever the modem does.
    public mutating func leave(now: Moment) -> [Effect] {
        switch phase {
        case .tunnel:
            phase = .leaving(Leaver(fromTunnelAt: max(now, lineFree)))
            return []
        case .chatting(_, .dialling):
            phase = .leaving(Leaver(fromCommandModeAt: now))
            return []
        case .idle, .syncing, .resetting, .chatting:
            phase = .over
            return [.left]
        case .leaving, .over:
            return []
        }
    }

    /// ``deadline`` has come.
    public mutating func timerFired(now: Moment) -> [Effect] {
        switch phase {
        case .idle, .tunnel, .over:
            return []
        case .syncing(var synchronizer):
            let effects = synchronizer.timerFired(now: now)
            phase = .syncing(synchronizer)
            return effects.flatMap { carryOut($0, now: now) }
        case .resetting(var resetter):
            let effects = resetter.timerFired(now: now)
            phase = .resetting(resetter)
            return effects.flatMap { carryOut($0, now: now) }
        case .chatting(var chat, let stage):
            let effects = chat.timerFired(now: now)
            phase = .chatting(chat, stage)
            return effects.flatMap { carryOut($0, stage, now: now) }
        case .leaving(var leaver):
            let effects = leaver.timerFired(now: now)
            phase = .leaving(leaver)
            return effects.flatMap { carryOut($0, now: now) }
        }
    }

    // MARK: Lines

    private mutating func nextToken() -> ATLexer.Token? {
        switch phase {
        case .chatting(let chat, _): lexer.next(awaitsPrompt: chat.awaitsPrompt)
        case .syncing, .resetting, .leaving: lexer.next(awaitsPrompt: false)
        case .idle, .tunnel, .over: nil
        }
    }

    private mutating func take(_ token: ATLexer.Token, now: Moment) -> [Effect] {
        switch token {
        case .line(let line):
            return [.said(DialogueLine(isSent: false, text: readable(line)))] + take(line: line, now: now)
        case .prompt:
            guard case .chatting(var chat, let stage) = phase else { return [] }
            let effects = chat.prompted(now: now)
            phase = .chatting(chat, stage)
            return [.said(DialogueLine(isSent: false, text: ">"))] + effects.flatMap { carryOut($0, stage, now: now) }
        }
    }

    private mutating func take(line: String, now: Moment) -> [Effect] {
        switch phase {
        case .idle, .tunnel, .over:
            return []
        case .syncing(var synchronizer):
            let effects = synchronizer.received(line, now: now)
            phase = .syncing(synchronizer)
            return effects.flatMap { carryOut($0, now: now) }
        case .resetting(var resetter):
            let effects = resetter.received(line, now: now)
            phase = .resetting(resetter)
            return effects.flatMap { carryOut($0, now: now) }
        case .chatting(var chat, let stage):
            if ATReply(line: line) == .ready { return fail(.modemRestarted(during: rung)) }
            let effects = chat.received(line, now: now)
            phase = .chatting(chat, stage)
            return effects.flatMap { carryOut($0, stage, now: now) }
        case .leaving(var leaver):
            let effects = leaver.received(line, now: now)
            phase = .leaving(leaver)
            return effects.flatMap { carryOut($0, now: now) }
        }
    }

    /// A line as people read it: the echo of the joining command holds the password, and boot garbage holds
    /// anything, escape sequences for terminals among it.
    private func readable(_ line: String) -> String {
        var text = line
        if !settings.password.isEmpty {
            text = text.replacing(ATCommand.quoted(settings.password), with: "\"•••\"")
                .replacing(settings.password, with: "•••")
        }
        let shown = text.unicodeScalars.prefix(120).map { scalar in
            (0x20...0x7E).contains(scalar.value) || scalar == "•" ? Character(scalar) : "·"
        }
        return String(shown) + (text.unicodeScalars.count > shown.count ? "…" : "")
    }

    // MARK: Stages

    private mutating func synchronize(now: Moment) {
        var synchronizer = Synchronizer()
        synchronizer.begin(now: now)
        phase = .syncing(synchronizer)
    }

    private mutating func chat(_ steps: [ChatStep], _ stage: Stage, now: Moment) -> [Effect] {
        var chat = Chat(steps)
        let effects = chat.begin(now: now)
        phase = .chatting(chat, stage)
        return effects.flatMap { carryOut($0, stage, now: now) }
    }

    /// The modem is in command mode, for the first time or after a reset.
    private mutating func found(now: Moment) -> [Effect] {
        if start < .reset { return chat(ChatScript.hangUp + ChatScript.quiet, .hangingUp, now: now) }
        guard !hasReset else {
            // It came up in data mode: a transparent link is saved in its flash.
            return chat([ChatStep(command: ATCommand("AT+SAVETRANSLINK=0"))], .forgettingSavedLink, now: now)
        }
        phase = .resetting(Resetter(now: now))
        return climb(.resetting) + [said(Resetter.command), send(Resetter.command.bytes, now: now)]
    }

    private mutating func finished(_ stage: Stage, _ lines: [String], now: Moment) -> [Effect] {
        switch stage {
        case .hangingUp:
            return start == .dial
                ? chat(ChatScript.address, .addressing, now: now) : chat(ChatScript.identify, .identifying, now: now)
        case .forgettingSavedLink:
            return chat(ChatScript.quiet, .quieting, now: now)
        case .quieting:
            return chat(ChatScript.identify, .identifying, now: now)
        case .identifying:
            guard let firmware = Firmware.read(lines) else {
                return fail(.firmwareUnsupported(version: lines.first { $0.contains("version") } ?? lines.last ?? "?"))
            }
            self.firmware = firmware
            return [.learned(.firmware(firmware.name))]
                + chat(ChatScript.join(settings, firmware: firmware), .joining, now: now)
        case .joining:
            return chat(ChatScript.address, .addressing, now: now)
        case .addressing:
            guard let address, address != "0.0.0.0" else { return fail(.noAddress(ssid: settings.ssid)) }
            return chat(ChatScript.dial(settings), .dialling, now: now)
        case .dialling:
            phase = .tunnel
            return [.opened]
        }
    }

    // MARK: Effects

    private mutating func carryOut(_ effect: Synchronizer.Effect, now: Moment) -> [Effect] {
        switch effect {
        case .send(let bytes): return [.said(DialogueLine(isSent: true, text: "+++")), send(bytes, now: now)]
        case .say(let command): return [said(command), send(command.bytes, now: now)]
        case .found: return found(now: now)
        case .failed(let failure): return fail(failure)
        }
    }

    private mutating func carryOut(_ effect: Resetter.Effect, now: Moment) -> [Effect] {
        switch effect {
        case .say(let command): return [said(command), send(command.bytes, now: now)]
        case .ready:
            hasReset = true
            return chat(ChatScript.quiet, .quieting, now: now)
        case .failed(let failure): return fail(failure)
        }
    }

    private mutating func carryOut(_ effect: Chat.Effect, _ stage: Stage, now: Moment) -> [Effect] {
        switch effect {
        case .say(let command): return [said(command), send(command.bytes, now: now)]
        case .climbed(let rung): return climb(rung)
        case .learned(let fact):
            if case .address(let address) = fact { self.address = address }
            return [.learned(fact)]
        case .finished(let lines): return finished(stage, lines, now: now)
        case .failed(.modemSilent) where stage == .quieting && !forgetsSavedLink:
            forgetsSavedLink = true
            synchronize(now: now)
            return []
        case .failed(let failure): return fail(failure)
        }
    }

    private mutating func carryOut(_ effect: Leaver.Effect, now: Moment) -> [Effect] {
        switch effect {
        case .send(let bytes): return [.said(DialogueLine(isSent: true, text: "+++")), send(bytes, now: now)]
        case .say(let command): return [said(command), send(command.bytes, now: now)]
        case .left:
            phase = .over
            return [.left]
        }
    }

    private mutating func climb(_ rung: Rung) -> [Effect] {
        guard rung != self.rung else { return [] }
        self.rung = rung
        return [.climbed(rung)]
    }

    private func said(_ command: ATCommand) -> Effect { .said(DialogueLine(isSent: true, text: command.masked)) }

    private mutating func send(_ bytes: [UInt8], now: Moment) -> Effect {
        lineFree = max(now, lineFree) + .nanoseconds(Int64(bytes.count) * 10_000_000_000 / Int64(settings.baud))
        return .send(bytes)
    }

    private mutating func fail(_ failure: LinkFailure) -> [Effect] {
        phase = .over
        return [.failed(failure)]
    }
}
