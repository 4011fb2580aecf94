import BridgeCore
import Logging

/// The lines about the link: one for each change, a repeated failure counted and not repeated.
///
/// An outage is a line when it begins, one for each new reason, and one when it ends, with its
/// length, its attempts and what waited.
struct LinkJournal {
    private struct Outage {
        var began: Moment
        var attempts = 0
        var lastReason: String?
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

    /// An attempt, or the session that came of it, failed at `rung`.
    mutating func failed(_ failure: LinkFailure, at rung: Rung, waiting: Int64, wait: Duration, now: Moment) {
        var current = outage ?? Outage(began: now)
        current.attempts += 1
        let isNew = current.lastReason != failure.word
        let isFirst = outage == nil
        current.lastReason = failure.word
        outage = current
        let fields: Logger.Metadata = [
            "rung": "\(rung.rawValue)", "reason": "\(failure.word)", "attempt": "\(current.attempts)",
            "queue-depth": "\(waiting)",
        ]
        let sentence = "\(failure) \(failure.advice)"
        if isFirst, wasOnline {
            logger.event(
                .linkLost, level: .warning, "link lost. \(sentence) Next attempt in \(wait.spoken).", fields)
        } else if isNew {
            logger.event(
                .linkReason, level: level(of: failure),
                "not online, failed at \(rung.rawValue). \(sentence) Next attempt in \(wait.spoken).", fields)
        } else {
            logger.event(
                .linkReason, level: .debug,
                "attempt \(current.attempts) failed as before. \(failure) Next attempt in \(wait.spoken).", fields)
        }
    }

    /// The port cannot be used.
    mutating func lacksPort(_ failure: LinkFailure, now: Moment) {
        var current = outage ?? Outage(began: now)
        defer { outage = current }
        guard current.lastReason != failure.word else { return }
        current.lastReason = failure.word
        logger.event(
            .portTrouble, level: .error, "\(failure) \(failure.advice) It is opened as soon as it can be.",
            ["rung": "no-port", "reason": "\(failure.word)"])
    }

    /// The link is online.
    mutating func online(waiting: Int64, now: Moment) {
        let fields: Logger.Metadata = ["rung": "online", "queue-depth": "\(waiting)"]
        if let outage {
            logger.event(
                .linkOnline, level: .notice,
                "online\(wasOnline ? " again" : "") after \((now - outage.began).spoken) without service: "
                    + "\(outage.attempts) failed attempt\(outage.attempts == 1 ? "" : "s"), \(waiting) waiting",
                fields.merging(["attempt": "\(outage.attempts)"]) { $1 })
        } else {
            logger.event(.linkOnline, level: .notice, "online, \(waiting) waiting", fields)
        }
        outage = nil
        wasOnline = true
    }

    private func level(of failure: LinkFailure) -> Logger.Level {
        failure.patience == .needsPerson ? .error : .warning
    }
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
