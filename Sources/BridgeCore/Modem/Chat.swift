/// Runs a ``ChatScript``: one command at a time, one timer.
///
/// - A line that comes after a `busy …` answer counts as the answer: ESP-AT 2.x may carry out a
///   command although it said busy. After such a step, and after one that was said several times,
///   late answers are let pass for ``lateReplies`` before the next command.
/// - It always ends: every wait has a limit, and `busy` has one over all its repetitions.
struct Chat: Sendable {
    /// Wait before a command is repeated that was answered `busy p...`.
    static let busyPause: Duration = .milliseconds(750)
    /// For how long `busy …` is put up with in one step (or the step's own limit, when that is longer).
    static let busyLimit: Duration = .seconds(15)
    /// For how long answers to repeated commands are let pass.
    static let lateReplies: Duration = .milliseconds(300)

    enum Output: Equatable, Sendable {
        case say(ChatScript.Utterance)
        case news(ChatScript.News)
        case finished
        case failed(LinkFailure)
    }

    private enum Phase: Equatable, Sendable {
        case notBegun
        /// Said; an answer is awaited.
        case awaiting(until: Moment)
        /// The modem was busy; it will be said again.
        case holding(until: Moment)
        /// Failed; a late `CLOSED` is let pass.
        case lingering(until: Moment, LinkFailure)
        /// Answered; late lines are let pass.
        case settling(until: Moment)
        case over
    }

    /// What is known about the step that runs.
    private struct Course: Sendable {
        var times = 0
        var saidAt = Moment.zero
        var busySince: Moment?
        var sawWhatItNeeds = false
        var clue: LinkFailure?
        var detail: String?
    }

    private let script: ChatScript
    private var index = 0
    private var phase = Phase.notBegun
    private var course = Course()

    init(_ script: ChatScript) {
        precondition(!script.steps.isEmpty, "a chat script has at least one step")
        self.script = script
    }

    private var step: ChatScript.Step { script.steps[index] }

    private var hasWhatItNeeds: Bool { step.needs == nil || course.sawWhatItNeeds }

    /// When ``timerFired(now:)`` wants to be called.
    var deadline: Moment? {
        switch phase {
        case .notBegun, .over: nil
        case .awaiting(let until), .holding(let until), .lingering(let until, _), .settling(let until): until
        }
    }

    /// Whether `>` at the start of a line is the prompt now.
    var awaitsPrompt: Bool { phase != .over && step.ends.contains(.prompt) }

    /// Whether what comes is thrown away now.
    var isDeaf: Bool { step.isDeaf }

    /// The command that is being answered, if the step has one.
    var command: ATCommand? {
        guard case .command(let command) = step.utterance else { return nil }
        return command
    }

    mutating func begun(now: Moment) -> [Output] {
        say(now: now)
    }

    mutating func received(_ token: ATToken, now: Moment) -> [Output] {
        guard phase != .over, !step.isDeaf else { return [] }
        switch token {
        case .prompt:
            return step.ends.contains(.prompt) ? done(now: now) : []
        case .line(let line):
            var outputs = script.notices.compactMap { $0.news(line) }.map(Output.news)
            outputs += heard(line, ATReply(line), now: now)
            return outputs
        }
    }

    mutating func timerFired(now: Moment) -> [Output] {
        guard let deadline, now >= deadline else { return [] }
        switch phase {
        case .notBegun, .over:
            return []
        case .holding:
            return say(now: now, isAgain: true)
        case .lingering(_, let failure):
            return fail(failure)
        case .settling:
            return goOn(now: now)
        case .awaiting:
            if case .goesOn = step.silence { return goOn(now: now) }
            if course.times < step.tries { return say(now: now) }
            return fail(silenceFailure)
        }
    }
}

// MARK: - Lines

extension Chat {
    private mutating func heard(_ line: ATLine, _ reply: ATReply?, now: Moment) -> [Output] {
        if reply == .ready || reply == .bootText, !step.expectsRestart, let restart = script.restart {
            return fail(restart)
        }
        if let abort = script.aborts.first(where: { $0.match.fits(line) }) {
            return fail(abort.failure(line))
        }
        switch phase {
        case .notBegun, .over, .settling:
            return []
        case .lingering(_, let failure):
            return reply == .closed ? fail(failure) : []
        case .awaiting, .holding:
            return answered(line, reply, now: now)
        }
    }

    private mutating func answered(_ line: ATLine, _ reply: ATReply?, now: Moment) -> [Output] {
        if let undoneBy = step.undoneBy, hasWhatItNeeds, undoneBy.match.fits(line) {
            return fail(undoneBy.failure(line))
        }
        if let clue = step.clues.first(where: { $0.match.fits(line) }) {
            course.clue = clue.failure(line)
        }
        guard let reply else {
            if !isEcho(line) { course.detail = line.text }
            return []
        }
        if reply == .busy { return busy(now: now) }
        if reply == step.needs { course.sawWhatItNeeds = true }
        // OK without what it needs is a late answer to something else.
        if step.ends.contains(reply), hasWhatItNeeds { return done(now: now) }
        if reply == .error || reply == .fail, !step.ends.contains(reply), !step.insists {
            return refused(line, now: now)
        }
        return []
    }

    /// NonOS AT echoes what it is sent; the line is no answer.
    private func isEcho(_ line: ATLine) -> Bool {
        guard let command else { return false }
        return line.ends(with: command.text)
    }

    private mutating func busy(now: Moment) -> [Output] {
        if case .holding = phase { return [] }
        let since = course.busySince ?? now
        course.busySince = since
        guard now - since < max(Self.busyLimit, step.limit) else { return fail(.modemBusy) }
        phase = .holding(until: now + Self.busyPause)
        return []
    }

    private mutating func refused(_ line: ATLine, now: Moment) -> [Output] {
        let elapsed = now - course.saidAt
        let verdict = step.verdicts.first { verdict in
            verdict.match.fits(line) && verdict.within.map { elapsed < $0 } != false
        }
        let reply = course.detail.map { "\($0), \(line.text)" } ?? line.text
        let failure =
            course.clue ?? verdict?.failure(line)
            ?? .commandFailed(command: command?.masked ?? "", reply: reply)
        guard step.linger > .zero else { return fail(failure) }
        phase = .lingering(until: now + step.linger, failure)
        return []
    }
}

// MARK: - Steps

extension Chat {
    private var silenceFailure: LinkFailure {
        if let clue = course.clue { return clue }
        if case .fails(let failure?) = step.silence { return failure }
        return .commandTimedOut(command: command?.masked ?? "")
    }

    /// - Parameter isAgain: whether it was answered `busy …`, which costs no try; silence does.
    private mutating func say(now: Moment, isAgain: Bool = false) -> [Output] {
        if !isAgain { course.times += 1 }
        course.saidAt = now
        phase = .awaiting(until: now + step.limit)
        return step.utterance == .silence ? [] : [.say(step.utterance)]
    }

    private mutating func done(now: Moment) -> [Output] {
        let wasRepeated = course.times > 1 || course.busySince != nil
        let settle = max(step.settle, wasRepeated ? Self.lateReplies : .zero)
        // Behind a prompt nothing is late any more: the tunnel is open.
        guard settle > .zero, !step.ends.contains(.prompt) else { return goOn(now: now) }
        phase = .settling(until: now + settle)
        return []
    }

    private mutating func goOn(now: Moment) -> [Output] {
        guard index + 1 < script.steps.count else {
            phase = .over
            return [.finished]
        }
        index += 1
        course = Course()
        return say(now: now)
    }

    private mutating func fail(_ failure: LinkFailure) -> [Output] {
        phase = .over
        return [.failed(failure)]
    }
}
