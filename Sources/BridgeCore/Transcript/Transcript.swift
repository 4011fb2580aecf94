/// A recorded conversation with a modem, as text.
///
///     # a comment
///     ! begin reset        an order from above: begin reset|reopen|join|dial, or leave
///     > AT\r\n             host to modem
///     < \r\nOK\r\n         modem to host
///     ~ 500ms              time passes
///     = climbed joining    what came of it: opened, left, failed <word>, climbed <rung> …
///
/// The one blank behind the sign belongs to the sign. Bytes stand as printing ASCII and
/// `\r \n \t \\ \xHH`; a blank at either end is written `\x20`, so that it is seen and editors
/// leave it alone.
public struct Transcript: Equatable, Sendable {
    public var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// One line of a transcript.
    public enum Entry: Equatable, Sendable {
        case comment(String)
        case order(String)
        case toModem([UInt8])
        case fromModem([UInt8])
        case pause(Duration)
        case outcome(String)
    }

    /// Why a text is not a transcript.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        public enum Reason: Equatable, Sendable {
            /// The line begins with none of `# ! > < ~ =`.
            case unknownSign
            /// There is no blank behind the sign.
            case missingBlank
            /// A backslash without `r`, `n`, `t`, a backslash or `x` and two hexadecimal digits.
            case badEscape
            /// A character that is not printing ASCII has to be written as `\xHH`.
            case notASCII
            /// A time is a whole number and `ms` or `s`.
            case badDuration
            /// Nothing stands behind the sign.
            case empty
        }

        /// Counted from 1.
        public let line: Int
        public let reason: Reason

        public var description: String {
            let sentence =
                switch reason {
                case .unknownSign: "begins with none of # ! > < ~ ="
                case .missingBlank: "has no blank behind the sign"
                case .badEscape: "has a backslash that is not \\r \\n \\t \\\\ or \\xHH"
                case .notASCII: "has a character that must be written as \\xHH"
                case .badDuration: "has a time that is not like 500ms or 2s"
                case .empty: "has nothing behind the sign"
                }
            return "line \(line) \(sentence)"
        }
    }
}

// MARK: - Reading

extension Transcript {
    /// Reads a transcript; blank lines are dropped.
    public init(parsing text: String) throws(ParseError) {
        entries = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            do throws(Flaw) {
                entries.append(try Self.entry(line))
            } catch {
                throw ParseError(line: index + 1, reason: error.reason)
            }
        }
    }

    private struct Flaw: Error {
        let reason: ParseError.Reason
    }

    private static func entry(_ line: Substring) throws(Flaw) -> Entry {
        let rest = line.dropFirst()
        if line.first == "#" { return .comment(String(rest.first == " " ? rest.dropFirst() : rest)) }
        guard let sign = line.first, "!><~=".contains(sign) else { throw Flaw(reason: .unknownSign) }
        guard !rest.isEmpty else { throw Flaw(reason: .empty) }
        guard rest.first == " " else { throw Flaw(reason: .missingBlank) }
        let body = rest.dropFirst()
        guard !body.isEmpty else { throw Flaw(reason: .empty) }
        return switch sign {
        case ">": .toModem(try bytes(body))
        case "<": .fromModem(try bytes(body))
        case "~": .pause(try duration(body))
        case "!": .order(String(body))
        default: .outcome(String(body))
        }
    }

    private static func duration(_ text: Substring) throws(Flaw) -> Duration {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = Int64(digits), number < 1_000_000_000 else { throw Flaw(reason: .badDuration) }
        return switch text.dropFirst(digits.count) {
        case "ms": .milliseconds(number)
        case "s": .seconds(number)
        default: throw Flaw(reason: .badDuration)
        }
    }

    private static func bytes(_ text: Substring) throws(Flaw) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard (0x20...0x7E).contains(byte) else { throw Flaw(reason: .notASCII) }
            result.append(byte == UInt8(ascii: "\\") ? try escaped(&rest) : byte)
        }
        return result
    }

    private static func escaped(_ rest: inout Substring.UTF8View) throws(Flaw) -> UInt8 {
        switch rest.popFirst() {
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "\\"): return 0x5C
        case UInt8(ascii: "x"):
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit), let byte = UInt8(digits, radix: 16) else {
                throw Flaw(reason: .badEscape)
            }
            rest.removeFirst(2)
            return byte
        default: throw Flaw(reason: .badEscape)
        }
    }
}

// MARK: - Writing

extension Transcript: CustomStringConvertible {
    /// The transcript as text; reading it back gives the same entries.
    public var description: String {
        entries.map { $0.description + "\n" }.joined()
    }
}

extension Transcript.Entry: CustomStringConvertible {
    /// The entry as one line, without its end.
    public var description: String {
        switch self {
        case .comment(let text): "# " + text
        case .order(let order): "! " + order
        case .toModem(let bytes): "> " + Self.escape(bytes)
        case .fromModem(let bytes): "< " + Self.escape(bytes)
        case .pause(let duration): "~ \(duration.inMilliseconds)ms"
        case .outcome(let outcome): "= " + outcome
        }
    }

    /// Printing ASCII as it is, everything else escaped, and so is a blank at either end.
    static func escape(_ bytes: [UInt8]) -> String {
        var result = ""
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case 0x0D: result += "\\r"
            case 0x0A: result += "\\n"
            case 0x09: result += "\\t"
            case 0x5C: result += "\\\\"
            case 0x20 where index == 0 || index == bytes.count - 1: result += "\\x20"
            case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "\\x" + hexadecimal(byte)
            }
        }
        return result
    }
}
