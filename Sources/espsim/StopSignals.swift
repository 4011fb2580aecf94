import Dispatch
import Glibc

/// SIGINT, SIGTERM and SIGHUP as events, whatever threads there are, so that the program can clean up behind itself.
final class StopSignals {
    private var sources: [any DispatchSourceSignal] = []
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]

    init() {
        // The events come all the same, and the default would end the process.
        for number in Self.numbers + [SIGPIPE] { signal(number, SIG_IGN) }
    }

    /// Runs `action` when one of the signals comes.
    func onStop(_ action: @escaping @Sendable () -> Void) {
        sources = Self.numbers.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: action)
            source.resume()
            return source
        }
    }
}
