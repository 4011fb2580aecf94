/// Finds out by experiment what is at the other end of the serial line.
///
/// First the modem is asked at the speed that is configured, then again behind `+++`, in case it is in data mode; then at
/// the other usual speeds, and behind `+++` there. What comes back tells a modem from a loop of wire, from a modem at
/// another speed, and from nothing at all. Nothing is said to the modem but `AT`, `+++`, and bytes that are no command.
struct LineExamination: Sendable {
    enum Effect: Equatable, Sendable {
        case send([UInt8])
        /// The line has to run at another speed from now on.
        case setSpeed(Int)
        case found(Finding)
    }

    enum Finding: Equatable, Sendable {
        case answers(baud: Int, roundTrip: Duration, wasInDataMode: Bool)
        /// Sense, but never OK: `busy p...` or ERROR to everything.
        case refuses(baud: Int, reply: String)
        /// What is sent comes back, byte for byte, and nothing else.
        case ownEcho
        /// Bytes that make no sense at any speed; a sample of those at the configured one.
        case garbled(sample: [UInt8])
        case silent
    }

    /// What modules are found at: as shipped now and in earlier years, at boot, and what people set.
    static let usualSpeeds = [115_200, 9600, 57_600, 74_880, 38_400, 19_200, 230_400, 460_800, 921_600]
    /// After a change of speed bytes in transit are garbage.
    static let settling = Duration.milliseconds(250)
    static let patience = Duration.milliseconds(400)
    /// `busy p...` while the module joins by itself after boot takes some seconds.
    static let busyPause = Duration.milliseconds(750)
    /// How often it is asked: at the configured speed, at others, and one that is busy.
    static let tries = (configured: 4, others: 3, busy: 20)
    /// A loop of wire returns these as they are; a modem that echoes adds ERROR.
    static let noCommand: [UInt8] = [0x55, 0xAA, 0x0F, 0xF0, 0x0D, 0x0A]
    private static let sampleLength = 24

    private enum Step: Equatable, Sendable {
        case settling
        case asking(times: Int)
        /// Silence before `+++`, and the second behind it.
        case quiet
        case escaping
        /// ``noCommand`` is out.
        case challenging
        case over
    }

    private let configured: Int
    /// Speeds to come; each with whether `+++` goes first.
    private var plan: [(baud: Int, escapes: Bool)]
    private var baud: Int
    private var escapes = false
    private var step = Step.over
    private var saidAt = Moment.zero
    private(set) var deadline: Moment?

    private var lexer = ATLexer()
    /// Since the present experiment began.
    private var sent: [UInt8] = []
    private var heard: [UInt8] = []
    private var reply: String?
    private var sample: [UInt8] = []

    init(baud: Int) {
        configured = baud
        self.baud = baud
        let others = Self.usualSpeeds.filter { $0 != baud }
        plan =
            [(baud, false), (baud, true)] + others.map { ($0, false) } + others.map { ($0, true) }
    }

    mutating func begun(now: Moment) -> [Effect] { next(now: now) }

    mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        guard step != .over, step != .settling else { return [] }
        if heard.count < 4096 { heard += bytes.prefix(4096 - heard.count) }
        if baud == configured, sample.count < Self.sampleLength {
            sample += bytes.prefix(Self.sampleLength - sample.count)
        }
        var rest = bytes
        while case .line(let line)? = lexer.next(&rest) {
            guard let sense = ATReply(line) else { continue }
            if sense == .ok, case .asking = step {
                let finding = Finding.answers(baud: baud, roundTrip: now - saidAt, wasInDataMode: escapes)
                return end(finding)
            }
            if sense == .ok || sense == .error || sense == .busy { reply = line.text }
        }
        return []
    }

    mutating func timerFired(now: Moment) -> [Effect] {
        guard let due = deadline, now >= due else { return [] }
        switch step {
        case .over: return []
        case .settling:
            return escapes ? wait(.quiet, ChatScript.guardTime, now) : ask(times: 1, now: now)
        case .quiet:
            return wait(.escaping, ChatScript.afterEscape, now) + say(Array("+++".utf8))
        case .escaping:
            // What came in data mode is somebody's data.
            forget()
            return ask(times: 1, now: now)
        case .asking(let times): return unanswered(times: times, now: now)
        case .challenging:
            return heard == Self.noCommand ? end(.ownEcho) : next(now: now)
        }
    }

    // MARK: Steps

    private mutating func wait(_ step: Step, _ time: Duration, _ now: Moment) -> [Effect] {
        self.step = step
        deadline = now + time
        return []
    }

    private mutating func say(_ bytes: [UInt8]) -> [Effect] {
        sent += bytes
        return [.send(bytes)]
    }

    private mutating func ask(times: Int, now: Moment) -> [Effect] {
        saidAt = now
        return wait(.asking(times: times), reply == nil ? Self.patience : Self.busyPause, now)
            + say(ATCommand.probe.bytes)
    }

    private mutating func unanswered(times: Int, now: Moment) -> [Effect] {
        let tries = baud == configured ? Self.tries.configured : Self.tries.others
        if times < (reply == nil ? tries : Self.tries.busy) { return ask(times: times + 1, now: now) }
        if let reply { return end(.refuses(baud: baud, reply: reply)) }
        if !heard.isEmpty, heard == sent {
            forget()
            return wait(.challenging, Self.patience, now) + say(Self.noCommand)
        }
        return next(now: now)
    }

    /// The next experiment, or the end.
    private mutating func next(now: Moment) -> [Effect] {
        guard !plan.isEmpty else { return end(sample.isEmpty ? .silent : .garbled(sample: sample)) }
        let (speed, escapes) = plan.removeFirst()
        forget()
        self.escapes = escapes
        defer { baud = speed }
        guard speed != baud else {
            return escapes ? wait(.quiet, ChatScript.guardTime, now) : ask(times: 1, now: now)
        }
        return wait(.settling, Self.settling, now) + [.setSpeed(speed)]
    }

    private mutating func forget() {
        lexer = ATLexer()
        sent = []
        heard = []
        reply = nil
    }

    private mutating func end(_ finding: Finding) -> [Effect] {
        step = .over
        deadline = nil
        return [.found(finding)]
    }
}

// MARK: - In words

extension LineExamination.Finding {
    /// What it says about speed and modem, when `configured` is what the configuration has.
    func checkups(configured: Int) -> [Checkup] {
        let good = Checkup(.baud, .good, "\(configured)")
        switch self {
        case .answers(configured, let roundTrip, let wasInDataMode):
            let how = wasInDataMode ? "in data mode: answered only after +++, then after" : "answered after"
            return [good, Checkup(.at, .good, "\(how) \(roundTrip.inMilliseconds) ms")]
        case .answers(let baud, _, _),
            .refuses(let baud, _) where baud != configured:
            return [
                Checkup(
                    .baud, .bad,
                    "The module speaks at \(baud) bits a second; serial.baud is \(configured).",
                    advice: [
                        "Set serial.baud to \(baud), or the module to \(configured): "
                            + "AT+UART_DEF=\(configured),8,1,0,0 at \(baud)."
                    ])
            ]
        case .refuses(_, let reply):
            return [
                good,
                Checkup(
                    .at, .bad, "The module answers everything with \(reply).",
                    advice: ["Cycle the module's power; a module that hangs so needs it."]),
            ]
        case .ownEcho:
            return [
                Checkup(
                    .at, .bad, "What is sent comes back unchanged, and nothing else: TX is tied to RX.",
                    advice: [
                        "Lead the adapter's TX to the module's RX and the module's TX to the adapter's RX, "
                            + "and take away any bridge between the two."
                    ])
            ]
        case .garbled(let sample):
            return [
                Checkup(
                    .baud, .bad, "Bytes come, and make no sense at any usual speed: \(printable(sample))",
                    advice: [
                        LinkFailure.modemGarbled.advice,
                        "Shorten the wires; check that both sides have the same level (3.3 V).",
                    ])
            ]
        case .silent:
            return [
                Checkup(
                    .at, .bad,
                    "Nothing is heard: at no usual speed, neither in command mode nor behind +++.",
                    advice: [
                        "Swap TX and RX: the adapter's TX belongs to the module's RX.",
                        "Check the module's 3.3 V, the ground wire, and that EN (CH_PD) and GPIO0 are high.",
                        "A saved flow control with CTS open mutes the module: ground CTS, then AT+UART_DEF=115200,8,1,0,0.",
                    ])
            ]
        }
    }
}
