@testable import BridgeCore

/// Plays a transcript against an ``Examination`` in virtual time, as ``TranscriptPlayer`` does against a ``ModemLink``.
///
/// `=` is `ok AT`, `FAIL baud` and the like, `speed 9600`, or `end good`. The transcript may end in the middle.
struct ExaminationPlayer {
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    private var examination: Examination
    private var now = Moment(nanoseconds: 1_000_000_000)
    private var sent: [UInt8] = []
    private var outcomes: [String] = []
    private(set) var checkups: [Checkup] = []
    private let dripFeeds: Bool

    init(dripFeeds: Bool = false) {
        self.dripFeeds = dripFeeds
        examination = Examination(settings: .workshop)
        take(examination.begun(now: now))
    }

    mutating func play(_ transcript: Transcript) throws {
        for (index, entry) in transcript.entries.enumerated() {
            guard try play(entry) else {
                throw Mismatch(
                    description: "entry \(index + 1), \(entry): sent \(Transcript.Entry.toModem(sent)), \(outcomes)")
            }
        }
    }

    private mutating func play(_ entry: Transcript.Entry) throws -> Bool {
        switch entry {
        case .comment, .order: return true
        case .toModem(let bytes):
            while sent.isEmpty, step() {}
            guard sent.starts(with: bytes) else { return false }
            sent.removeFirst(bytes.count)
        case .fromModem(let bytes):
            guard sent.isEmpty else { return false }
            for piece in dripFeeds ? bytes.map({ [$0] }) : [bytes] { take(examination.received(piece[...], now: now)) }
        case .pause(let duration):
            let end = now + duration
            while let deadline = examination.deadline, deadline <= end, step() { sent = [] }
            now = max(now, end)
        case .outcome(let outcome):
            while outcomes.isEmpty, sent.isEmpty, step() {}
            guard outcomes.first == outcome else { return false }
            outcomes.removeFirst()
        }
        return true
    }

    private mutating func step() -> Bool {
        guard let deadline = examination.deadline else { return false }
        now = max(now, deadline)
        take(examination.timerFired(now: now))
        return true
    }

    private mutating func take(_ effects: [Examination.Effect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes): sent += bytes
            case .setSpeed(let baud): outcomes.append("speed \(baud)")
            case .checked(let checkup):
                checkups.append(checkup)
                outcomes.append("\(checkup.result.rawValue) \(checkup.rung.rawValue)")
            case .finished(let isGood): outcomes.append("end \(isGood ? "good" : "bad")")
            }
        }
    }
}
