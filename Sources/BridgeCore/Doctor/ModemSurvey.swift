/// From a modem that answers to an address and a resolved name, one chapter a rung, each measured.
///
/// It uses the scripts of ``ModemLink``, and asks besides what is in range and what the host's address is, so that a
/// person sees how far it goes and where it ends.
struct ModemSurvey: Sendable {
    enum Effect: Equatable, Sendable {
        case send([UInt8])
        case checked(Checkup)
        /// All was good.
        case finished
        /// A rung failed, and was said.
        case failed
    }

    private enum Chapter: Sendable {
        case tidying
        case identifying(round: Int)
        case configuring(Dialect)
        case looking(Dialect, round: Int)
        case joining(Dialect)
        case addressing(Dialect, round: Int)
        case inspecting(Dialect)
        case resolving
    }

    private let settings: ModemLink.Settings
    private var chapter = Chapter.tidying
    private var chat: Chat?
    private var lexer = ATLexer()
    private var began = Moment.zero

    private var firmware: Firmware?
    private var address: String?
    private var strength: Int?
    private var inRange: [AccessPointSeen] = []
    private var resolved: String?
    /// The access point has taken the station, which has no address yet.
    private var isAssociated = false

    init(settings: ModemLink.Settings) { self.settings = settings }

    var deadline: Moment? { chat?.deadline }

    mutating func begun(now: Moment) -> [Effect] { open(.tidying, now: now) }

    mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        var rest = bytes
        var effects: [Effect] = []
        while let current = chat, let token = lexer.next(&rest) {
            if !current.isDeaf, case .line(let line) = token { heard(line) }
            effects += carry(chat?.received(token, now: now) ?? [], now: now)
        }
        return effects
    }

    mutating func timerFired(now: Moment) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        return carry(chat?.timerFired(now: now) ?? [], now: now)
    }

    private mutating func heard(_ line: ATLine) {
        switch ATReply(line) {
        case .wifiConnected: isAssociated = true
        case .wifiGotAddress: isAssociated = false
        default: break
        }
        if case .looking = chapter, let seen = AccessPointSeen(line) { inRange.append(seen) }
        if case .resolving = chapter, let answer = line.text(after: "+CIPDOMAIN:") {
            resolved = String(answer.filter { $0 != "\"" })
        }
    }

    // MARK: Chapters

    private mutating func open(_ chapter: Chapter, now: Moment) -> [Effect] {
        do throws(ATCommand.Problem) {
            var chat = Chat(try script(of: chapter))
            if case .addressing(_, let round) = chapter, round > 1 {} else { began = now }
            self.chapter = chapter
            let outputs = chat.begun(now: now)
            self.chat = chat
            return carry(outputs, now: now)
        } catch {
            return end([.checked(Checkup(rung(of: chapter), .bad, "The command cannot be written: \(error)."))])
        }
    }

    private func script(of chapter: Chapter) throws(ATCommand.Problem) -> ChatScript {
        switch chapter {
        case .tidying: .tidying(during: .syncing)
        case .identifying: .identifying(during: .syncing)
        case .configuring(let dialect): .configuring(dialect, during: .syncing)
        case .looking: .lookingAround
        case .joining(let dialect): .joining(ssid: settings.ssid, command: try settings.joinCommand(dialect))
        case .addressing(_, let round): .addressing(ssid: settings.ssid, isFirst: round == 1)
        case .inspecting(let dialect): .inspecting(dialect, ssid: settings.ssid)
        case .resolving: .resolving(host: settings.host, command: try .resolve(host: settings.host))
        }
    }

    private func rung(of chapter: Chapter) -> Checkup.Rung {
        switch chapter {
        case .tidying: .at
        case .identifying, .configuring: .firmware
        case .looking: .accessPoint
        case .joining: .join
        case .addressing, .inspecting: .address
        case .resolving: .dns
        }
    }

    private mutating func carry(_ outputs: [Chat.Output], now: Moment) -> [Effect] {
        outputs.flatMap { output -> [Effect] in
            switch output {
            case .say(.command(let command)): [.send(command.bytes)]
            case .say(.escape), .say(.silence), .say(.speed): []
            case .news(let news): learn(news)
            case .finished: finished(now: now)
            case .failed(let failure): failed(failure, now: now)
            }
        }
    }

    private mutating func learn(_ news: ChatScript.News) -> [Effect] {
        switch news {
        case .firmware(let version): firmware = version
        case .learned(.address(let text)): address = text
        case .learned(.accessPoint(_, _, let rssi)): strength = rssi
        case .learned, .climbed, .localPort: break
        }
        return []
    }

    private mutating func finished(now: Moment) -> [Effect] {
        let took = "after \((now - began).inMilliseconds) ms"
        switch chapter {
        case .tidying: return open(.identifying(round: 1), now: now)
        case .identifying(let round):
            guard let dialect = firmware?.dialect else {
                // A bit may be wrong in the answer: asked once more before it is judged.
                if round == 1 { return open(.identifying(round: 2), now: now) }
                let failure = LinkFailure.firmwareUnsupported(version: firmware?.version ?? "unknown")
                return end([.checked(Checkup(.firmware, failure))])
            }
            return open(.configuring(dialect), now: now)
        case .configuring(let dialect):
            return [.checked(Checkup(.firmware, .good, "AT \(firmware?.version ?? "?")"))]
                + open(.looking(dialect, round: 1), now: now)
        case .looking(let dialect, let round): return looked(dialect, round: round, now: now)
        case .joining(let dialect):
            return [.checked(Checkup(.join, .good, "\"\(settings.ssid)\" joined \(took)"))]
                + open(.addressing(dialect, round: 1), now: now)
        case .addressing(let dialect, let round):
            if let address, address != ModemLink.noAddress { return open(.inspecting(dialect), now: now) }
            return round < ModemLink.addressRounds
                ? open(.addressing(dialect, round: round + 1), now: now)
                : end([.checked(Checkup(.address, .noAddress(ssid: settings.ssid)))])
        case .inspecting: return inspected(now: now)
        case .resolving:
            let words = resolved.map { "\(settings.host) is \($0), \(took)" } ?? "no answer to AT+CIPDOMAIN"
            return end([.checked(Checkup(.dns, resolved == nil ? .skipped : .good, words))], isGood: true)
        }
    }

    private mutating func looked(_ dialect: Dialect, round: Int, now: Moment) -> [Effect] {
        let own = inRange.filter { $0.ssid == settings.ssid }.max { $0.strength < $1.strength }
        let others = inRange.filter { $0.ssid != settings.ssid }.sorted { $0.strength > $1.strength }
        if let own {
            let more = others.isEmpty ? "" : ", \(others.count) other\(others.count == 1 ? "" : "s") in range"
            return [.checked(Checkup(.accessPoint, .good, own.words + more))] + open(.joining(dialect), now: now)
        }
        // A beacon may be missed, and a line lost.
        if round == 1 {
            inRange = []
            return open(.looking(dialect, round: 2), now: now)
        }
        // Joining decides: a hidden one shows itself only when it is called by its name.
        let list = others.isEmpty ? "none" : others.prefix(8).map(\.words).joined(separator: ", ")
        let hidden = others.contains(where: \.ssid.isEmpty) ? ", but may be hidden" : ""
        let words = "\"\(settings.ssid)\" is not listed\(hidden); in range: \(list)"
        return [.checked(Checkup(.accessPoint, .skipped, words))] + open(.joining(dialect), now: now)
    }

    private mutating func inspected(now: Moment) -> [Effect] {
        let signal = strength.map { ", the access point at \($0) dBm" } ?? ""
        let checkup = Effect.checked(Checkup(.address, .good, "\(address ?? "?")\(signal)"))
        guard !settings.hostIsAddress else {
            return [checkup]
                + end([.checked(Checkup(.dns, .skipped, "\(settings.host) is an address"))], isGood: true)
        }
        return [checkup] + open(.resolving, now: now)
    }

    private mutating func failed(_ failure: LinkFailure, now: Moment) -> [Effect] {
        if case .looking(let dialect, _) = chapter {
            // Without the list there is still the join.
            let words = "the module gave no list of what is in range"
            return [.checked(Checkup(.accessPoint, .skipped, words))] + open(.joining(dialect), now: now)
        }
        let noAddress = LinkFailure.noAddress(ssid: settings.ssid)
        if case .joining = chapter,
            failure == noAddress || isAssociated && failure == .joinTimedOut(ssid: settings.ssid)
        {
            let joined = Checkup(.join, .good, "\"\(settings.ssid)\" joined")
            return end([.checked(joined), .checked(Checkup(.address, noAddress))])
        }
        var more: [String] = []
        if case .noSuchAccessPoint = failure {
            more = ["Move the module or the access point, or give the module a better antenna."]
        }
        return end([.checked(Checkup(rung(of: chapter), failure, more: more))])
    }

    private mutating func end(_ effects: [Effect], isGood: Bool = false) -> [Effect] {
        chat = nil
        return effects + [isGood ? .finished : .failed]
    }
}

extension ChatScript {
    /// What is in range. A scan of all channels takes up to 5 s.
    static let lookingAround = ChatScript(
        [.say(ATCommand("AT+CWLAP"), within: .seconds(10)).with { $0.tries = 2 }],
        restart: .modemRestarted(during: .joining))
}
