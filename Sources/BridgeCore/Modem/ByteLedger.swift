import DequeModule

/// What was written to a line that takes bytes in its own time, in order, with what is to be remembered of each write.
public struct ByteLedger<Item> {
    private var entries: Deque<(left: Int, item: Item)> = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// The oldest write that has not left wholly.
    public var first: Item? { entries.first?.item }

    /// So many bytes were written.
    public mutating func wrote(_ count: Int, _ item: Item) { entries.append((count, item)) }

    /// So many bytes have left: the write that left wholly with them, if it was one, and how many are left for others.
    ///
    /// Ask again while there is an answer; what is done about one write may change what is known of the next.
    public mutating func left(_ count: inout Int) -> Item? {
        guard let first = entries.first else { return nil }
        let part = min(count, first.left)
        count -= part
        entries[0].left -= part
        return entries[0].left == 0 ? entries.removeFirst().item : nil
    }

    /// Changes what is remembered of each write.
    public mutating func update(_ change: (inout Item) -> Void) {
        for index in entries.indices { change(&entries[index].item) }
    }

    /// The end: what never left.
    public mutating func removeAll() -> [Item] {
        defer { entries = [] }
        return entries.map(\.item)
    }
}

extension ByteLedger: Sendable where Item: Sendable {}
