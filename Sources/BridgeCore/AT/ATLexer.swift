/// What the modem's bytes amount to in command mode.
public enum ATToken: Equatable, Sendable {
    /// A line that is not blank.
    case line(ATLine)
    /// The prompt `>`; the bytes behind it are not a line any more.
    case prompt
}

/// Cuts the modem's bytes into lines, whatever pieces they come in.
///
/// A line ends with LF; CR around it is dropped, because echo arrives as `AT\r\r\n` and some texts
/// end in LF alone. Nothing is taken to have a CR LF in front (ESP-AT and NonOS AT print `CLOSED`
/// and `WIFI …` right behind whatever came before), so telling lines apart is left to ``ATReply``.
public struct ATLexer: Sendable {
    /// Bytes kept of a line; of a longer one the end is kept, because that is where texts such as
    /// `ready` stand when boot garbage precedes them.
    public static let longestLine = 512

    /// Whether a `>` at the start of a line is the prompt rather than a character of a line.
    public var awaitsPrompt = false

    private var line: [UInt8] = []

    public init() {}

    /// Takes bytes off the front of `input` until a token is complete; nil when more bytes are needed.
    ///
    /// What stays in `input` behind a prompt belongs to the tunnel.
    public mutating func next(_ input: inout ArraySlice<UInt8>) -> ATToken? {
        while let byte = input.popFirst() {
            if byte == UInt8(ascii: "\n") {
                let trimmed = trim(line.suffix(Self.longestLine))
                line.removeAll(keepingCapacity: true)
                if !trimmed.isEmpty { return .line(ATLine(Array(trimmed))) }
            } else if byte == UInt8(ascii: ">"), awaitsPrompt, line.allSatisfy(isBlank) {
                line.removeAll(keepingCapacity: true)
                return .prompt
            } else {
                if line.count >= 2 * Self.longestLine { line.removeFirst(Self.longestLine) }
                line.append(byte)
            }
        }
        return nil
    }
}

func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\r") || byte == UInt8(ascii: " ")
}

func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = bytes.drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return rest
}
