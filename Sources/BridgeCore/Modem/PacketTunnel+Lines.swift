/// What a line of the module means while the link is open in packet mode.
extension PacketTunnel {
    /// The lines that only sending knows, by their end: all of them have CR LF in front, and some firmware builds put
    /// `<segment>,` before them.
    private enum Word: CaseIterable {
        case sendOK
        case sendFail
        case sendCanceled
        case notValid

        var text: String {
            switch self {
            case .sendOK: "SEND OK"
            case .sendFail: "SEND FAIL"
            case .sendCanceled: "SEND Canceled"
            case .notValid: "link is not valid"
            }
        }

        init?(_ line: ATLine) {
            guard let word = Self.allCases.first(where: { line.ends(with: $0.text) }) else { return nil }
            self = word
        }
    }

    private static let hidden = "•••"

    /// Texts that have no CR LF in front, so that they may stand directly behind a payload.
    private static func isFree(_ reply: ATReply?) -> Bool {
        switch reply {
        case .closed, .connected, .wifiConnected, .wifiGotAddress, .wifiLost, .dhcpTimedOut, .ready, .bootText: true
        case .ok, .error, .fail, .busy, .prompt, nil: false
        }
    }

    mutating func heard(_ line: ATLine, isGlued: Bool, now: Moment) -> [Output] {
        let reply = ATReply(line)
        let word = Word(line)
        let count = Self.count(line)
        // A module that restarted repeats what is written to it, and that is CONNECT with its password, or a message.
        let isKnown = ATReply.isPlain(line) || word.map { line.isWhole($0.text) } == true || count != nil
        let shown = Output.fromModem(isKnown ? line.text : Self.hidden)
        // A damaged head makes lines of a payload, which may say anything.
        let isText = reply != nil || word != nil || count != nil || line.starts(with: "AT")
        if !isText || isGlued && !Self.isFree(reply) { return [shown] + spoil(now: now) }
        return [shown] + answered(line, reply, word, count, now: now)
    }

    private mutating func answered(
        _ line: ATLine, _ reply: ATReply?, _ word: Word?, _ count: Int?, now: Moment
    ) -> [Output] {
        if let reply, let outputs = announced(reply, now: now) { return outputs }
        switch phase {
        case .idle, .ending, .over:
            return []
        case .prompting(_, let until):
            return promptingHeard(line, reply, word, until: until, now: now)
        case .holding:
            // Carried out although it was called busy.
            guard reply == .ok else { return [] }
            phase = .prompting(isAccepted: true, until: now + Self.promptLimit)
            return []
        case .counting, .acknowledging:
            return sendingHeard(line, reply, word, count, now: now)
        case .cancelling(let failure, _, _):
            return word == .sendCanceled || count != nil ? end(failure) : []
        case .doubting:
            return word == .sendOK ? sent(now: now) : []
        }
    }

    /// Texts that mean the same whatever is going on; nil for the others.
    private mutating func announced(_ reply: ATReply, now: Moment) -> [Output]? {
        switch reply {
        case .ready, .bootText:
            return end(.modemRestartedOnline)
        case .wifiLost:
            return end(.accessPointLost(ssid: ssid))
        case .closed:
            return endSoon(.connectionClosed, now: now)
        case .ok, .error, .fail, .busy, .prompt, .wifiConnected, .wifiGotAddress, .dhcpTimedOut, .connected:
            return nil
        }
    }

    private mutating func promptingHeard(
        _ line: ATLine, _ reply: ATReply?, _ word: Word?, until: Moment, now: Moment
    ) -> [Output] {
        if word == .notValid { clue = .connectionClosed }
        switch reply {
        case .ok:
            phase = .prompting(isAccepted: true, until: until)
        case .busy:
            busySince = busySince ?? now
            guard !isBusyTooLong(now: now) else { return end(.modemBusy) }
            phase = .holding(until: now + Self.busyPause)
        case .error:
            return endSoon(clue ?? .sendFailed(reply: line.text), now: now)
        default: break
        }
        return []
    }

    private mutating func sendingHeard(
        _ line: ATLine, _ reply: ATReply?, _ word: Word?, _ count: Int?, now: Moment
    ) -> [Output] {
        if word == .sendCanceled { return end(.sendFailed(reply: line.text)) }
        guard case .acknowledging = phase else {
            // SEND OK is that of the piece before, which was late: this one may not even be there yet.
            if let count {
                guard count == piece else { return end(.bytesLost(fromModem: false)) }
                phase = .acknowledging(
                    probe: now + Self.probePause, until: now + Self.acknowledgementLimit)
            }
            // It is taking the piece for commands.
            return reply == .error ? end(.sendFailed(reply: line.text)) : []
        }
        if word == .sendFail {
            phase = .doubting(until: now + Self.secondThought)
            return []
        }
        // OK is the answer to a probe: the module is done, and its `SEND OK` was lost. It says busy while it sends.
        return word == .sendOK || reply == .ok ? sent(now: now) : []
    }

    /// `Recv <n> bytes`.
    private static func count(_ line: ATLine) -> Int? {
        guard line.ends(with: " bytes"), let number = line.text(after: "Recv ")?.dropLast(6) else { return nil }
        return Int(number)
    }

    /// The attempt fails, but data may still be on its way from the module, and a better reason.
    private mutating func endSoon(_ failure: LinkFailure, now: Moment) -> [Output] {
        let until = if case .ending(_, let until) = phase { until } else { now + Self.lastWords }
        phase = .ending(failure, until: until)
        return []
    }
}
