import CSystemd

/// What the UART has counted since the driver was loaded (TIOCGICOUNT, ioctl_tty(2)).
public struct LineErrors: Equatable, Sendable {
    /// Bytes whose stop bit was missing: a wrong speed, or noise.
    public var framing: Int
    /// Bytes came faster than they were taken out of the UART.
    public var overruns: Int
    /// Bytes that came faster than the kernel's buffer was read.
    public var bufferOverruns: Int
    public var parity: Int
    /// Long low levels: a module in reset, or a wire that is off.
    public var breaks: Int
    /// Bytes came faster than the kernel's buffer was read.
    public var bufferOverruns: Int

    init(_ counters: csystemd_tty_counters) {
        framing = Int(counters.framing)
        overruns = Int(counters.overruns)
        bufferOverruns = Int(counters.buffer_overruns)
        parity = Int(counters.parity)
        breaks = Int(counters.breaks)
        bufferOverruns = Int(counters.buffer_overruns)
    }
}
