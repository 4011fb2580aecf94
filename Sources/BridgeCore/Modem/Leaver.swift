/// From the tunnel back to command mode: silence, `+++`, a second, CIPMODE off, connection closed.
///
/// A write completes when the kernel has the bytes, not when they are on the wire: the silence begins when the last
/// byte has left. Nothing is waited for long: the modem may be mute.
struct Leaver: Sendable {
    enum Effect: Equatable {
        case send([UInt8])
        case say(ATCommand)
        case left
    }

    private static let patience = Duration.milliseconds(700)

    private enum Phase {
        case silence
        case escaped
        case saying(Int)
    }

    private static let commands = [ATCommand("AT+CIPMODE=0"), ATCommand("AT+CIPCLOSE")]

    private var phase: Phase
    private(set) var deadline: Moment

    /// - Parameter lineFree: when the last byte leaves the line.
    init(fromTunnelAt lineFree: Moment) {
        phase = .silence
        deadline = lineFree + Synchronizer.guardBefore
    }

    init(fromCommandModeAt now: Moment) {
        phase = .escaped
        deadline = now
    }

    mutating func received(_ line: String, now: Moment) -> [Effect] {
        guard case .saying(let index) = phase else { return [] }
        switch ATReply(line: line) {
        case .ok, .error: return say(index + 1, now: now)
        default: return []
        }
    }

    mutating func timerFired(now: Moment) -> [Effect] {
        guard deadline <= now else { return [] }
        switch phase {
        case .silence:
            phase = .escaped
            deadline = now + Synchronizer.guardAfter
            return [.send(Array("+++".utf8))]
        case .escaped: return say(0, now: now)
        case .saying(let index): return say(index + 1, now: now)
        }
    }

    private mutating func say(_ index: Int, now: Moment) -> [Effect] {
        guard index < Self.commands.count else { return [.left] }
        phase = .saying(index)
        deadline = now + Self.patience
        return [.say(Self.commands[index])]
    }
}
