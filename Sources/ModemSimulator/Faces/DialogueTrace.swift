import BridgeCore

/// Writes the dialogue on the line in the format of ``Transcript``, so that it can be played again.
///
/// Passwords of AT+CWJAP and of MQTT's CONNECT are written as `*`.
struct DialogueTrace {
    private static let pause = Duration.milliseconds(40)
    private static let longest = 512

    /// What one side has said since its last written line; in data mode until it pauses.
    private struct Side {
        var bytes: [UInt8] = []
        var isDataMode = false
        var last: Moment?

        /// A command, its echo, or the beginning of one: written when it is whole, so that a password is seen as one.
        var isCommand: Bool {
            !isDataMode && (bytes.last == UInt8(ascii: "A") || SecretMask.contains(Array("AT".utf8), in: bytes))
        }
    }

    private let sink: @Sendable (String) -> Void
    private var host = Side()
    private var modem = Side()
    private var printed: Moment?

    init(sink: @escaping @Sendable (String) -> Void) { self.sink = sink }

    /// When the bytes collected so far are written although nothing follows.
    var deadline: Moment? { [due(host), due(modem)].compactMap { $0 }.min() }

    mutating func note(_ chunk: [UInt8], fromHost: Bool, inDataMode: Bool, now: Moment) {
        var side = fromHost ? host : modem
        if side.isDataMode != inDataMode { side = flushed(side, fromHost: fromHost, now: now) }
        side.isDataMode = inDataMode
        side.last = now
        for byte in chunk {
            side.bytes.append(byte)
            let isFull = side.bytes.count >= (side.isCommand || inDataMode ? 4096 : Self.longest)
            if (byte == UInt8(ascii: "\n") && !inDataMode) || isFull {
                side = flushed(side, fromHost: fromHost, now: now)
            }
        }
        if fromHost { host = side } else { modem = side }
    }

    mutating func comment(_ text: String, now: Moment) {
        finish(now: now)
        write(.comment(text))
    }

    private func write(_ entry: Transcript.Entry) { sink("\(entry)") }

    mutating func timePassed(_ now: Moment) {
        if let due = due(host), due <= now { host = flushed(host, fromHost: true, now: now) }
        if let due = due(modem), due <= now { modem = flushed(modem, fromHost: false, now: now) }
    }

    mutating func finish(now: Moment) {
        host = flushed(host, fromHost: true, now: now)
        modem = flushed(modem, fromHost: false, now: now)
    }

    private func due(_ side: Side) -> Moment? {
        side.bytes.isEmpty || side.isCommand ? nil : side.last.map { $0 + Self.pause }
    }

    private mutating func flushed(_ side: Side, fromHost: Bool, now: Moment) -> Side {
        guard !side.bytes.isEmpty else { return side }
        if let printed, now - printed >= .milliseconds(100) { write(.pause(now - printed)) }
        printed = now
        let bytes = SecretMask.masked(side.bytes, inDataMode: side.isDataMode)
        write(fromHost ? .toModem(bytes) : .fromModem(bytes))
        var empty = side
        empty.bytes = []
        return empty
    }
}
