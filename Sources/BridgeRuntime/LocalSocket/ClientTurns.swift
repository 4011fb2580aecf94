import BridgeCore
import DequeModule
import NIOCore

/// Turns of clients that have sent more requests than are answered in one go: nobody else, and neither the serial line, waits for
/// all of them. Lives on the event loop.
final class ClientTurns {
    /// How long a client's requests are carried out before others have a turn.
    static let length = Duration.milliseconds(1)
    /// Between two turns: NIO looks for input only when no task is due, and what goes out is written meanwhile.
    private static let pause = TimeAmount.microseconds(250)

    private let eventLoop: any EventLoop
    private var waiting: Deque<() -> Void> = []
    private var isDue = false

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Calls `turn` when those before have had theirs.
    func wait(_ turn: @escaping () -> Void) {
        waiting.append(turn)
        next()
    }

    private func next() {
        guard !isDue, !waiting.isEmpty else { return }
        isDue = true
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.pause) {
            me.value.isDue = false
            me.value.waiting.popFirst()?()
            me.value.next()
        }
    }
}
