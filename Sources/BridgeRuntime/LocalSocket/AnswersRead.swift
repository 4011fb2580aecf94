/// Up to which receipt a program has read its answers, as far as the kernel's empty buffers prove it.
struct AnswersRead {
    /// The highest receipt given.
    private var given: Int64 = 0
    /// The highest one when all answers up to it had been written.
    private var sent: Int64 = 0
    private var read: Int64 = 0
    private var isComplete = false

    /// Nil when all answers have been read; else the receipt up to which they have, or 0.
    var settled: Int64? { isComplete ? nil : read }

    mutating func answers(_ receipt: Int64) { given = max(given, receipt) }

    /// Nothing of what was written waits to be read.
    mutating func readAll() { read = sent }

    /// All that was answered is being written.
    mutating func written() { sent = given }

    /// The program closed the connection, and nothing was left in it.
    mutating func ended() { isComplete = true }
}
