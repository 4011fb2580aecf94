/// What stands in the journal of things that come by the hundred: the first of a kind at once, those that follow as a number
/// now and then.
struct RecurringNews<Kind: Hashable> {
    private var counts: [Kind: Int] = [:]

    /// It happened; true when that is to be said.
    mutating func isNews(_ kind: Kind) -> Bool {
        defer { counts[kind, default: -1] += 1 }
        return counts[kind] == nil
    }

    /// What happened beside what was said since the last call, to be said now. A kind that did not occur is news again.
    mutating func takeCounts() -> [(kind: Kind, times: Int)] {
        defer { counts = counts.filter { $0.value > 0 }.mapValues { _ in 0 } }
        return counts.filter { $0.value > 0 }.map { ($0.key, $0.value) }.sorted { "\($0.kind)" < "\($1.kind)" }
    }
}
