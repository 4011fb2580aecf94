/// Which script follows which.
///
///     from reset:  calling  resetting  identifying  configuring  joining  addressing  inspecting  dialling
///     from join:   calling  tidying    identifying  configuring  joining  addressing  inspecting  dialling
///     from dial:   calling  tidying    identifying                        addressing  inspecting  dialling
///
/// When nothing is heard, other speeds are tried (`Sweeping.swift`) before the attempt fails.
extension ModemLink {
    /// A script that is running, and what there is to remember about it.
    enum Chapter: Sendable {
        /// Finding the modem; a second round makes sure that `+++` was not lost.
        case calling(round: Int)
        case resetting
        /// No `ready` came.
        case lookingAgain
        /// After the reset the module did not answer: it may have gone to data mode by itself. The
        /// failure it is, if that was not the reason.
        case untangling(LinkFailure)
        /// Trying another speed; the failure it is, if none helps.
        case sweeping(index: Int, LinkFailure)
        /// At the speed that is tried the module says busy, and only a reset ends that.
        case freeing(index: Int, LinkFailure)
        case tidying
        case identifying(round: Int)
        case configuring(Dialect)
        case joining(Dialect)
        case addressing(Dialect, round: Int)
        case inspecting(Dialect)
        case dialling(Dialect)
        /// Dialling failed without a reason.
        case resolving(LinkFailure)
        /// The open connection is being looked after.
        case verifying(ChatScript)
        case leaving(ChatScript)
    }

    /// What AT+CIFSR says while there is no address.
    static let noAddress = "0.0.0.0"
    /// How often AT+CIFSR is asked, a second apart, until there is an address.
    static let addressRounds = 6

    private var isResetting: Bool { start >= .reset }
    /// The rung on which echo, firmware and mode are dealt with.
    private var lowRung: Rung { isResetting ? .resetting : .syncing }

    /// Begins a chapter.
    mutating func open(_ chapter: Chapter, now: Moment) -> [Effect] {
        do throws(ATCommand.Problem) {
            let script = try script(of: chapter)
            var newChat = Chat(script)
            let outputs = newChat.begun(now: now)
            let effects = rung(of: chapter).map { climb($0) } ?? []
            chat = newChat
            stage = .chatting(chapter)
            return effects + carry(outputs, in: chapter, now: now)
        } catch {
            return end(.failed(.commandFailed(command: "AT", reply: "not sent: \(error)")))
        }
    }

    private func script(of chapter: Chapter) throws(ATCommand.Problem) -> ChatScript {
        switch chapter {
        case .calling: .synchronizing(restart: isResetting ? nil : .modemRestarted(during: .syncing))
        case .resetting, .freeing: .resetting
        case .lookingAgain: .lookingAgain
        case .untangling: .untangling
        case .sweeping(let index, _):
            .sweeping(
                speed: sweep[index], baud: settings.baud, hardwareFlowControl: settings.hardwareFlowControl)
        case .tidying: .tidying(during: lowRung)
        case .identifying: .identifying(during: lowRung)
        case .configuring(let dialect): .configuring(dialect, during: lowRung)
        case .joining(let dialect): .joining(ssid: settings.ssid, command: try settings.joinCommand(dialect))
        case .addressing(_, let round): .addressing(ssid: settings.ssid, isFirst: round == 1)
        case .inspecting(let dialect): .inspecting(dialect, ssid: settings.ssid)
        case .dialling: try diallingScript()
        case .resolving: .resolving(host: settings.host, command: try .resolve(host: settings.host))
        case .verifying(let script), .leaving(let script): script
        }
    }

    private func diallingScript() throws(ATCommand.Problem) -> ChatScript {
        let script = ChatScript.dialling(
            ssid: settings.ssid, host: settings.host, port: settings.port, command: try settings.dialCommand(),
            mode: settings.mode, notesPort: settings.verifiesConnection)
        return memory.hasRedialled ? .redialling(script) : script
    }

    /// How to get from a chapter to command mode without a link; nil when that is so already.
    func leavingScript(from chapter: Chapter, now: Moment) -> ChatScript? {
        switch chapter {
        case .calling, .untangling, .sweeping, .freeing, .verifying:
            // The module may still be in the data mode it was found in.
            .leavingTransparentMode(drain: wire.drain(now: now))
        case .dialling where chat?.awaitsPrompt == true:
            // AT+CIPSEND is out: the module is in data mode, or about to be.
            .leavingTransparentMode(drain: wire.drain(now: now))
        case .tidying, .dialling, .resolving:
            .hangingUp
        case .resetting, .lookingAgain, .identifying, .configuring, .joining, .addressing, .inspecting, .leaving:
            nil
        }
    }

    /// How to get from the open tunnel to command mode without a link.
    func leavingTunnel(now: Moment) -> ChatScript {
        switch settings.mode {
        case .transparent: .leavingTransparentMode(drain: wire.drain(now: now))
        case .packet: .hangingUp
        }
    }

    private func rung(of chapter: Chapter) -> Rung? {
        switch chapter {
        case .calling: .syncing
        case .resetting: .resetting
        case .joining: .joining
        case .addressing: .addressing
        case .dialling: .dialling
        default: nil
        }
    }

    // MARK: After a chapter

    mutating func finished(_ chapter: Chapter, now: Moment) -> [Effect] {
        switch chapter {
        case .calling:
            return open(isResetting ? .resetting : .tidying, now: now)
        case .untangling:
            return open(.resetting, now: now)
        case .sweeping(let index, _):
            return found(at: sweep[index], now: now)
        case .freeing(let index, let cause):
            return open(.sweeping(index: index, cause), now: now)
        case .lookingAgain:
            return open(.tidying, now: now)
        case .resetting, .tidying:
            return open(.identifying(round: 1), now: now)
        case .identifying(let round):
            return identified(round: round, now: now)
        case .configuring(let dialect):
            return open(.joining(dialect), now: now)
        case .joining(let dialect):
            return open(.addressing(dialect, round: 1), now: now)
        case .addressing(let dialect, let round):
            return addressed(dialect, round: round, now: now)
        case .inspecting(let dialect):
            return open(.dialling(dialect), now: now)
        case .dialling:
            stage = .open
            chat = nil
            if settings.mode == .packet { tunnel = PacketTunnel(ssid: settings.ssid, wire: wire) }
            return [.opened]
        case .resolving(let failure):
            return end(.failed(failure))
        case .verifying:
            return verified(now: now)
        case .leaving:
            return end(.left)
        }
    }

    private mutating func identified(round: Int, now: Moment) -> [Effect] {
        guard let dialect = memory.firmware?.dialect else {
            // The answer may have been to an earlier command, or a bit in it wrong; or it is a firmware of long ago.
            return round == 1
                ? open(.identifying(round: 2), now: now)
                : end(.failed(.firmwareUnsupported(version: memory.firmware?.version ?? "unknown")))
        }
        return open(start == .dial ? .addressing(dialect, round: 1) : .configuring(dialect), now: now)
    }

    private mutating func addressed(_ dialect: Dialect, round: Int, now: Moment) -> [Effect] {
        if let address = memory.address, address != Self.noAddress {
            return open(settings.inspectsAccessPoint ? .inspecting(dialect) : .dialling(dialect), now: now)
        }
        if start == .dial { return end(.failed(.addressLost)) }
        return round < Self.addressRounds
            ? open(.addressing(dialect, round: round + 1), now: now)
            : end(.failed(.noAddress(ssid: settings.ssid)))
    }

    mutating func failed(_ failure: LinkFailure, in chapter: Chapter, now: Moment) -> [Effect] {
        switch (chapter, failure) {
        case (.leaving, _):
            return end(.left)
        case (.verifying, .modemRestartedOnline):
            return end(.failed(failure))
        case (.verifying, .commandFailed):
            // It would not enter the tunnel again: the link was closed in between.
            return end(.failed(.connectionClosed))
        case (.verifying, _):
            return end(.failed(.connectionSilent))
        case (.calling, .modemBusy) where isResetting:
            // AT+RST is the one command that a busy module takes.
            return open(.resetting, now: now)
        case (.calling(round: 1), .modemSilent):
            return open(.calling(round: 2), now: now)
        case (.calling, .modemSilent):
            return soughtInVain(memory.hasHeard ? .modemGarbled : .modemSilent, now: now)
        case (.sweeping(let index, let cause), .modemBusy) where !memory.hasFreed:
            memory.hasFreed = true
            return open(.freeing(index: index, cause), now: now)
        case (.sweeping(let index, let cause), _), (.freeing(let index, let cause), _):
            return swept(index, cause, now: now)
        case (.resetting, .noReady) where bootSpeed != nil:
            // It went back to its own speed.
            return soughtInVain(failure, now: now)
        case (.resetting, .noReady):
            return open(.lookingAgain, now: now)
        case (.lookingAgain, .noReady) where !memory.hasUntangled,
            (.identifying, .commandTimedOut) where isResetting && !memory.hasUntangled:
            memory.hasUntangled = true
            return open(.untangling(failure), now: now)
        case (.untangling(let cause), .modemSilent):
            return soughtInVain(cause, now: now)
        case (.joining, .joinTimedOut) where memory.isAssociated:
            return end(.failed(.noAddress(ssid: settings.ssid)))
        case (.dialling, .commandFailed(_, let reply))
        where [ChatScript.alreadyConnected, ChatScript.linkIsBuilt].contains(where: reply.hasPrefix)
            && !memory.hasRedialled:
            memory.hasRedialled = true
            return open(chapter, now: now)
        case (.dialling(let dialect), .connectionRefused), (.dialling(let dialect), .hostUnreachable):
            guard dialect.failsWithoutReason, !settings.hostIsAddress else { return end(.failed(failure)) }
            return open(.resolving(failure), now: now)
        default:
            return end(.failed(failure))
        }
    }
}
