import BridgeCore
import CSystemd
import Glibc

/// The serial port, raw, exclusive and locked, held as long as the daemon wants it.
///
/// Each attempt to bring the link up gets a duplicate of the descriptor (``duplicate()``), so that
/// the modem lines do not toggle between attempts and no close has to wait for output.
///
/// The lock is flock(2), which every process meets, and TIOCEXCL, which stops even an open(2) by
/// those who are not root. A pseudo-terminal gets no TIOCEXCL: the mark would outlive a killed
/// daemon for as long as the other side of the pty lives, and keep the next one out.
public struct SerialPort: ~Copyable {
    /// What the port is set to.
    public struct Settings: Equatable, Sendable {
        public var path: String
        /// Bits a second, 8N1.
        public var baud: Int
        /// RTS/CTS.
        public var hardwareFlowControl: Bool
        /// The line that is wired to the module's reset pin.
        public var resetLine: Configuration.Serial.ResetLine

        public init(
            path: String, baud: Int, hardwareFlowControl: Bool, resetLine: Configuration.Serial.ResetLine = .none
        ) {
            self.resetLine = resetLine
            self.path = path
            self.baud = baud
            self.hardwareFlowControl = hardwareFlowControl
        }
    }

    public let settings: Settings
    /// Whether the speed was changed on opening: bytes in transit are garbage for some 200 ms.
    public let speedChanged: Bool
    /// Why the module's reset line could not be released on opening.
    public let lineTrouble: String?
    private let descriptor: CInt
    private let lines: any ModemLineControl

    /// Opens, locks and sets the port, and releases the module's reset line where there is one.
    ///
    /// - Throws: one of the port cases of ``LinkFailure``, each with what a person needs to know.
    public init(_ settings: Settings, lines: any ModemLineControl = KernelModemLines()) throws(LinkFailure) {
        let path = settings.path
        try Self.leaveAlone(path)
        let descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path: path, code: errno) }
        do throws(LinkFailure) {
            speedChanged = try Self.take(descriptor, settings)
        } catch {
            close(descriptor)
            throw error
        }
        self.settings = settings
        self.descriptor = descriptor
        self.lines = lines
        lineTrouble = Self.set(Self.released(by: settings), asserted: false, on: descriptor, by: lines)
    }

    deinit {
        // Output that nobody takes would keep the last close of a UART waiting for up to 30 s.
        _ = csystemd_tty_flush(descriptor)
        close(descriptor)
    }

    /// A second descriptor for the same open port, for an attempt; the caller owns it.
    ///
    /// Releases the reset line once more: any program of root's may have opened the port meanwhile, if only to look what it
    /// is (ModemManager does), and each open(2) asserts both lines.
    public func duplicate() throws(LinkFailure) -> CInt {
        _ = Self.set(Self.released(by: settings), asserted: false, on: descriptor, by: lines)
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw Self.failure(path: settings.path, code: errno) }
        return copy
    }

    /// Sets another speed, or the configured one.
    ///
    /// - Returns: whether the driver took it.
    @discardableResult
    public func setSpeed(_ baud: Int) -> Bool {
        var changed = false
        return csystemd_tty_make_raw(descriptor, UInt32(baud), settings.hardwareFlowControl, &changed) == 0
    }

    /// Pulls the module's reset pin, or lets it go.
    ///
    /// - Returns: nil when it worked, else why not; a pseudo-terminal has no such lines.
    public func holdReset(_ isHeld: Bool) -> String? {
        Self.set(settings.resetLine.line, asserted: isHeld, on: descriptor, by: lines)
    }

    private static func released(by settings: Settings) -> ModemLines {
        settings.resetLine.releasedOnOpening(hardwareFlowControl: settings.hardwareFlowControl)
    }

    private static func set(
        _ wanted: ModemLines, asserted: Bool, on descriptor: CInt, by lines: any ModemLineControl
    ) -> String? {
        guard !wanted.isEmpty else { return nil }
        let code = lines.set(wanted, asserted: asserted, on: descriptor)
        return code == 0 ? nil : String(cString: strerror(code))
    }

    /// What the UART has counted; nil where nothing counts, as on a pseudo-terminal.
    public var lineErrors: LineErrors? {
        var counters = csystemd_tty_counters()
        return csystemd_tty_count_errors(descriptor, &counters) == 0 ? LineErrors(counters) : nil
    }

    /// Throws away what stands in the kernel's buffers in both directions.
    public func flush() {
        _ = csystemd_tty_flush(descriptor)
    }

    /// Whether the path still names the device that is open: false after an unplug or renumbering.
    public var isStillThere: Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && stat(settings.path, &named) == 0
            && opened.st_rdev == named.st_rdev && opened.st_ino == named.st_ino
    }

    /// Throws when another program is seen to have the UART, before an open(2) would reset the module under it.
    private static func leaveAlone(_ path: String) throws(LinkFailure) {
        var device = stat()
        guard stat(path, &device) == 0, device.st_mode & S_IFMT == S_IFCHR,
            csystemd_is_uart(UInt(device.st_rdev))
        else { return }
        let holders = PortHolders.of(device: UInt(device.st_rdev))
        guard holders.isEmpty else { throw .portHeld(path: path, holders: holders) }
    }

    private static func take(_ descriptor: CInt, _ settings: Settings) throws(LinkFailure) -> Bool {
        let path = settings.path
        guard isatty(descriptor) == 1 else { throw .portNotATerminal(path: path) }
        var device = stat()
        guard fstat(descriptor, &device) == 0 else { throw failure(path: path, code: errno) }

        let holders = PortHolders.of(device: UInt(device.st_rdev))
        guard holders.isEmpty else { throw .portHeld(path: path, holders: holders) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .portHeld(path: path, holders: []) : failure(path: path, code: errno)
        }
        if !csystemd_is_pseudo_terminal(UInt(device.st_rdev)), csystemd_tty_lock(descriptor) != 0 {
            throw failure(path: path, code: errno)
        }

        var changed = false
        guard
            csystemd_tty_make_raw(descriptor, UInt32(settings.baud), settings.hardwareFlowControl, &changed) == 0
        else { throw failure(path: path, code: errno) }
        _ = csystemd_tty_flush(descriptor)
        return changed
    }

    private static func failure(path: String, code: CInt) -> LinkFailure {
        switch code {
        case ENOENT, ENXIO, ENODEV, ENOTDIR:
            return .portMissing(path: path)
        case EACCES, EPERM:
            return .portNotPermitted(path: path, group: owningGroup(of: path))
        case EBUSY:
            var device = stat()
            let known = stat(path, &device) == 0
            return .portHeld(path: path, holders: known ? PortHolders.of(device: UInt(device.st_rdev)) : [])
        case ENOTTY:
            return .portNotATerminal(path: path)
        default:
            return .portUnusable(path: path, detail: String(cString: strerror(code)))
        }
    }

    /// The group that may read and write the device, when there is one.
    private static func owningGroup(of path: String) -> String? {
        var device = stat()
        guard stat(path, &device) == 0, device.st_mode & (S_IRGRP | S_IWGRP) == (S_IRGRP | S_IWGRP) else {
            return nil
        }
        guard let entry = getgrgid(device.st_gid), let name = entry.pointee.gr_name else { return nil }
        return String(cString: name)
    }
}
