import Glibc

/// A block of lines on a terminal that is drawn anew in its place. It touches no line but its own.
struct ScreenBlock {
    /// Rows that the block takes up now.
    private var height = 0

    /// The bytes that put `text` in the place of what was drawn before; the cursor stands below it afterwards.
    ///
    /// A line longer than the terminal is wide would wrap and upset the count, and a block higher than the terminal could
    /// not be reached by the cursor: both are cut.
    mutating func drawing(_ text: String, columns: Int, rows: Int) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .prefix(max(1, rows - 1)).map { $0.prefix(max(1, columns)) }
        var output = height > 0 ? "\u{1B}[\(height)A" : ""
        for line in lines { output += "\r\u{1B}[K\(line)\n" }
        let surplus = height - lines.count
        if surplus > 0 {
            for _ in 0..<surplus { output += "\r\u{1B}[K\n" }
            output += "\u{1B}[\(surplus)A"
        }
        height = lines.count
        return output
    }

    /// Columns and rows of the terminal, or the usual ones when it does not say (ioctl_tty(2), TIOCGWINSZ).
    static var terminalSize: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
