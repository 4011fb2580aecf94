import Glibc
import Synchronization

/// A simulated modem at work on a thread of its own: on a pseudo-terminal, with real TCP connections.
public final class ModemHost: Sendable {
    /// How it is set up.
    public struct Options: Sendable {
        public var configuration = ModemConfiguration()
        /// Bits a second of the line; nil passes bytes as fast as they come.
        public var baud: Int? = 115_200
        /// A symbolic link to the terminal.
        public var link: String?
        /// A Unix socket for ``ModemOrder`` lines.
        public var controlPath: String?
        /// What goes wrong, counted from the start.
        public var scenario = Scenario()
        /// Takes the lines of the dialogue, passwords masked.
        public var trace: (@Sendable (String) -> Void)?
        /// Told the terminal's path whenever there is a new one after ``ModemOrder/replug``.
        public var announce: @Sendable (String) -> Void = { _ in }

        public init() {}
    }

    /// `/dev/pts/N`, as at the start; ``Options/link`` leads to the present one.
    public let path: String
    private let mailbox: OrderMailbox

    /// Opens the terminal and switches the module on.
    public init(_ options: Options) throws(SimulatorError) {
        var options = options
        if let baud = options.baud { options.configuration.flash.line.baud = baud }
        let mailbox = try OrderMailbox()
        let control = if let path = options.controlPath { try ControlServer(path: path) } else { nil as ControlServer? }
        let serial: SerialFace
        do throws(SimulatorError) {
            serial = try SerialFace(baud: options.baud, link: options.link)
        } catch {
            control?.close()
            throw error
        }
        path = serial.path ?? ""
        self.mailbox = mailbox
        let loop = ModemLoop(options: options, serial: serial, control: control, mailbox: mailbox)
        try Self.detach { loop.run() }
    }

    /// Gives an order, as a line of the control socket would.
    public func perform(_ order: ModemOrder) { mailbox.post(order) }

    /// Breaks something.
    public func strike(_ fault: Fault) { perform(.fault(fault)) }

    /// Ends the thread; the terminal, its link and the control socket are gone when this returns.
    public func stop() {
        perform(.stop)
        mailbox.waitUntilClosed()
    }

    /// Blocks until the simulator has ended.
    public func wait() { mailbox.waitUntilClosed() }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Runs the body on a thread of its own.
    private static func detach(_ run: @escaping () -> Void) throws(SimulatorError) {
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            body.release()
            throw .system("pthread_create", result)
        }
        pthread_detach(thread)
    }
}

/// Orders on their way from any thread to the loop.
final class OrderMailbox: Sendable {
    private struct Content {
        var orders: [ModemOrder] = []
        var isClosed = false
    }

    let readEnd: Int32
    private let writeEnd: Int32
    private let content = Mutex(Content())
    private let closed = OnceGate()

    init() throws(SimulatorError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .system("pipe", errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        Glibc.close(readEnd)
        Glibc.close(writeEnd)
    }

    func post(_ order: ModemOrder) {
        content.withLock { $0.orders.append(order) }
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
    }

    func take() -> [ModemOrder] {
        var bytes = [UInt8](repeating: 0, count: 256)
        _ = read(readEnd, &bytes, bytes.count)
        return content.withLock { content in
            defer { content.orders = [] }
            return content.orders
        }
    }

    func close() { closed.open() }

    func waitUntilClosed() { closed.wait() }
}

/// Opened once; whoever waits goes on then.
final class OnceGate: Sendable {
    private let readEnd: Int32
    private let isOpen: Mutex<Int32>

    init() {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        readEnd = ends[0]
        isOpen = Mutex(ends[1])
    }

    deinit {
        open()
        Glibc.close(readEnd)
    }

    /// Closing the last writer lets every reader see the end.
    func open() {
        isOpen.withLock { writeEnd in
            if writeEnd >= 0 { Glibc.close(writeEnd) }
            writeEnd = -1
        }
    }

    func wait() {
        var byte: UInt8 = 0
        while read(readEnd, &byte, 1) < 0, errno == EINTR {}
    }
}
