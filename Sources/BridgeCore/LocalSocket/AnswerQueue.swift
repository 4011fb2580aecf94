import DequeModule

/// Keeps one client's answers in the order of its requests, whatever order they come in.
///
/// Each request takes a ticket. Its first line is its answer and is held until all earlier
/// requests have theirs; further lines about it follow the answer and wait for nothing else.
public struct AnswerQueue: Sendable {
    public struct Ticket: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct Slot {
        var bytes: [UInt8] = []
        var isAnswered = false
    }

    private var slots: Deque<Slot> = []
    /// Bytes of answers that wait for earlier ones.
    public private(set) var heldBytes = 0
    /// Number of the first slot.
    private var first = 0

    public init() {}

    /// Whether every request has its answer.
    public var isEmpty: Bool { slots.isEmpty }

    /// Requests whose answer is held or still to come.
    public var count: Int { slots.count }

    /// A request came.
    public mutating func open() -> Ticket {
        defer { slots.append(Slot()) }
        return Ticket(number: first + slots.count)
    }

    /// A line about a request came; returns what can be written now.
    public mutating func add(_ line: [UInt8], to ticket: Ticket) -> [UInt8] {
        let place = ticket.number - first
        guard place >= 0 else { return line }
        precondition(place < slots.count, "a ticket of another queue")
        slots[place].bytes += line
        slots[place].isAnswered = true
        heldBytes += line.count
        guard place == 0 else { return [] }
        var ready: [UInt8] = []
        while let slot = slots.first, slot.isAnswered {
            ready += slot.bytes
            slots.removeFirst()
            first += 1
        }
        heldBytes -= ready.count
        return ready
    }
}
