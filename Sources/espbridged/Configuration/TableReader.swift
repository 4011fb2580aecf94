import BridgeCore
import TOMLKit

/// Takes the values of one TOML table, and notes each that is unknown or of another type than it must be.
struct TableReader {
    let path: String
    private let table: TOMLTable
    private var known: Set<String> = []
    private(set) var mistakes: [ConfigurationMistake] = []

    init(_ table: TOMLTable, path: String) {
        self.table = table
        self.path = path
    }

    func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    func has(_ name: String) -> Bool { table[name] != nil }

    mutating func string(_ name: String) -> String? {
        take(name, "a string in quotes") { $0.type == .string ? $0.string : nil }
    }

    mutating func integer(_ name: String) -> Int? {
        take(name, "an integer") { $0.type == .int ? $0.int : nil }
    }

    mutating func bool(_ name: String) -> Bool? {
        take(name, "true or false") { $0.type == .bool ? $0.bool : nil }
    }

    mutating func array(_ name: String) -> TOMLArray? {
        take(name, "an array") { $0.type == .array ? $0.array : nil }
    }

    mutating func table(_ name: String) -> TableReader? {
        let inner: TOMLTable? = take(name, "a table") { $0.type == .table ? $0.table : nil }
        return inner.map { TableReader($0, path: key(name)) }
    }

    /// One of the words of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) -> Choice?
    where Choice.RawValue == String {
        guard let word = string(name) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        let permitted = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        note(name, "\"\(word)\" is not permitted: expected one of \(permitted)")
        return nil
    }

    mutating func note(_ name: String, _ message: String) {
        mistakes.append(ConfigurationMistake(key(name), message))
    }

    mutating func add(_ more: [ConfigurationMistake]) { mistakes += more }

    /// Notes every key that was not asked for.
    mutating func finish() {
        for name in table.keys.sorted() where !known.contains(name) {
            let near = known.sorted().filter { Self.distance($0, name) <= 2 }.min {
                Self.distance($0, name) < Self.distance($1, name)
            }
            let hint =
                near.map { "; did you mean \($0)?" } ?? ": expected one of \(known.sorted().joined(separator: ", "))"
            note(name, "unknown key\(hint)")
        }
    }

    private mutating func take<Value>(
        _ name: String, _ expected: String, _ read: (any TOMLValueConvertible) -> Value?
    ) -> Value? {
        known.insert(name)
        guard let value = table[name] else { return nil }
        if let read = read(value) { return read }
        note(name, "is \(Self.name(of: value.type)), expected \(expected)")
        return nil
    }

    private static func name(of type: TOMLType) -> String {
        switch type {
        case .string: "a string"
        case .int: "an integer"
        case .double: "a number with a fraction"
        case .bool: "true or false"
        case .table: "a table"
        case .array: "an array"
        default: "a date or time"
        }
    }

    /// How many letters have to be inserted, left out or changed to get from one word to the other.
    private static func distance(_ one: String, _ other: String) -> Int {
        var row = Array(0...other.count)
        for (index, left) in one.enumerated() {
            var previous = row[0]
            row[0] = index + 1
            for (place, right) in other.enumerated() {
                let changed = previous + (left == right ? 0 : 1)
                previous = row[place + 1]
                row[place + 1] = min(changed, row[place] + 1, row[place + 1] + 1)
            }
        }
        return row[other.count]
    }
}
