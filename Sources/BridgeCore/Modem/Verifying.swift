/// Looking after a connection that has fallen silent, without giving it up.
///
/// In transparent mode the firmware replaces a lost TCP connection by a new one without a word (ESP8266 NonOS AT: 100 ms
/// after the loss, to the same address, for ever). The one trace is the local port, which the new connection has another
/// one of: `AT+CIPSTATUS` tells it. So the tunnel is left for a moment (`+++`, a second), the port is compared with the one
/// that was seen after dialling, and the tunnel is entered again when it is the same. Otherwise the attempt ends at once,
/// and not only after the longest time that an answer may take.
extension ChatScript {
    /// The state of the link, before the tunnel is opened: what it will be compared with. Good to know, no reason to fail.
    static let status = Step.say(.linkStatus, within: .seconds(1)).with {
        $0.ends = [.ok, .error]
        $0.silence = .goesOn
    }

    static func verifying(drain: Duration) -> ChatScript {
        ChatScript(
            [
                .quiet(drain + guardTime),
                .escape(afterEscape),
                .say(.linkStatus, within: .milliseconds(700)).with { $0.tries = 2 },
                .say(.enterTransparentMode, within: .seconds(2)).with { $0.ends = [.prompt] },
            ],
            restart: .modemRestartedOnline,
            notices: [Notice { line in localPort(in: line).map(News.localPort) }])
    }

    /// `+CIPSTATUS:0,"TCP","192.168.1.10",1883,52000,0`: the fifth field. A0 firmware leaves it out.
    static func localPort(in line: ATLine) -> Int? {
        guard let fields = line.text(after: "+CIPSTATUS:")?.split(separator: ","), fields.count >= 6 else { return nil }
        return Int(fields[4])
    }
}

extension ModemLink {
    /// The connection is to be looked after; ends in ``Effect/verified`` or in ``Effect/failed(_:)``. What is written
    /// meanwhile waits. Without the trace of a port nothing can be found out, and the connection counts as verified.
    public mutating func verify(now: Moment) -> [Effect] {
        guard isOpen else { return [] }
        // In packet mode each loss is announced.
        guard tunnel == nil, memory.localPort != nil else { return [.verified] }
        tunnelBreak = TunnelBreak()
        memory.verifiedPort = nil
        return open(.verifying(.verifying(drain: wire.drain(now: now))), now: now)
    }

    /// Bytes came while the connection was being looked after.
    mutating func receivedWhileVerifying(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        var effects: [Effect] = []
        if chat?.isDeaf == false {
            let kept = tunnelBreak.dialogueBegins()
            if !kept.isEmpty { effects.append(.deliver(kept)) }
        }
        for part in tunnelBreak.received(bytes) {
            switch part {
            case .closed: return effects + end(.failed(.connectionClosed))
            case .tunnel(let bytes): effects.append(.deliver(bytes))
            case .text(let text):
                var rest = text[...]
                while !rest.isEmpty {
                    guard case .chatting(let chapter) = stage, case .verifying = chapter else {
                        // Behind the prompt the tunnel goes on.
                        return effects + (isOpen ? [.deliver(Array(rest) + tunnelBreak.end())] : [])
                    }
                    lexer.awaitsPrompt = chat?.awaitsPrompt ?? false
                    guard let token = lexer.next(&rest) else { break }
                    effects += heard(token, in: chapter, now: now)
                    if let port = memory.verifiedPort, port != memory.localPort {
                        return effects + end(.failed(.connectionReplaced))
                    }
                }
            }
        }
        if isOpen {
            let rest = tunnelBreak.end()
            if !rest.isEmpty { effects.append(.deliver(rest)) }
        }
        return effects
    }

    /// The dialogue is over: in the tunnel again, or the connection is another one.
    mutating func verified(now: Moment) -> [Effect] {
        guard let port = memory.verifiedPort, port == memory.localPort else { return end(.failed(.connectionReplaced)) }
        stage = .open
        chat = nil
        let held = heldWrites
        heldWrites = []
        return [.verified] + (held.isEmpty ? [] : [forward(held, now: now)])
    }
}
