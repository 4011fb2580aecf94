import BridgeCore

/// What goes wrong between platform and device, by order.
struct CloudTrouble: Sendable {
    /// Messages to the device that are lost from now on.
    var losses = 0
    /// How late everything that is sent arrives.
    var delay = Duration.zero
    /// What is sent comes in pieces of so many bytes, 5 ms apart; 0 is whole.
    var pieces = 0
    /// The next message of QoS 1 is sent twice, the second time with DUP.
    var repeatsNext = false

    private struct Held {
        var due: Moment
        var connection: Int
        var bytes: [UInt8]
    }

    private static let gap = Duration.milliseconds(5)
    private var held: [Held] = []

    var deadline: Moment? { held.earliest { $0.due } }

    /// Whether a message to the device is lost.
    mutating func loses() -> Bool {
        guard losses > 0 else { return false }
        losses -= 1
        return true
    }

    /// Sends bytes; what goes out at once is returned.
    mutating func send(_ bytes: [UInt8], on connection: Int, now: Moment) -> [UInt8] {
        let last = held.last { $0.connection == connection }?.due
        guard delay > .zero || pieces > 0 || last != nil else { return bytes }
        var due = max(now + delay, last.map { $0 + Self.gap } ?? .zero)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(pieces > 0 ? pieces : rest.count)
            rest = rest.dropFirst(piece.count)
            held.append(Held(due: due, connection: connection, bytes: Array(piece)))
            due = due + Self.gap
        }
        return []
    }

    /// What arrives now.
    mutating func arrived(_ now: Moment) -> [(connection: Int, bytes: [UInt8])] {
        let due = held.filter { $0.due <= now }
        held.removeAll { $0.due <= now }
        return due.map { ($0.connection, $0.bytes) }
    }

    mutating func forget(_ connection: Int) { held.removeAll { $0.connection == connection } }
}
