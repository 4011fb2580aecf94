import BridgeCore

/// One direction of a serial line in virtual time: bytes arrive 10 bit times each after they were written.
struct VirtualWire {
    /// How much line time arrives in one piece: well below the 20 ms that end a packet in transparent mode.
    private static let piece = Duration.milliseconds(8)

    /// Bits a second; nil for a line without a speed.
    var baud: Int?
    private var queue: [(due: Moment, bytes: [UInt8])] = []
    private var freeAt = Moment.zero

    init(baud: Int?) { self.baud = baud }

    var deadline: Moment? { queue.first?.due }
    var isIdle: Bool { queue.isEmpty }

    mutating func write(_ bytes: [UInt8], now: Moment) {
        guard let baud, baud > 0 else {
            queue.append((now, bytes))
            return
        }
        let perPiece = max(1, Int(Int64(baud) * Self.piece.inMilliseconds / 10_000))
        freeAt = max(freeAt, now)
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(perPiece)
            rest = rest.dropFirst(part.count)
            freeAt = freeAt + .nanoseconds(Int64(part.count) * 10_000_000_000 / Int64(baud))
            queue.append((freeAt, Array(part)))
        }
    }

    /// The next piece that has arrived.
    mutating func take(now: Moment) -> [UInt8]? {
        guard let first = queue.first, first.due <= now else { return nil }
        queue.removeFirst()
        return first.bytes
    }

    /// The line is gone, with all that was on it.
    mutating func cut() { queue = [] }
}
