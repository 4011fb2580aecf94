/// The doctor's part below TCP: what is on the line, and how far the modem gets.
///
/// Feed it what happened, carry out the effects in order, and set one timer to ``deadline`` after each input. It leaves the
/// modem in command mode, joined.
public struct Examination: Sendable {
    public enum Effect: Equatable, Sendable {
        case send([UInt8])
        /// The line has to run at another speed from now on.
        case setSpeed(Int)
        case checked(Checkup)
        /// The end; whether TCP is worth a try.
        case finished(isGood: Bool)
    }

    private enum Stage: Sendable {
        case line(LineExamination)
        case modem(ModemSurvey)
        case over
    }

    private let settings: ModemLink.Settings
    private var stage: Stage

    public init(settings: ModemLink.Settings) {
        self.settings = settings
        stage = .line(LineExamination(baud: settings.baud))
    }

    public var deadline: Moment? {
        switch stage {
        case .line(let line): line.deadline
        case .modem(let survey): survey.deadline
        case .over: nil
        }
    }

    public mutating func begun(now: Moment) -> [Effect] {
        input(now: now, { $0.begun(now: $1) }, { $0.begun(now: $1) })
    }

    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        input(now: now, { $0.received(bytes, now: $1) }, { $0.received(bytes, now: $1) })
    }

    public mutating func timerFired(now: Moment) -> [Effect] {
        input(now: now, { $0.timerFired(now: $1) }, { $0.timerFired(now: $1) })
    }

    private mutating func input(
        now: Moment, _ line: (inout LineExamination, Moment) -> [LineExamination.Effect],
        _ modem: (inout ModemSurvey, Moment) -> [ModemSurvey.Effect]
    ) -> [Effect] {
        switch stage {
        case .over: return []
        case .line(var machine):
            let effects = line(&machine, now)
            stage = .line(machine)
            return effects.flatMap { carry($0, now: now) }
        case .modem(var machine):
            let effects = modem(&machine, now)
            stage = .modem(machine)
            return effects.map { carry($0) }
        }
    }

    private mutating func carry(_ effect: LineExamination.Effect, now: Moment) -> [Effect] {
        switch effect {
        case .send(let bytes): return [.send(bytes)]
        case .setSpeed(let baud): return [.setSpeed(baud)]
        case .found(let finding):
            let checkups = finding.checkups(configured: settings.baud)
            let said = checkups.map(Effect.checked)
            guard checkups.allSatisfy({ $0.result == .good }) else {
                stage = .over
                return said + [.finished(isGood: false)]
            }
            var survey = ModemSurvey(settings: settings)
            let effects = survey.begun(now: now)
            stage = .modem(survey)
            return said + effects.map { carry($0) }
        }
    }

    private mutating func carry(_ effect: ModemSurvey.Effect) -> Effect {
        switch effect {
        case .send(let bytes): return .send(bytes)
        case .checked(let checkup): return .checked(checkup)
        case .finished, .failed:
            stage = .over
            return .finished(isGood: effect == .finished)
        }
    }
}
