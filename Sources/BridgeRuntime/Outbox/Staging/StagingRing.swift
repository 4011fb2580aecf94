import DequeModule

/// Which blocks of the staging file are in use: batches stand there in the order in which they came, round and round.
struct StagingRing: Sendable {
    private let size: Int
    private var next = 0
    private var used: Deque<Batch> = []

    private struct Batch: Sendable {
        var blocks: Range<Int>
        /// The last message in it.
        var last: Int64
    }

    /// - Parameter size: blocks of the file.
    init(size: Int) { self.size = size }

    /// Whether messages should leave for the database soon.
    var isHalfFull: Bool { used.reduce(0) { $0 + $1.blocks.count } >= size / 2 }

    /// The first of as many blocks in a row that nothing is in; nil when there are none.
    ///
    /// - Parameter last: the last message that goes into them.
    mutating func reserve(_ count: Int, last: Int64) -> Int? {
        guard count <= size else { return nil }
        let start = next + count <= size ? next : 0
        let blocks = start..<(start + count)
        guard !used.contains(where: { $0.blocks.overlaps(blocks) }) else { return nil }
        used.append(Batch(blocks: blocks, last: last))
        next = blocks.upperBound
        return start
    }

    /// What is no later than that message is in the database.
    mutating func release(upTo sequence: Int64) {
        while let oldest = used.first, oldest.last <= sequence { used.removeFirst() }
    }
}
