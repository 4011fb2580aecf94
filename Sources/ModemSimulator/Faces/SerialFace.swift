import BridgeCore
import Glibc

/// The module's side of the serial line: a pseudo-terminal, and the time that bytes take.
///
/// A real line does not wait for the host: what has passed it and finds no room in the terminal is kept up to 64 kB,
/// as a kernel keeps it, and lost beyond. Only a line without a speed waits.
struct SerialFace {
    private enum Item {
        case bytes(ArraySlice<UInt8>)
        case speed(Int)
    }

    /// The module stops reading from the network when so much waits for the line (its transmit buffer).
    static let transmitBuffer = 8192
    private static let kernelBuffer = 65_536
    /// A host that sends commands and reads no replies is not listened to when so much waits for it.
    private static let mostQueued = 65_536

    private let link: String?
    private let isPaced: Bool
    private var terminal: PseudoTerminal?
    private var outgoing: [Item] = []
    /// Bytes that wait for the line.
    private(set) var queued = 0
    /// Bytes that passed the line and found no room in the terminal.
    private var unread: [UInt8] = []
    /// Bytes that found no room at all.
    private(set) var lost = 0
    private var toHost: LinePacer
    private var toModem: LinePacer
    private var nextRead: Moment?

    init(baud: Int?, link: String?) throws(SimulatorError) {
        self.link = link
        isPaced = baud != nil
        toHost = LinePacer(baud: baud)
        toModem = LinePacer(baud: baud)
        terminal = try PseudoTerminal(link: link)
        setSpeedOfTerminal()
    }

    /// A host that sets no speed has the right one; who sets a wrong one hears garbage, as on a real line.
    private func setSpeedOfTerminal() {
        if let terminal, let baud = toHost.baud { HostSpeed.set(baud, of: terminal.master) }
    }

    /// What the receiver makes of bytes when host and module run at different speeds.
    private func garbled(_ bytes: [UInt8], fromHost: Bool) -> [UInt8] {
        guard let terminal, let baud = toHost.baud, let host = HostSpeed.of(terminal.master),
            !HostSpeed.fits(host, baud)
        else { return bytes }
        return BootNoise.resample(bytes, from: fromHost ? host : baud, to: fromHost ? baud : host)
    }

    /// `/dev/pts/N`, while the adapter is plugged in.
    var path: String? { terminal?.path }

    mutating func unplug() {
        terminal?.unplug()
        terminal = nil
        (outgoing, unread, queued, nextRead) = ([], [], 0, nil)
    }

    mutating func plug() throws(SimulatorError) {
        guard terminal == nil else { return }
        terminal = try PseudoTerminal(link: link)
        setSpeedOfTerminal()
    }

    // MARK: What to wait for

    /// The descriptor, and the events to poll it for.
    func interest(room: Int) -> (descriptor: Int32, events: Int32)? {
        guard let terminal else { return nil }
        let reads = nextRead == nil && queued < Self.mostQueued && (isPaced || room > 0) ? POLLIN : 0
        return (terminal.master, reads | (unread.isEmpty ? 0 : POLLOUT))
    }

    /// When the line has carried something, if nothing else happens.
    func deadline(now: Moment) -> Moment? {
        let write = queued > 0 && unread.count < Self.kernelBuffer ? toHost.nextLook(waiting: queued, now: now) : nil
        return [write, nextRead].compactMap { $0 }.min()
    }

    // MARK: Module to host

    mutating func write(_ bytes: [UInt8], now: Moment) {
        guard terminal != nil else { return }
        toHost.begin(now: now)
        outgoing.append(.bytes(bytes[...]))
        queued += bytes.count
    }

    mutating func setSpeed(_ baud: Int, now: Moment) {
        guard isPaced else { return }
        outgoing.append(.speed(baud))
        applySpeed(now: now)
    }

    /// Moves what the line has carried by now.
    mutating func carry(now: Moment) {
        var due = isPaced ? toHost.due(now: now) : max(0, Self.kernelBuffer - unread.count)
        var carried = 0
        while due > 0, case .bytes(let bytes)? = outgoing.first {
            let part = bytes.prefix(due)
            deliver(part)
            due -= part.count
            carried += part.count
            if part.count == bytes.count {
                outgoing.removeFirst()
            } else {
                outgoing[0] = .bytes(bytes.dropFirst(part.count))
            }
        }
        queued -= carried
        _ = toHost.took(carried, more: queued > 0, now: now)
        applySpeed(now: now)
        drain()
    }

    private mutating func applySpeed(now: Moment) {
        while case .speed(let baud)? = outgoing.first {
            outgoing.removeFirst()
            toHost.setSpeed(baud, now: now)
            toModem.setSpeed(baud, now: now)
        }
    }

    private mutating func deliver(_ carried: ArraySlice<UInt8>) {
        let bytes = garbled(Array(carried), fromHost: false)
        let room = max(0, Self.kernelBuffer - unread.count)
        unread += bytes.prefix(room)
        lost += max(0, bytes.count - room)
    }

    private mutating func drain() {
        guard let terminal, !unread.isEmpty else { return }
        let count = Glibc.write(terminal.master, unread, unread.count)
        if count > 0 { unread.removeFirst(count) }
    }

    // MARK: Host to module

    /// Bytes that the line has brought, and when the last of them was there.
    ///
    /// - Parameter room: What the module can take without loss; a line without a speed waits for it.
    mutating func read(isReadable: Bool, room: Int, now: Moment) -> (bytes: [UInt8], at: Moment)? {
        guard let terminal, isReadable || nextRead.map({ $0 <= now }) ?? false else { return nil }
        guard queued < Self.mostQueued else {
            nextRead = nil
            _ = toModem.took(0, more: false, now: now)
            return nil
        }
        if !toModem.isBusy, isPaced {
            toModem.begin(now: now)
            nextRead = toModem.nextLook(waiting: terminal.waiting, now: now)
            guard nextRead.map({ $0 <= now }) ?? false else { return nil }
        }
        let due = min(isPaced ? toModem.due(now: now) : room, 4096)
        var bytes = [UInt8](repeating: 0, count: max(due, 0))
        let count = due > 0 ? Glibc.read(terminal.master, &bytes, due) : 0
        let waiting = terminal.waiting
        let arrived = toModem.took(max(0, count), more: waiting > 0, now: now)
        nextRead = waiting > 0 && isPaced ? toModem.nextLook(waiting: waiting, now: now) : nil
        return count > 0 ? (garbled(Array(bytes.prefix(count)), fromHost: true), arrived) : nil
    }
}
