/// A conversation with the modem as data: what to say, what ends each step, and what each reply means.
struct ChatScript: Sendable {
    var steps: [Step]
    /// What `ready` or boot text means in steps that do not expect it; nil: nothing.
    var restart: LinkFailure?
    /// Lines that end the conversation in whatever step they come.
    var aborts: [Meaning] = []
    /// Lines that tell something and change nothing.
    var notices: [Notice] = []

    init(_ steps: [Step], restart: LinkFailure?, aborts: [Meaning] = [], notices: [Notice] = []) {
        self.steps = steps
        self.restart = restart
        self.aborts = aborts
        self.notices = notices
    }

    /// What is sent at the start of a step.
    enum Utterance: Equatable, Sendable {
        case command(ATCommand)
        /// `+++`, alone.
        case escape
        /// Nothing: the step is a pause.
        case silence
        /// Nothing; the host's own port goes to this speed, in bits a second.
        case speed(Int)
    }

    /// A line, and the failure it stands for.
    struct Meaning: Sendable {
        var match: LineMatch
        /// Counts only when the line comes within this time of the command; nil: always.
        var within: Duration?
        var failure: @Sendable (ATLine) -> LinkFailure

        init(_ match: LineMatch, within: Duration? = nil, _ failure: LinkFailure) {
            self.init(match, within: within) { _ in failure }
        }

        init(_ match: LineMatch, within: Duration? = nil, failure: @escaping @Sendable (ATLine) -> LinkFailure) {
            self.match = match
            self.within = within
            self.failure = failure
        }
    }

    /// A line, and what it tells.
    struct Notice: Sendable {
        var news: @Sendable (ATLine) -> News?

        /// The line shows that a rung of the ladder has been reached.
        static func rung(_ reply: ATReply, _ rung: Rung) -> Notice {
            Notice { ATReply($0) == reply ? .climbed(rung) : nil }
        }

        /// The line may hold a fact.
        static func fact(_ read: @escaping @Sendable (ATLine) -> ModemFact?) -> Notice {
            Notice { line in read(line).map(News.learned) }
        }

        /// The line may hold the firmware's version.
        static let firmware = Notice { line in Firmware(line).map(News.firmware) }
    }

    /// What a notice tells.
    enum News: Equatable, Sendable {
        case climbed(Rung)
        case learned(ModemFact)
        case firmware(Firmware)
        /// The local port of the TCP connection.
        case localPort(Int)
    }

    /// One thing said, and its answer.
    struct Step: Sendable {
        var utterance: Utterance
        /// Any of these ends the step well.
        var ends: Set<ATReply> = [.ok]
        /// Must have come before for the step to end.
        var needs: ATReply?
        /// Once `needs` has come (if anything is), this undoes it.
        var undoneBy: Meaning?
        /// Lines that say in advance why ERROR or FAIL will come, or why nothing will.
        var clues: [Meaning] = []
        /// What ERROR or FAIL means when no clue came; the first that fits. Otherwise the command failed.
        var verdicts: [Meaning] = []
        /// How long ERROR or FAIL waits for a late `CLOSED` before the step fails.
        var linger: Duration = .zero
        /// How long an answer may take.
        var limit: Duration
        /// How often it is said in all when no answer comes.
        var tries = 1
        /// What no answer means; by default that the command timed out.
        var silence: Silence = .fails(nil)
        /// Whether ERROR is overlooked, so that only the answer to another try counts.
        var insists = false
        /// Whether `ready` and boot text are nothing special here.
        var expectsRestart = false
        /// Whether everything that comes is thrown away unread.
        var isDeaf = false
        /// How long lines are let pass after the end, before the next step.
        var settle: Duration = .zero

        enum Silence: Sendable {
            case goesOn
            case fails(LinkFailure?)
        }

        /// A command and its answer.
        static func say(_ command: ATCommand, within limit: Duration) -> Step {
            Step(utterance: .command(command), limit: limit)
        }

        /// Nothing is sent for this long, and what comes is thrown away.
        static func quiet(_ time: Duration) -> Step {
            Step(utterance: .silence, ends: [], limit: time, silence: .goesOn, isDeaf: true)
        }

        /// `+++`, and the time the module wants before it takes commands.
        static func escape(_ time: Duration) -> Step {
            Step(utterance: .escape, ends: [], limit: time, silence: .goesOn, isDeaf: true)
        }

        /// The host's port goes to another speed; what comes meanwhile is garbage.
        static func speed(_ baud: Int, within time: Duration) -> Step {
            Step(utterance: .speed(baud), ends: [], limit: time, silence: .goesOn, isDeaf: true)
        }

        /// A copy with some things changed.
        func with(_ change: (inout Step) -> Void) -> Step {
            var step = self
            change(&step)
            return step
        }
    }
}
