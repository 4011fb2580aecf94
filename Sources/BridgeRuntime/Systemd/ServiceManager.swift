import CSystemd
import Glibc

/// What the service manager is told and asked: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
///
/// Nothing waits for a manager that does not read: what it has no room for is left out, and the next line takes its place.
/// Every call does nothing when the daemon was not started by a service manager.
public struct ServiceManager: Sendable {
    public init() {}

    /// The outbox and the socket are open.
    public func ready() { notify("READY=1") }

    /// The configuration is being read again; ``ready()`` ends it.
    public func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        notify("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    /// The daemon is going down.
    public func stopping() { notify("STOPPING=1") }

    /// One line for `systemctl status`.
    public func status(_ line: String) {
        notify("STATUS=" + line.map { $0 == "\n" ? " " : $0 })
    }

    /// The daemon makes progress.
    public func alive() { notify("WATCHDOG=1") }

    /// How often the manager wants to hear that the daemon is alive; nil when it does not ask.
    public var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// The listening Unix socket passed by `espbridged.socket`, if there is one.
    ///
    /// - Throws: ``SocketActivationError`` when what was passed is of another kind.
    public func passedSocket() throws -> CInt? {
        let count = sd_listen_fds(1)
        guard count > 0 else { return nil }
        let first = CInt(SD_LISTEN_FDS_START)
        guard count == 1, sd_is_socket_unix(first, Int32(SOCK_STREAM.rawValue), 1, nil, 0) > 0 else {
            throw SocketActivationError(count: Int(count))
        }
        return first
    }

    private func notify(_ text: some StringProtocol) {
        _ = csystemd_notify(String(text))
    }
}

/// systemd passed something other than one listening Unix stream socket.
public struct SocketActivationError: Error, CustomStringConvertible {
    var count: Int

    public var description: String {
        "systemd passed \(count) descriptors, but exactly one listening Unix stream socket is expected: "
            + "check ListenStream= in espbridged.socket"
    }
}
