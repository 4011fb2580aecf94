import Foundation
import Glibc

/// A UART that the kernel drives, in its own loop (MCR bit 4 of a 16550A, TIOCM_LOOP): what is sent is received, DTR is
/// read as DSR and RTS as CTS, and nothing leaves the chip.
///
/// Only where `ESPBRIDGED_UART` names one that nobody uses: the loop takes it away from whoever does, and its outputs drop.
/// `.ci/run` names the one of a throwaway machine.
public final class LoopedUART {
    public let path: String

    /// The UART to be used, if there is one.
    public static var path: String? {
        ProcessInfo.processInfo.environment["ESPBRIDGED_UART"].flatMap { $0.isEmpty ? nil : $0 }
    }

    public struct Failure: Error {
        public let code: CInt
    }

    private var descriptor: CInt

    public init() throws {
        path = Self.path ?? ""
        descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        var settings = termios()
        tcgetattr(descriptor, &settings)
        // A last close that let DTR and RTS drop would end the loop, too.
        settings.c_cflag = settings.c_cflag & ~tcflag_t(HUPCL) | tcflag_t(CLOCAL)
        settings.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else { throw Failure(code: errno) }
        try Self.setLoop(true, descriptor)
    }

    /// Releases both outputs.
    public func release() {
        var lines = CInt(TIOCM_DTR | TIOCM_RTS)
        _ = ioctl(descriptor, UInt(TIOCMBIC), &lines)
    }

    /// Closes it, the loop stays: for a daemon, which takes no port that another process has open.
    public func letGo() {
        close(descriptor)
        descriptor = -1
    }

    deinit {
        if descriptor < 0 { descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
        try? Self.setLoop(false, descriptor)
        close(descriptor)
    }

    private static func setLoop(_ isOn: Bool, _ descriptor: CInt) throws {
        var lines: CInt = 0x8000  // TIOCM_LOOP, asm-generic/termios.h
        guard ioctl(descriptor, UInt(isOn ? TIOCMBIS : TIOCMBIC), &lines) == 0 else { throw Failure(code: errno) }
    }

    /// The outputs as they come back: DTR, RTS. On the descriptor that is open, because each open(2) asserts both.
    public func lines() throws -> [Bool] {
        var lines: CInt = 0
        guard ioctl(descriptor, UInt(TIOCMGET), &lines) == 0 else { throw Failure(code: errno) }
        return [lines & CInt(TIOCM_DSR) != 0, lines & CInt(TIOCM_CTS) != 0]
    }
}
