import BridgeCore
import ModemSimulator

/// An adapter with a bad plug: while it flaps it is gone just after each CONNECT, and back at once.
struct FlappingPort {
    /// Time enough for CONNECT to arrive, and too little for a session.
    private static let connectArrives = Duration.milliseconds(400)
    private static let away = Duration.milliseconds(300)

    var flaps = false
    private var next: (at: Moment, order: ModemOrder)?

    var deadline: Moment? { next?.at }

    mutating func connectSent(now: Moment) {
        if flaps, next == nil { next = (now + Self.connectArrives, .hangUp) }
    }

    /// What is to be done to the adapter now.
    mutating func take(now: Moment) -> ModemOrder? {
        guard let due = next, due.at <= now else { return nil }
        next = due.order == .hangUp ? (now + Self.away, .replug) : nil
        return due.order
    }
}
