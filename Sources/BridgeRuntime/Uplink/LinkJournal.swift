import BridgeCore
import Logging

/// The lines about the link: an outage is two lines however long it lasts.
///
/// One when it begins, with the reason; one when it ends, with its length, its attempts, their reasons and what
/// waited. Between them there is a line, of a higher level, only when a person is needed, and once for each such reason.
/// Everything else is counted; `espbridged why` and `STATUS=` say how it stands.
struct LinkJournal {
    private struct Outage {
        var began: Moment
        /// How often each reason came, in the order of their first time.
        var reasons: [(word: String, count: Int)] = []
        var told: Set<String> = []

        var attempts: Int { reasons.reduce(0) { $0 + $1.count } }

        mutating func count(_ failure: LinkFailure) {
            if let index = reasons.firstIndex(where: { $0.word == failure.word }) {
                reasons[index].count += 1
            } else {
                reasons.append((failure.word, 1))
            }
        }

        /// Notes that a person has been told; says whether that is new.
        mutating func tell(_ failure: LinkFailure) -> Bool {
            // An adapter that was unplugged is first lost and then missing.
            if case .portMissing = failure { told.insert(LinkFailure.portLost(path: "").word) }
            if case .portLost = failure { told.insert(LinkFailure.portMissing(path: "").word) }
            return told.insert(failure.word).inserted
        }
    }

    private let logger: Logger
    private var outage: Outage?
    private var wasOnline = false

    init(logger: Logger) { self.logger = logger }

    /// The link climbed. The first climb after the start is shown rung by rung, later ones in debug lines only.
    func climbed(_ rung: Rung) {
        let isFirstClimb = !wasOnline && (outage?.attempts ?? 0) == 0
        logger.event(
            .linkClimbing, level: isFirstClimb ? .info : .debug, "link: \(rung.rawValue)",
            ["rung": "\(rung.rawValue)"])
    }

    /// The next attempt has to wait for the limit of five CONNECTs a minute: one line where nothing else is said.
    func waitsForBudget(after failure: LinkFailure, wait: Duration) {
        logger.event(
            .linkReason, level: outage == nil ? .info : .debug,
            "\(failure) Next attempt in \(wait.spoken): after five CONNECTs in a minute, the platform's limit, there is a wait.",
            ["rung": "backoff", "reason": "\(failure.word)"])
    }

    /// An attempt, or the session that came of it, failed at `rung`.
    mutating func failed(
        _ failure: LinkFailure, at rung: Rung, waiting: Int64, wait: Duration, figures: Logger.Metadata = [:],
        now: Moment
    ) {
        let isFirst = outage == nil
        var current = outage ?? Outage(began: now)
        current.count(failure)
        let isNews = current.tell(failure)
        outage = current
        let fields: Logger.Metadata = [
            "rung": "\(rung.rawValue)", "reason": "\(failure.word)", "attempt": "\(current.attempts)",
            "queue-depth": "\(waiting)",
        ].merging(figures) { $1 }
        let sentence = "\(failure) \(failure.advice) Next attempt in \(wait.spoken)."
        if isFirst, wasOnline {
            logger.event(.linkLost, level: failure.level, "link lost. \(sentence)", fields)
        } else if isFirst {
            logger.event(
                .linkReason, level: failure.level, "not online, failed at \(rung.rawValue). \(sentence)", fields)
        } else if isNews, failure.needsPerson {
            logger.event(
                .personNeeded, level: .error,
                "not online until a person helps, failed at \(rung.rawValue). \(sentence)",
                fields)
        } else {
            logger.event(
                .linkReason, level: .debug,
                "attempt \(current.attempts) failed at \(rung.rawValue). \(failure) Next attempt in \(wait.spoken).",
                fields)
        }
    }

    /// The port cannot be used.
    mutating func lacksPort(_ failure: LinkFailure, now: Moment) {
        var current = outage ?? Outage(began: now)
        let isNews = current.tell(failure)
        outage = current
        guard isNews else { return }
        logger.event(
            .portTrouble, level: .error, "\(failure) \(failure.advice) It is opened as soon as it can be.",
            ["rung": "no-port", "reason": "\(failure.word)"])
    }

    /// The link is online.
    mutating func online(waiting: Int64, figures: Logger.Metadata = [:], now: Moment) {
        var fields: Logger.Metadata = ["rung": "online", "queue-depth": "\(waiting)"].merging(figures) { $1 }
        if let outage {
            let length = now - outage.began
            fields["attempt"] = "\(outage.attempts)"
            fields["outage-s"] = "\(length.inMilliseconds / 1000)"
            logger.event(
                .linkOnline, level: .notice,
                "online\(wasOnline ? " again" : "") after \(length.spoken) without service: \(account(of: outage)), "
                    + "\(waiting) waiting", fields)
        } else {
            logger.event(.linkOnline, level: .notice, "online, \(waiting) waiting", fields)
        }
        outage = nil
        wasOnline = true
    }

    /// `7 failed attempts (unreachable 5, refused 2)`
    private func account(of outage: Outage) -> String {
        let reasons = outage.reasons.map { "\($0.word) \($0.count)" }.joined(separator: ", ")
        let count = "\(outage.attempts) failed attempt\(outage.attempts == 1 ? "" : "s")"
        return outage.reasons.count > 1 ? "\(count) (\(reasons))" : count
    }
}

extension LinkFailure {
    /// Whether it stays as it is until somebody does something: a clock, too, that no server can be asked for the time of.
    fileprivate var needsPerson: Bool {
        patience == .needsPerson || patience == .aMinute || word.hasPrefix("port-")
    }

    fileprivate var level: Logger.Level { needsPerson ? .error : .warning }
}

extension Duration {
    /// For people: `350 ms`, `12 s`, `3 min 20 s`, `5 h 2 min`, `3 d 4 h`.
    var spoken: String {
        let seconds = inNanoseconds / 1_000_000_000
        switch seconds {
        case ..<1: return "\(max(0, inMilliseconds)) ms"
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}
