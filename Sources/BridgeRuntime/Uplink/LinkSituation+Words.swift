import BridgeCore
import Logging

/// The situation in words: for `systemctl status`, `espbridged why` and the fields of the journal.
extension LinkSituation {
    /// The ladder in one line, for `systemctl status`.
    func line(waiting: Int64) -> String {
        let queue = waiting == 0 ? "" : " (\(waiting) waiting)"
        switch state {
        case .online: return "online since \(since.text)\(queue)"
        case .backoff:
            let rung = failedRung.map { " at \($0.rawValue)" } ?? ""
            let reason = failure.map { ": \($0)" } ?? ""
            let next = nextAttempt.map { "; next attempt \($0.text)" } ?? ""
            return "backoff\(rung)\(reason)\(next)\(queue)"
        case .noPort: return "no-port" + (failure.map { ": \($0)" } ?? "") + queue
        default: return state.rawValue + (failure.map { "; last failure: \($0)" } ?? "") + queue
        }
    }

    /// One paragraph: the lowest rung that fails, since when, why, and what to do about it.
    ///
    /// Points of time rather than lengths, so that it stays true while it is looked at.
    func explanation(waiting: Int64) -> String {
        ([standing] + [queue(waiting)].compactMap(\.self)).joined(separator: " ")
    }

    private var standing: String {
        switch state {
        case .online: return "Online since \(since.text)."
        case .stopping: return "Not online: the daemon is stopping."
        default: break
        }
        let since = offlineSince.map { " since \($0.text)" } ?? ""
        guard let failure else {
            return "Not online yet: the link has been on its way up\(since) and stands at \(state.rawValue)."
        }
        if isPastFailure, let failedRung {
            return "Not online\(since): the link is on its way up and stands at \(state.rawValue). "
                + "Before, it failed at \(failedRung.rawValue): \(failure)"
        }
        let sentences = ["Not online\(since): \(place).", "\(failure)", failure.advice, prospect]
        return sentences.joined(separator: " ")
    }

    /// Whether an attempt has got further than the last one.
    private var isPastFailure: Bool { state.isStep && failedRung.map { $0 < state } ?? false }

    private var place: String {
        let since = failingSince.map { " since \($0.text)" } ?? ""
        if failure == .settingsChanged { return "the session that was up was ended" }
        switch failedRung {
        case .online: return "the session that was up has ended"
        case let rung?: return "it fails at \(rung.rawValue)\(since)"
        case nil: return "it fails\(since)"
        }
    }

    private var prospect: String {
        guard failedAttempts > 0 || state == .noPort else {
            return nextAttempt.map { "The next attempt begins at \($0.text)." }
                ?? "An attempt stands at \(state.rawValue)."
        }
        let failed = failedAttempts == 1 ? "1 attempt has failed" : "\(failedAttempts) attempts have failed"
        switch state {
        case .noPort: return "The port is opened as soon as it can be."
        case .backoff: return nextAttempt.map { "\(failed), the next one begins at \($0.text)." } ?? "\(failed)."
        default: return "\(failed), another one stands at \(state.rawValue)."
        }
    }

    private func queue(_ waiting: Int64) -> String? {
        switch waiting {
        case 0: nil
        case 1: "1 message waits."
        default: "\(waiting) messages wait."
        }
    }

    /// The figures that belong to a line of the journal about the link.
    var figures: Logger.Metadata {
        var fields: Logger.Metadata = [:]
        if let signal { fields["rssi"] = "\(signal)" }
        if let roundTrip = pingRoundTrip ?? signInRoundTrip { fields["rtt-ms"] = "\(roundTrip.inMilliseconds)" }
        return fields
    }
}
