import DequeModule

/// Gives a machine its inputs one after the other: one that comes while the effects of another are being carried out
/// waits its turn.
final class InputQueue<Input> {
    private var waiting: Deque<Input> = []
    private var isRunning = false

    /// - Parameter handle: decides on an input, carries all its effects out, and sets the timer anew.
    func take(_ input: Input, _ handle: (Input) -> Void) {
        waiting.append(input)
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        while let next = waiting.popFirst() { handle(next) }
    }
}
