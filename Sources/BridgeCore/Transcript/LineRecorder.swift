/// Makes transcript entries of what goes over the daemon's serial line, without secrets.
///
/// What is sent comes whole, a command or packets at a time. What is received comes in any pieces: in command mode it is
/// gathered into lines, so that a password is seen as one; in data mode it is written as it comes.
public struct LineRecorder: Sendable {
    /// Shorter silences are not written.
    static let shortestPause = Duration.milliseconds(100)
    /// Most bytes that are gathered for a line.
    static let longestLine = 512
    /// Shorter secrets would put stars into everything.
    static let shortestSecret = 6

    /// What was received of a line that has not ended.
    private struct Beginning {
        var bytes: [UInt8] = []
        var since = Moment.zero
        /// Whether a command with a password was being answered meanwhile.
        var isConfidential = false
    }

    private let secrets: [[UInt8]]
    private var line = Beginning()
    private var written: Moment?

    /// - Parameter secrets: what must be shown nowhere, as it is or as an AT command spells it.
    public init(secrets: [String]) {
        self.secrets = secrets.flatMap { secret in
            let bytes = Array(secret.utf8)
            let escaped = bytes.flatMap { Array("\\,\"".utf8).contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
            return [bytes, escaped]
        }.filter { $0.count >= Self.shortestSecret }
    }

    /// The daemon wrote these bytes to the line.
    public mutating func sent(_ bytes: [UInt8], inDataMode: Bool, now: Moment) -> [Transcript.Entry] {
        let masked = inDataMode ? SecretMask.maskedConnect(bytes) : SecretMask.maskedCommand(bytes, isWhole: true)
        return finished() + [at(now), .toModem(SecretMask.masked(masked, hiding: secrets))].compactMap(\.self)
    }

    /// Bytes came from the line.
    ///
    /// - Parameter isConfidential: whether they may hold a password (``ModemLink/isConfidential``).
    public mutating func received(
        _ bytes: [UInt8], inDataMode: Bool, isConfidential: Bool, now: Moment
    ) -> [Transcript.Entry] {
        if inDataMode {
            return finished() + [at(now), .fromModem(SecretMask.masked(bytes, hiding: secrets))].compactMap(\.self)
        }
        var entries: [Transcript.Entry] = []
        for byte in bytes {
            if line.bytes.isEmpty { line = Beginning(since: now) }
            line.bytes.append(byte)
            line.isConfidential = line.isConfidential || isConfidential
            if byte == UInt8(ascii: "\n") || line.bytes.count >= Self.longestLine { entries += finished() }
        }
        return entries
    }

    /// An order or an outcome (``Transcript``), or a remark.
    public mutating func noted(_ entry: Transcript.Entry, now: Moment) -> [Transcript.Entry] {
        finished() + [at(now), entry].compactMap(\.self)
    }

    /// Writes what was received of an unfinished line.
    public mutating func finished() -> [Transcript.Entry] {
        guard !line.bytes.isEmpty else { return [] }
        defer { line = Beginning() }
        return [at(line.since), .fromModem(masked(line))].compactMap(\.self)
    }

    /// The silence since what was written last, when it is worth an entry.
    private mutating func at(_ moment: Moment) -> Transcript.Entry? {
        defer { written = max(moment, written ?? moment) }
        guard let written, moment - written >= Self.shortestPause else { return nil }
        return .pause(moment - written)
    }

    /// While a command with a password is answered, only lines of known meaning are shown: its echo can come in pieces.
    private func masked(_ line: Beginning) -> [UInt8] {
        let shown = SecretMask.masked(SecretMask.maskedCommand(line.bytes), hiding: secrets)
        guard line.isConfidential, !SecretMask.contains(Array("AT+CWJAP".utf8), in: line.bytes) else { return shown }
        let end = line.bytes.reversed().prefix { $0 == 0x0D || $0 == 0x0A }.count
        let text = ATLine(line.bytes.dropLast(end).drop { $0 == 0x0D || $0 == 0x20 }.map(\.self))
        let isPlain = text.bytes.isEmpty || ATReply.isPlain(text) || text.starts(with: "+CWJAP:")
        return isPlain ? shown : Array("***".utf8) + line.bytes.suffix(end)
    }
}
