import Glibc

/// A line on the terminal that says how far a long publish has got; silent elsewhere, and for a few messages.
struct Progress {
    private let total: Int
    private let isShown: Bool
    private var stands = false

    init(total: Int) {
        self.total = total
        isShown = total >= 20 && isatty(STDERR_FILENO) == 1
    }

    mutating func show(answered: Int, settled: Int) {
        guard isShown else { return }
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
