import BridgeCore

/// Carries ``LineFault`` out, on bytes that pass between host and module.
struct LineMischief {
    /// What of the module's state decides how bytes are meant.
    struct View {
        /// Transparent mode, or the payload of AT+CIPSEND=<n>.
        var takesPayload = false
        var isTransparent = false
        /// It associates without having been told to.
        var joinsByItself = false
    }

    /// What becomes of bytes of the host.
    enum Step: Equatable {
        case pass([UInt8])
        case say([UInt8])
        case strike(Fault)
    }

    struct Held {
        var due: Moment
        var bytes: [UInt8]
    }

    private static let restart = Array("AT+RST\r\n".utf8)
    private static let escape = Array("+++".utf8)
    private static let longestLine = 512
    private static let oneBehindDelay = Duration.milliseconds(400)

    var random: SeededGenerator
    var armed: [LineFault] = []
    var isDead = false
    var isStuck = false
    private var staysBusy = false
    private var busyWhileJoining = false
    private var awaitsFirstCommand = false
    var noisePerMillion = 0
    /// Command bytes that are held back until the line is whole.
    private var line: [UInt8] = []
    private var isAtLineStart = true
    /// Commands that are carried out later.
    private var lateCommands: [Held] = []
    /// Said aside, whatever is said meanwhile.
    var aside: [Held] = []
    /// All that is said waits behind this.
    var blocked: Held?
    /// A `+IPD` that waits for `CLOSED`.
    var early: Held?

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    var deadline: Moment? {
        earliest(
            earliest(lateCommands.earliest { $0.due }, aside.earliest { $0.due }), earliest(blocked?.due, early?.due))
    }

    /// Arms a fault, or makes it true at once when it is a state.
    mutating func strike(_ fault: LineFault) -> [Step] {
        switch fault {
        case .staysBusy: staysBusy = true
        case .busyWhileJoining: busyWhileJoining = true
        case .transmitterStuck: isStuck = true
        case .noise(let rate): noisePerMillion = rate
        case .heapExhausted:
            defer { isDead = true }
            return [.say(Array("E:M 1460\r\n".utf8))]
        case .leavesDataMode: return [.pass(Self.escape)]
        default: armed.append(fault)
        }
        return []
    }

    /// The module boots: what was being said or done is forgotten.
    mutating func booted() {
        (lateCommands, aside, blocked, early) = ([], [], nil, nil)
        (line, isAtLineStart, staysBusy) = ([], true, false)
        if take({ $0 == .firstCommandFails }) != nil { awaitsFirstCommand = true }
    }

    /// The supply was cut.
    mutating func poweredOff() { isDead = false }

    /// Takes the oldest armed fault that fits.
    mutating func take(_ fits: (LineFault) -> Bool) -> LineFault? {
        armed.firstIndex(where: fits).map { armed.remove(at: $0) }
    }

    // MARK: From the host

    mutating func heard(_ bytes: [UInt8], _ view: View, now: Moment) -> [Step] {
        guard !isDead else { return [] }
        let bytes = noisy(bytes)
        guard view.takesPayload else { return commands(bytes, view, now: now) }
        isAtLineStart = true
        let payload = losing(bytes)
        return payload.isEmpty ? [] : [.pass(payload)]
    }

    private mutating func losing(_ bytes: [UInt8]) -> [UInt8] {
        if bytes == Self.escape, take({ $0 == .missesEscape }) != nil { return Array(bytes.dropLast()) }
        guard case .losesFromHost(let count)? = take({ if case .losesFromHost = $0 { true } else { false } }) else {
            return bytes
        }
        if count > bytes.count { armed.append(.losesFromHost(count - bytes.count)) }
        return without(min(count, bytes.count), of: bytes)
    }

    /// The bytes without `count` contiguous ones somewhere.
    mutating func without(_ count: Int, of bytes: [UInt8]) -> [UInt8] {
        let start = Int.random(in: 0...(bytes.count - count), using: &random)
        return Array(bytes[..<start] + bytes[(start + count)...])
    }

    mutating func noisy(_ bytes: [UInt8]) -> [UInt8] {
        guard noisePerMillion > 0 else { return bytes }
        return bytes.map { byte in
            guard Int.random(in: 0..<1_000_000, using: &random) < noisePerMillion else { return byte }
            return byte ^ (1 << Int.random(in: 0..<8, using: &random))
        }
    }

    // MARK: Commands

    /// Whether lines have to be whole before the module may see them.
    private var interceptsLines: Bool {
        staysBusy || busyWhileJoining || awaitsFirstCommand || isStuck
            || armed.contains { $0 == .oneBehind || $0 == .crashesOnClose }
    }

    private mutating func commands(_ bytes: [UInt8], _ view: View, now: Moment) -> [Step] {
        var steps: [Step] = []
        if line.isEmpty, !interceptsLines {
            isAtLineStart = bytes.last == UInt8(ascii: "\n")
            return [.pass(bytes)]
        }
        for byte in bytes {
            guard !line.isEmpty || (interceptsLines && isAtLineStart) else {
                isAtLineStart = byte == UInt8(ascii: "\n")
                if case .pass(let before)? = steps.last {
                    steps[steps.count - 1] = .pass(before + [byte])
                } else {
                    steps.append(.pass([byte]))
                }
                continue
            }
            line.append(byte)
            guard byte == UInt8(ascii: "\n") || line.count >= Self.longestLine else { continue }
            let whole = line
            line = []
            steps += intercepted(whole, view, now: now)
        }
        return steps
    }

    private mutating func intercepted(_ line: [UInt8], _ view: View, now: Moment) -> [Step] {
        if line == Self.restart {
            staysBusy = false
            return [.pass(line)]
        }
        if staysBusy || (busyWhileJoining && view.joinsByItself) { return [.say(Self.busy)] }
        if awaitsFirstCommand {
            awaitsFirstCommand = false
            return [.say(Array("\r\nERROR\r\n".utf8))]
        }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("AT+RESTORE") || (text.hasPrefix("AT+UART") && text.hasSuffix(",0\r\n")) { isStuck = false }
        if text.hasPrefix("AT+CIPCLOSE"), take({ $0 == .crashesOnClose }) != nil {
            return [.say(Array(Self.crash.utf8)), .strike(.restarted)]
        }
        if take({ $0 == .oneBehind }) != nil {
            lateCommands.append(Held(due: now + Self.oneBehindDelay, bytes: line))
            return [.say(Self.busy)]
        }
        return [.pass(line)]
    }

    private static let busy = Array("\r\nbusy p...\r\n".utf8)
    /// What NonOS firmware prints of an exception before it starts anew.
    private static let crash = """
        Fatal exception (29):\nepc1=0x40203a1c, epc2=0x00000000, epc3=0x00000000, excvaddr=0x00000004, \
        depc=0x00000000\n
        """

    // MARK: Time

    /// What is due: commands that are carried out now, and bytes that are said now.
    mutating func timePassed(_ now: Moment) -> [Step] {
        var steps: [Step] = []
        steps += lateCommands.filter { $0.due <= now }.map { .pass($0.bytes) }
        lateCommands.removeAll { $0.due <= now }
        if let held = blocked, held.due <= now {
            blocked = nil
            steps.append(.say(held.bytes))
        }
        if let held = early, held.due <= now {
            early = nil
            steps.append(.say(held.bytes))
        }
        steps += aside.filter { $0.due <= now }.map { .say($0.bytes) }
        aside.removeAll { $0.due <= now }
        return steps
    }
}
