import DequeModule

/// How far a line holds bytes back (RTS and CTS): it takes them as fast as its buffers empty, and what it took may stand there
/// for long.
struct LineHold: Equatable {
    /// A write that was taken so much later than by the line's speed was held back; less is the host's own delay.
    private static let least = Duration.milliseconds(50)
    /// Bytes that the kernel's ring (4,096) and the module (twice 2,920) can hold. They are taken in no time when the module
    /// has just freed a buffer, so only when so many were taken in time is nothing held any more.
    private static let buffers = 4096 + 2 * 2920
    /// In the time by which a piece of 1,024 bytes is late at the most, at least so many bytes leave the module; behind the
    /// line stand no more than 16 times as many, a pseudo-terminal's 8 KiB included.
    private static let piecesHeld = 16
    private static let longestPatience = Duration.seconds(60)

    /// The latest write since the line last kept pace.
    private(set) var late = Duration.zero
    /// Bytes that were taken in time since.
    private var keptPace = 0
    /// Bytes that the line ever took.
    var taken = 0
    /// Where in ``taken`` messages of QoS 0 end that may still stand in the port.
    private(set) var messageEnds: Deque<Int> = []

    /// Whether something may stand in the buffers now.
    var isFelt: Bool { late > .zero }

    /// How much longer an answer may take, because what it answers stands in the buffers.
    var patience: Duration { min(late * Self.piecesHeld, Self.longestPatience) }

    /// The line took a write of so many bytes.
    mutating func took(_ bytes: Int, late: Duration) {
        if late > Self.least {
            self.late = max(self.late, late)
            keptPace = 0
        } else {
            keptPace += bytes
            if keptPace > Self.buffers { self.late = .zero }
        }
    }

    /// A message of QoS 0 ended so many bytes behind ``taken``.
    mutating func endsMessage(after bytes: Int) { messageEnds.append(taken + bytes) }

    /// The first of ``messageEnds`` has left the port.
    mutating func messageLeft() { messageEnds.removeFirst() }

    /// The server has answered everything, so nothing stands anywhere.
    mutating func allAnswered() { late = .zero }
}
