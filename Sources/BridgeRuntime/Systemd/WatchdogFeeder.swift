import NIOCore

/// Says twice per interval that the daemon lives, as long as event loop and serial side make progress.
///
/// That it runs at all shows that the event loop does. No outage of modem, Wi-Fi or cloud matters here.
final class WatchdogFeeder {
    private let task: RepeatedTask

    /// To be made on the event loop.
    ///
    /// - Parameter interval: how long the service manager waits (sd_watchdog_enabled(3)).
    init(
        every interval: Duration, eventLoop: any EventLoop, makesProgress: @escaping () -> Bool,
        alive: @escaping () -> Void
    ) {
        let calls = NIOLoopBound((makesProgress, alive), eventLoop: eventLoop)
        let half = TimeAmount.nanoseconds(interval.inNanoseconds / 2)
        task = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: half) { _ in
            let (makesProgress, alive) = calls.value
            if makesProgress() { alive() }
        }
    }

    func stop() { task.cancel() }
}
