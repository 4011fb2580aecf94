/// One AT command line, taken apart: `AT` + name + form.
struct CommandLine: Equatable {
    enum Form: Equatable {
        case execute
        case query
        case set([Argument])
        /// An argument that is neither a number nor a correctly quoted string.
        case malformed
    }

    enum Argument: Equatable {
        case number(Int)
        case text(String)
        case empty

        var number: Int? {
            guard case .number(let value) = self else { return nil }
            return value
        }

        var text: String? {
            guard case .text(let value) = self else { return nil }
            return value
        }
    }

    /// Where NonOS firmware keeps a setting.
    enum Scope: Equatable {
        /// `_CUR`: until the next reset.
        case current
        /// `_DEF`: in the flash, and from now on.
        case `default`
        /// Neither is said.
        case plain
    }

    /// Without `AT`; `+CWJAP_CUR`, `E0`, empty for the bare `AT`.
    var name: String
    var form: Form

    var scope: Scope { name.hasSuffix("_CUR") ? .current : name.hasSuffix("_DEF") ? .default : .plain }

    /// The name without `_CUR` and `_DEF`.
    var base: String { scope == .plain ? name : String(name.dropLast(4)) }

    /// - Parameter body: What stands between `AT` and CR LF.
    init(body: ArraySlice<UInt8>) {
        if let equals = body.firstIndex(of: UInt8(ascii: "=")) {
            name = String(decoding: body[..<equals], as: UTF8.self)
            form = Self.arguments(body[(equals + 1)...]).map { .set($0) } ?? .malformed
        } else if body.last == UInt8(ascii: "?") {
            name = String(decoding: body.dropLast(), as: UTF8.self)
            form = .query
        } else {
            name = String(decoding: body, as: UTF8.self)
            form = .execute
        }
    }

    /// Splits at commas; in quotes `\,`, `\"` and `\\` stand for `,`, `"` and `\`, and a bare comma is an error.
    private static func arguments(_ bytes: ArraySlice<UInt8>) -> [Argument]? {
        var arguments: [Argument] = []
        var rest = bytes
        while true {
            guard let argument = takeArgument(&rest) else { return nil }
            arguments.append(argument)
            guard let separator = rest.popFirst() else { return arguments }
            guard separator == UInt8(ascii: ",") else { return nil }
        }
    }

    private static func takeArgument(_ rest: inout ArraySlice<UInt8>) -> Argument? {
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            return takeQuoted(&rest)
        }
        let digits = rest.prefix { $0 != UInt8(ascii: ",") }
        rest = rest[digits.endIndex...]
        if digits.isEmpty { return .empty }
        return Int(String(decoding: digits, as: UTF8.self)).map { .number($0) }
    }

    private static func takeQuoted(_ rest: inout ArraySlice<UInt8>) -> Argument? {
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return .text(String(decoding: value, as: UTF8.self))
            case UInt8(ascii: ","): return nil
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped)
            default: value.append(byte)
            }
        }
        return nil
    }
}
