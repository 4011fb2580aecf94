import Glibc

/// Waits for SIGINT, SIGTERM and SIGHUP on a thread of its own.
///
/// Made before any other thread, so that all of them inherit the blocked signals.
final class StopSignals {
    private var signals = sigset_t()

    init() {
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Runs `action` when one of the signals comes.
    func onStop(_ action: @escaping @Sendable () -> Void) {
        let waiter = Unmanaged.passRetained(Waiter(signals: signals, action: action))
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Waiter>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, waiter.toOpaque())
        pthread_detach(thread)
    }

    private final class Waiter {
        private var signals: sigset_t
        private let action: @Sendable () -> Void

        init(signals: sigset_t, action: @escaping @Sendable () -> Void) {
            self.signals = signals
            self.action = action
        }

        func run() {
            var number: Int32 = 0
            while sigwait(&signals, &number) != 0 {}
            action()
        }
    }
}
