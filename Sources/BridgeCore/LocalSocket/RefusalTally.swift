/// Which refusals stand in the journal: the first of a kind at once, those that follow as a number now and then.
///
/// A program that goes on offering messages to a full outbox would otherwise write a line for each.
public struct RefusalTally: Sendable {
    private var counts: [RequestError: Int] = [:]

    public init() {}

    /// A message was refused; true when that is to be said.
    public mutating func refused(_ error: RequestError) -> Bool {
        defer { counts[error, default: -1] += 1 }
        return counts[error] == nil
    }

    /// What was refused beside what was said since the last call, to be said now. A kind that did not occur is news again.
    public mutating func takeCounts() -> [(error: RequestError, messages: Int)] {
        defer { counts = counts.filter { $0.value > 0 }.mapValues { _ in 0 } }
        return counts.filter { $0.value > 0 }.map { ($0.key, $0.value) }.sorted {
            $0.error.rawValue < $1.error.rawValue
        }
    }
}
