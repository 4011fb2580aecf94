/// On which line of a TOML file each key and table stands.
///
/// TOMLKit gives values without their places. This reads just enough of TOML to find them: table headers, keys
/// (bare, quoted, dotted), the elements of arrays, and the strings and comments that have to be skipped. It runs only
/// on files that TOMLKit has accepted, so it need not judge them.
struct KeyLocator {
    /// Line numbers from 1, by key path such as `mqtt.keep_alive` or `mqtt.subscribe[0]`; tables by their own name.
    private(set) var lines: [String: Int] = [:]
    /// Keys whose values have a NUL, written `\u0000`: TOMLKit ends such a value there, without a word.
    private(set) var keysWithNUL: [String] = []

    private var rest: Substring
    private var line = 1
    private var table: [String] = []
    /// How many tables of an array of tables there were.
    private var elements: [String: Int] = [:]

    init(_ text: String) {
        rest = text[...]
        if rest.first == "\u{FEFF}" { rest.removeFirst() }
        while !rest.isEmpty { takeStatement() }
    }

    /// The line of a key, or of the nearest table above it; nil when neither is in the file.
    func line(of key: String) -> Int? {
        var path = key
        while true {
            if let line = lines[path] { return line }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = String(path[..<end])
        }
    }

    private mutating func takeStatement() {
        skip { $0 == " " || $0 == "\t" }
        switch rest.first {
        case "\n", "\r\n", "\r": advance()
        case "#": skip { !$0.isNewline }
        case "[": takeHeader()
        case nil: break
        default: takePair()
        }
    }

    private mutating func takeHeader() {
        let isElement = rest.hasPrefix("[[")
        skip { $0 == "[" }
        table = takeKey()
        note(table)
        if isElement, let last = table.popLast() {
            let name = (table + [last]).joined(separator: ".")
            table.append("\(last)[\(elements[name, default: 0])]")
            elements[name, default: 0] += 1
            note(table)
        }
        skip { !$0.isNewline }
    }

    private mutating func takePair() {
        let path = table + takeKey()
        note(path)
        skip { $0 != "=" && !$0.isNewline }
        advance()
        takeValue(of: path)
    }

    /// A key up to `=`, `]` or the end of the line, its parts without quotes.
    private mutating func takeKey() -> [String] {
        var parts: [String] = []
        while let character = rest.first, character != "=", character != "]", !character.isNewline {
            switch character {
            case "\"", "'":
                advance()
                let end = rest.firstIndex { $0 == character || $0.isNewline } ?? rest.endIndex
                parts.append(String(rest[..<end]))
                rest = rest[end...]
                if rest.first == character { advance() }
            case ".", " ", "\t": advance()
            default:
                let end = rest.firstIndex { "=].\"' \t".contains($0) || $0.isNewline } ?? rest.endIndex
                parts.append(String(rest[..<end]))
                rest = rest[end...]
            }
        }
        return parts
    }

    /// Skips a value to the end of its line, over the line ends inside arrays, inline tables and long strings; notes
    /// the elements of an array.
    private mutating func takeValue(of path: [String]) {
        skip { $0 == " " || $0 == "\t" }
        let isArray = rest.first == "["
        var depth = 0
        var index = 0
        var isAwaited = false
        while let character = rest.first {
            if isArray, depth == 1, character == "," {
                index += 1
                isAwaited = true
            } else if isAwaited, !character.isWhitespace, character != "#" {
                note(path.dropLast() + ["\(path.last ?? "")[\(index)]"])
                isAwaited = false
            }
            switch character {
            case "[", "{":
                depth += 1
                if isArray, depth == 1 { isAwaited = true }
            case "]", "}": depth -= 1
            case "#":
                skip { !$0.isNewline }
                continue
            case "\"", "'":
                takeString(character, of: path)
                continue
            case _ where character.isNewline && depth <= 0: return
            default: break
            }
            advance()
        }
    }

    private mutating func takeString(_ quote: Character, of path: [String]) {
        let long = String(repeating: quote, count: 3)
        let end = rest.hasPrefix(long) ? long : String(quote)
        rest = rest.dropFirst(end.count)
        while !rest.isEmpty, !rest.hasPrefix(end) {
            if quote == "\"", rest.first == "\\" {
                if rest.hasPrefix("\\u0000") || rest.hasPrefix("\\U00000000") {
                    keysWithNUL.append(path.joined(separator: "."))
                }
                advance()
            }
            advance()
        }
        rest = rest.dropFirst(end.count)
        // A long string may end with one or two quotes of its own.
        if end == long { skip { $0 == quote } }
    }

    private mutating func note(_ path: [String]) {
        let key = path.joined(separator: ".")
        if lines[key] == nil { lines[key] = line }
    }

    private mutating func advance() {
        if let first = rest.popFirst(), first.isNewline { line += 1 }
    }

    private mutating func skip(while condition: (Character) -> Bool) {
        while let first = rest.first, condition(first) { advance() }
    }
}
