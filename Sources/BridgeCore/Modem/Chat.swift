/// Runs a script: says one command after the other and judges the replies.
struct Chat: Sendable {
    enum Effect: Equatable {
        case say(ATCommand)
        case climbed(Rung)
        case learned(ModemFact)
        /// All lines of the script that were data.
        case finished([String])
        case failed(LinkFailure)
    }

    /// `busy p...` is waited out: the module may be joining by itself after a boot, for up to 15 s.
    private static let busyPause = Duration.milliseconds(700)
    private static let busyLimit = 30
    /// After ERROR to AT+CIPSTART a CLOSED may follow, and would be taken for the next command's reply.
    private static let linger = Duration.milliseconds(300)
    /// A refused connection is one round trip; an absent host takes three SYN retransmissions, 3 s and more.
    private static let refusedWithin = Duration.milliseconds(2500)
    private static let mostLines = 64

    private let steps: [ChatStep]
    private var index = 0
    private var lines: [String] = []
    private var said = 0
    private var busy = 0
    private var sawConnect = false
    private var sawAddress = false
    private var joinCode: Int?
    private var stepBegan = Moment.zero
    private var stepEnds = Moment.zero
    private var wait = Wait.reply

    private enum Wait {
        case reply
        /// The command is said again at this time.
        case again(Moment)
        /// The failure is reported at this time.
        case lingering(LinkFailure, Moment)
    }

    init(_ steps: [ChatStep]) {
        precondition(!steps.isEmpty, "A script has steps.")
        self.steps = steps
    }

    /// The command that waits for its reply.
    var step: ChatStep { steps[index] }
    var awaitsPrompt: Bool { step.success == .prompt }

    var deadline: Moment {
        switch wait {
        case .reply: stepEnds
        case .again(let moment): min(moment, stepEnds)
        case .lingering(_, let moment): moment
        }
    }

    mutating func begin(now: Moment) -> [Effect] {
        stepBegan = now
        stepEnds = now + step.timeout
        said = 0
        sawConnect = false
        joinCode = nil
        return (step.rung.map { [.climbed($0)] } ?? []) + say()
    }

    private mutating func say() -> [Effect] {
        said += 1
        wait = .reply
        return [.say(step.command)]
    }

    mutating func received(_ line: String, now: Moment) -> [Effect] {
        if case .lingering = wait { return [] }
        let reply = ATReply(line: line)
        if let failure = step.failures[reply] { return fail(failure, now: now) }
        switch reply {
        case .ok:
            guard step.success != .prompt else { return [] }
            guard step.success == .ok || sawConnect else { return [] }
            return advance(now: now)
        case .connected:
            sawConnect = true
            return []
        case .error, .fail:
            return refused(line, now: now)
        case .busy:
            busy += 1
            guard busy <= Self.busyLimit else { return [.failed(.modemBusy)] }
            wait = .again(now + Self.busyPause)
            // Waiting does not count against the step.
            stepEnds = now + Self.busyPause + step.timeout
            return []
        case .alreadyConnected:
            // The old connection is in the way: ERROR follows, and the attempt ends; the next one hangs up first.
            return []
        case .joinCode(let code):
            joinCode = code
            return []
        case .wifiConnected:
            return step.isJoin ? [.climbed(.addressing)] : []
        case .other(let text):
            if lines.count < Self.mostLines { lines.append(text) }
            return ModemFact.read(text).map { [.learned($0)] } ?? []
        case .ready, .bootText, .wifiGotAddress, .wifiDisconnected, .dhcpTimedOut, .closed, .noAddress,
            .nameNotResolved:
            return []
        }
    }

    /// `>` came.
    mutating func prompted(now: Moment) -> [Effect] { advance(now: now) }

    mutating func timerFired(now: Moment) -> [Effect] {
        switch wait {
        case .lingering(let failure, let moment) where moment <= now:
            return [.failed(failure)]
        case .again(let moment) where moment <= now:
            return say()
        case .reply where stepEnds <= now, .again where stepEnds <= now:
            if said <= step.repetitions {
                stepEnds = now + step.timeout
                return say()
            }
            if case .harmless = step.refusal { return advance(now: now) }
            return [.failed(step.silence ?? .commandTimedOut(command: step.command.masked))]
        default:
            return []
        }
    }

    private mutating func advance(now: Moment) -> [Effect] {
        index += 1
        guard index < steps.count else {
            index = steps.count - 1
            return [.finished(lines)]
        }
        return begin(now: now)
    }

    private mutating func refused(_ reply: String, now: Moment) -> [Effect] {
        switch step.refusal {
        case .harmless:
            return advance(now: now)
        case .join(let ssid):
            return fail(joinFailure(ssid: ssid), now: now)
        case .dial(let host, let port):
            let failure: LinkFailure =
                now - stepBegan < Self.refusedWithin
                ? .connectionRefused(host: host, port: port) : .hostUnreachable(host: host, port: port)
            return fail(failure, now: now)
        case .transparentMode:
            return fail(.transparentModeRefused(reply: reply), now: now)
        case .failure:
            guard said > step.repetitions else {
                // A stray character in front of the command costs an ERROR; said again it works.
                wait = .again(now + .milliseconds(100))
                return []
            }
            return fail(.commandFailed(command: step.command.masked, reply: reply), now: now)
        }
    }

    private func joinFailure(ssid: String) -> LinkFailure {
        switch joinCode {
        case 1: .joinTimedOut(ssid: ssid)
        case 2: .wrongPassword(ssid: ssid)
        case 3: .noSuchAccessPoint(ssid: ssid)
        default: .joinFailed(ssid: ssid, code: joinCode)
        }
    }

    private mutating func fail(_ failure: LinkFailure, now: Moment) -> [Effect] {
        wait = .lingering(failure, now + Self.linger)
        return []
    }
}

extension ChatStep {
    fileprivate var isJoin: Bool {
        if case .join = refusal { true } else { false }
    }
}
