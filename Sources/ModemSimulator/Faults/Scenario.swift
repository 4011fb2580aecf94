import BridgeCore

/// What goes wrong, and when: the lines of a scenario file.
///
///     # a remark
///     at 2.5s drop                      # another
///     every 30s reset
///     after 5 commands one-behind
///     every 20000 sent lose-sent 7
///     when host "AT+CIPSTART" refuse-dial
///     whenever module "CONNECT" garbage 30
///
/// Times count from the start of the simulator. `sent` counts bytes of the host, `received` bytes for the host.
public struct Scenario: Equatable, Sendable {
    /// When something happens.
    public enum Trigger: Equatable, Sendable {
        case at(Duration)
        case every(Duration)
        case count(Counted, Int, isRepeated: Bool)
        case text(Side, [UInt8], isRepeated: Bool)
    }

    /// What is counted.
    public enum Counted: String, Sendable { case commands, sent, received }

    /// Who says a text.
    public enum Side: String, Sendable { case host, module }

    /// One line.
    public struct Entry: Equatable, Sendable {
        public var trigger: Trigger
        public var order: ModemOrder

        public init(_ trigger: Trigger, _ order: ModemOrder) {
            self.trigger = trigger
            self.order = order
        }
    }

    /// Why a text is no scenario.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// Counted from 1.
        public let line: Int
        public let text: String

        public var description: String { "line \(line): not understood: \(text)" }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// Reads a scenario; empty lines and those behind `#` are remarks.
    public init(parsing text: String) throws(ParseError) {
        entries = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let statement = Self.withoutRemark(line)
            guard !statement.isEmpty else { continue }
            guard let entry = Entry(line: statement) else { throw ParseError(line: index + 1, text: statement) }
            entries.append(entry)
        }
    }

    /// The line up to a `#` at its start or behind a blank, without blanks at its ends.
    private static func withoutRemark(_ line: Substring) -> String {
        let blanks: Set<Character> = [" ", "\t"]
        var isBehindBlank = true
        var isQuoted = false
        var end = line.endIndex
        for index in line.indices {
            if line[index] == "\"" { isQuoted.toggle() }
            if line[index] == "#", isBehindBlank, !isQuoted {
                end = index
                break
            }
            isBehindBlank = blanks.contains(line[index])
        }
        var statement = line[..<end].drop { blanks.contains($0) }
        while let last = statement.last, blanks.contains(last) { statement.removeLast() }
        return String(statement)
    }
}

extension Scenario.Entry {
    /// Reads a line with a trigger and an order; nil for anything else.
    public init?(line: String) {
        var rest = line[...]
        switch (Self.word(&rest), Self.word(&rest)) {
        case ("at", let time?):
            guard let time = Self.duration(time), let order = ModemOrder(line: String(rest)) else { return nil }
            self.init(.at(time), order)
        case ("every", let amount?):
            if let time = Self.duration(amount) {
                guard time > .zero, let order = ModemOrder(line: String(rest)) else { return nil }
                self.init(.every(time), order)
            } else {
                self.init(amount, &rest, isRepeated: true)
            }
        case ("after", let amount?): self.init(amount, &rest, isRepeated: false)
        case ("when", let side?): self.init(side: side, &rest, isRepeated: false)
        case ("whenever", let side?): self.init(side: side, &rest, isRepeated: true)
        default: return nil
        }
    }

    private init?(_ amount: String, _ rest: inout Substring, isRepeated: Bool) {
        guard let number = Int(amount), number > 0, let counted = Self.word(&rest).flatMap(Scenario.Counted.init),
            let order = ModemOrder(line: String(rest))
        else { return nil }
        self.init(.count(counted, number, isRepeated: isRepeated), order)
    }

    private init?(side: String, _ rest: inout Substring, isRepeated: Bool) {
        guard let side = Scenario.Side(rawValue: side), rest.first == "\"",
            let end = rest.dropFirst().firstIndex(of: "\"")
        else { return nil }
        let text = Array(rest[rest.index(after: rest.startIndex)..<end].utf8)
        let order = rest[rest.index(after: end)...].drop { $0 == " " }
        guard !text.isEmpty, let order = ModemOrder(line: String(order)) else { return nil }
        self.init(.text(side, text, isRepeated: isRepeated), order)
    }

    private static func word(_ rest: inout Substring) -> String? {
        let word = rest.prefix { $0 != " " }
        rest = rest.dropFirst(word.count).drop { $0 == " " }
        return word.isEmpty ? nil : String(word)
    }

    /// `2s`, `2.5s` or `300ms`.
    static func duration(_ text: String) -> Duration? {
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value.isFinite, value < 1e7 else { return nil }
        switch text.dropFirst(number.count) {
        case "s": return .milliseconds(Int64(value * 1000))
        case "ms": return .microseconds(Int64(value * 1000))
        default: return nil
        }
    }
}
