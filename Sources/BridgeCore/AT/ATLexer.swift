/// Cuts what the modem says in command mode into lines and the prompt, however the bytes are split.
///
/// Lines end with LF; CRs at either end are dropped, so `AT\r\r\n` (the echo of NonOS firmware) and `\r\nOK\r\n`
/// come out alike, and empty lines are no lines. Memory is bounded: of a line without an end only the last
/// ``longestLine`` bytes are kept, which is where a `ready` behind boot garbage stands.
public struct ATLexer: Sendable {
    public enum Token: Equatable, Sendable {
        case line(String)
        /// `>`: payload may be sent.
        case prompt
    }

    public static let longestLine = 512

    private var buffer: [UInt8] = []

    public init() {}

    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// The next line or prompt; nil when more bytes are needed.
    ///
    /// - Parameter awaitsPrompt: a `>` at the beginning of a line is a prompt. Nothing behind it is touched: in
    ///   transparent mode the next byte may already be the peer's.
    public mutating func next(awaitsPrompt: Bool) -> Token? {
        while true {
            if awaitsPrompt, let start = buffer.firstIndex(where: { $0 != 0x0D && $0 != 0x0A }), buffer[start] == 0x3E {
                buffer.removeFirst(start + 1)
                return .prompt
            }
            guard let end = buffer.firstIndex(of: 0x0A) else {
                if buffer.count > Self.longestLine { buffer.removeFirst(buffer.count - Self.longestLine) }
                return nil
            }
            let line = buffer[..<end].suffix(Self.longestLine).trimmingCarriageReturns()
            let text = String(decoding: line, as: UTF8.self)
            buffer.removeFirst(end + 1)
            if !text.isEmpty { return .line(text) }
        }
    }

    /// Takes all bytes that are not part of a token: after the prompt they belong to the tunnel.
    public mutating func takeRest() -> [UInt8] {
        defer { buffer = [] }
        return buffer
    }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmingCarriageReturns() -> ArraySlice<UInt8> {
        var line = drop { $0 == 0x0D }
        while line.last == 0x0D { line.removeLast() }
        return line
    }
}
