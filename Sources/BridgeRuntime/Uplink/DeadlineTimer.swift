import BridgeCore
import NIOCore

/// The one timer of a machine: fires on the event loop at the machine's deadline, and is set anew after every input.
final class DeadlineTimer {
    private let eventLoop: any EventLoop
    private let fire: () -> Void
    private var scheduled: Scheduled<Void>?
    private(set) var deadline: Moment?

    init(eventLoop: any EventLoop, fire: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.fire = fire
    }

    /// Fires at `deadline`, or never when it is nil. What was set before no longer counts.
    func set(_ deadline: Moment?) {
        guard deadline != self.deadline else { return }
        scheduled?.cancel()
        scheduled = nil
        self.deadline = deadline
        guard let deadline else { return }
        scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: deadline.deadline) { [weak self] in
            guard let self else { return }
            self.scheduled = nil
            self.deadline = nil
            self.fire()
        }
    }
}
