/// Finds the modem in whatever state it was left: in data mode, with echo on, in the middle of a line, rebooting.
///
/// A lone `+++` between two silences leaves data mode (and cancels a payload that is awaited); in command mode it is
/// garbage in front of the first probe, which costs that probe an ERROR at most. Then `AT` until it is answered OK.
struct Synchronizer: Sendable {
    enum Effect: Equatable {
        case send([UInt8])
        case say(ATCommand)
        case found
        case failed(LinkFailure)
    }

    /// The firmware needs 20 ms of silence in front of `+++`; a little more covers the host's own pauses.
    static let guardBefore = Duration.milliseconds(60)
    /// A second before the next command (ESP8266 AT Instruction Set V3.0.1, section 5.2.6).
    static let guardAfter = Duration.milliseconds(1100)
    private static let probePause = Duration.milliseconds(400)
    private static let probes = 5
    private static let rounds = 2
    private static let busyLimit = 25

    private enum Phase {
        case before
        case after
        case probing
    }

    private var phase = Phase.before
    private var round = 1
    private var probesSent = 0
    private var busy = 0
    private var heardBytes = false
    private(set) var deadline = Moment.zero

    /// Begins with silence; returns nothing to do yet.
    mutating func begin(now: Moment) {
        phase = .before
        probesSent = 0
        deadline = now + Self.guardBefore
    }

    /// Bytes that make no line count too: the module is there, but speaks at another speed.
    mutating func heard() { heardBytes = true }

    mutating func received(_ line: String, now: Moment) -> [Effect] {
        guard phase == .probing else { return [] }
        switch ATReply(line: line) {
        case .ok: return [.found]
        case .busy:
            busy += 1
            guard busy <= Self.busyLimit else { return [.failed(.modemBusy)] }
            // It is alive: probing goes on until it has done what it is at.
            probesSent = min(probesSent, 1)
            return []
        default: return []
        }
    }

    mutating func timerFired(now: Moment) -> [Effect] {
        guard deadline <= now else { return [] }
        switch phase {
        case .before:
            phase = .after
            deadline = now + Self.guardAfter
            return [.send(Array("+++".utf8))]
        case .after:
            phase = .probing
            heardBytes = false
            return probe(now: now)
        case .probing where probesSent < Self.probes:
            return probe(now: now)
        case .probing where round < Self.rounds:
            round += 1
            begin(now: now)
            return []
        case .probing:
            return [.failed(busy > 0 ? .modemBusy : heardBytes ? .modemGarbled : .modemSilent)]
        }
    }

    private mutating func probe(now: Moment) -> [Effect] {
        probesSent += 1
        deadline = now + Self.probePause
        return [.say(ATCommand("AT"))]
    }
}
