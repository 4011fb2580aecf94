import BridgeCore

/// The way between module and peers: how long segments take, and how many are lost.
///
/// TCP corrupts and reorders nothing: a lost segment is sent again, after 1 s, 2 s and 4 s as lwIP in this firmware does
/// it, and all behind it waits. After the third time in vain the connection is given up.
struct NetworkWeather {
    /// Round trips are drawn from this range, one way half of it.
    var roundTrip: ClosedRange<Duration> = .zero ... .zero
    /// Segments of a hundred that are lost.
    var lossPercent = 0

    private static let retransmissions: [Duration] = [.seconds(1), .seconds(3), .seconds(7)]

    enum Parcel {
        case toPeer(SimulatedModem.Effect)
        case toModem(SimulatedModem.Input)
    }

    private struct Held {
        var due: Moment
        var connection: SimulatedModem.ConnectionID
        var goesToPeer: Bool
        var parcel: Parcel
    }

    private var held: [Held] = []
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed ^ 0x5EED) }

    var isFair: Bool { roundTrip.upperBound == .zero && lossPercent == 0 }

    var deadline: Moment? { held.earliest { $0.due } }

    /// Sends something on its way; what arrives at once is returned.
    mutating func carry(_ parcel: Parcel, of connection: SimulatedModem.ConnectionID, now: Moment) -> [Parcel] {
        var goesToPeer = false
        if case .toPeer = parcel { goesToPeer = true }
        let before = held.last { $0.connection == connection && $0.goesToPeer == goesToPeer }
        guard !isFair || before != nil else { return [parcel] }
        var due = now + .nanoseconds(random.duration(in: roundTrip).inNanoseconds / 2)
        var parcel = parcel
        if let delay = retransmission() {
            due = due + delay
        } else {
            // Not even the last retransmission came through.
            due = due + .seconds(7)
            parcel = .toModem(.ended(connection))
        }
        held.append(
            Held(
                due: max(due, before?.due ?? due), connection: connection, goesToPeer: goesToPeer, parcel: parcel))
        return []
    }

    /// What has arrived by now, in order.
    mutating func arrived(_ now: Moment) -> [Parcel] {
        let due = held.filter { $0.due <= now }.sorted { $0.due < $1.due }
        held.removeAll { $0.due <= now }
        return due.map(\.parcel)
    }

    /// The connection is no more; nothing of it arrives.
    mutating func forget(_ connection: SimulatedModem.ConnectionID) {
        held.removeAll { $0.connection == connection }
    }

    /// How long the losses of one segment keep it; nil when it never comes through.
    private mutating func retransmission() -> Duration? {
        guard lossPercent > 0 else { return .zero }
        for delay in [.zero] + Self.retransmissions where Int.random(in: 0..<100, using: &random) >= lossPercent {
            return delay
        }
        return nil
    }
}
