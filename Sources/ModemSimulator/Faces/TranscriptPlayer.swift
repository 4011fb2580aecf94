import BridgeCore
import Glibc

/// Plays a transcript as a modem on a pseudo-terminal, on the thread that calls.
public struct TranscriptPlayer {
    /// How it ended.
    public enum Outcome: Equatable, Sendable {
        case finished
        case mismatch(entry: Int, expected: [UInt8], heard: [UInt8])
        /// The host said nothing for the permitted time.
        case silent
    }

    /// `/dev/pts/N`.
    public let path: String
    private let terminal: PseudoTerminal
    private var modem: TranscriptModem

    /// Opens the terminal.
    ///
    /// - Parameters:
    ///   - link: a symbolic link to it.
    ///   - pauses: 1 plays pauses as they were, 0 leaves them out.
    public init(_ transcript: Transcript, link: String?, pauses: Double = 1) throws(SimulatorError) {
        terminal = try PseudoTerminal(link: link)
        path = terminal.path
        modem = TranscriptModem(transcript, pauses: pauses)
    }

    /// Plays to the end.
    ///
    /// - Parameter patience: how long the host may say nothing when it is its turn.
    public mutating func play(patience: Duration) -> Outcome {
        defer { terminal.unplug() }
        var begun = Moment.monotonic
        if let outcome = carryOut(modem.input(now: begun)) { return outcome }
        while true {
            let now = Moment.monotonic
            let limit = modem.deadline ?? begun + patience
            let wait = Int32(clamping: max(0, (limit - now).inNanoseconds + 999_999) / 1_000_000)
            var ready = pollfd(fd: terminal.master, events: Int16(POLLIN), revents: 0)
            let count = poll(&ready, 1, wait)
            if count == 0, modem.deadline == nil { return .silent }
            let bytes = count > 0 ? read() : []
            begun = .monotonic
            if let outcome = carryOut(modem.input(bytes, now: begun)) { return outcome }
        }
    }

    private func read() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(terminal.master, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    private func carryOut(_ effects: [TranscriptModem.Effect]) -> Outcome? {
        for effect in effects {
            switch effect {
            case .write(let bytes): write(bytes)
            case .mismatch(let entry, let expected, let heard):
                return .mismatch(entry: entry, expected: expected, heard: heard)
            case .finished:
                drain()
                return .finished
            }
        }
        return nil
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(terminal.master, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) }
            if count < 0, errno != EAGAIN, errno != EINTR { return }
            if count < 0 {
                var room = pollfd(fd: terminal.master, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, 1_000)
            }
        }
    }

    /// The host is to read the last words before the terminal goes: waits for it, for at most two seconds.
    private func drain() {
        for _ in 0..<200 where terminal.unread > 0 { poll(nil, 0, 10) }
    }
}
