import Glibc

/// A line on the terminal that says how far a long publish has got; silent elsewhere, and for a few messages.
struct Progress {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var stands = false

    mutating func show(answered: Int, settled: Int, total: Int) {
        guard isTerminal, total >= 20 else { return }
        Standard.write("\r\u{1B}[K\(answered) of \(total) answered, \(settled) done", to: STDERR_FILENO)
        stands = true
    }

    /// Makes room for another line.
    mutating func clear() {
        guard stands else { return }
        Standard.write("\r\u{1B}[K", to: STDERR_FILENO)
        stands = false
    }

    mutating func finish() { clear() }
}
