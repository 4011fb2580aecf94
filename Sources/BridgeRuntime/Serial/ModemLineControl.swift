import BridgeCore
import CSystemd
import Glibc

/// Sets the lines of a port that is open; the kernel does, and in tests a list, because a pseudo-terminal has none.
public protocol ModemLineControl {
    /// - Returns: 0, or an `errno`.
    func set(_ lines: ModemLines, asserted: Bool, on descriptor: CInt) -> CInt
}

/// TIOCMBIS and TIOCMBIC.
public struct KernelModemLines: ModemLineControl {
    public init() {}

    public func set(_ lines: ModemLines, asserted: Bool, on descriptor: CInt) -> CInt {
        csystemd_tty_set_lines(descriptor, lines.contains(.dtr), lines.contains(.rts), asserted) == 0 ? 0 : errno
    }
}
