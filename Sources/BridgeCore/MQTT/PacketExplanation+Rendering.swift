extension PacketExplanation {
    /// The explanation for a terminal: a head line for each packet, then a line for each field, in columns.
    ///
    /// Long fields show their first bytes; ``json`` has all of them.
    public var lines: [String] {
        let rows = packets.map { $0.fields.map(Row.init) }
        let widths = rows.joined().reduce(into: Widths()) { $0.widen(for: $1) }
        var lines: [String] = []
        for (packet, rows) in zip(packets, rows) {
            if !lines.isEmpty { lines.append("") }
            lines.append(packet.headline)
            lines += rows.flatMap { $0.lines(widths) }
        }
        return lines
    }

    /// The explanation as JSON: an array of packets.
    public var json: JSONValue {
        .array(packets.map(\.json))
    }
}

extension PacketExplanation.Packet {
    /// The packet's name, place and state.
    public var headline: String {
        var text = "\(name ?? "no packet"), \(range.count) bytes"
        if range.lowerBound > 0 { text += " from offset \(range.lowerBound)" }
        if let missing { text += ", incomplete: at least \(missing) more to come" }
        if let error { text += ", wrong: \(error.sentence) [\(error.rule)]" }
        return text
    }

    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("packet", name.map(JSONValue.string) ?? .null),
            .init("offset", .int(range.lowerBound)),
            .init("length", .int(range.count)),
            .init("fields", .array(fields.map(\.json))),
        ]
        if let missing { members.append(.init("missing", .int(missing))) }
        if let error {
            members.append(
                .init(
                    "error",
                    [
                        "rule": .string(error.rule), "sentence": .string(error.sentence),
                        "offset": .int(error.range.lowerBound), "length": .int(error.range.count),
                    ]))
        }
        return .object(members)
    }
}

extension PacketExplanation.Field {
    fileprivate var json: JSONValue {
        [
            "offset": .int(range.lowerBound), "length": .int(range.count),
            "hex": .string(hex.joined(separator: " ")), "name": .string(name), "value": .string(value),
            "remark": .string(remark),
        ]
    }
}

/// The columns of one field.
private struct Row {
    static let bytesPerLine = 8
    static let greatestLines = 4

    var place: String
    var hex: [String]
    var name: String
    var meaning: String

    init(_ field: PacketExplanation.Field) {
        let last = field.range.upperBound - 1
        place = field.range.count > 1 ? "\(field.range.lowerBound)-\(last)" : "\(field.range.lowerBound)"
        var lines: [String] = []
        var rest = field.hex[...]
        while !rest.isEmpty {
            guard lines.count < Self.greatestLines else {
                lines[lines.count - 1] += " …"
                break
            }
            lines.append(rest.prefix(Self.bytesPerLine).joined(separator: " "))
            rest = rest.dropFirst(Self.bytesPerLine)
        }
        hex = lines.isEmpty ? [""] : lines
        name = field.name
        meaning = [field.value, field.remark].filter { !$0.isEmpty }.joined(separator: "  ")
    }

    func lines(_ widths: Widths) -> [String] {
        hex.enumerated().map { index, hex in
            let columns = index == 0 ? [place, hex, name, meaning] : ["", hex, "", ""]
            let line =
                "  " + columns[0].padded(to: widths.place) + "  " + columns[1].padded(to: widths.hex) + "  "
                + columns[2].padded(to: widths.name) + "  " + columns[3]
            return line.trimmingTrailingBlanks
        }
    }
}

private struct Widths {
    var place = 0
    var hex = 0
    var name = 0

    mutating func widen(for row: Row) {
        place = max(place, row.place.count)
        hex = max(hex, row.hex.map(\.count).max() ?? 0)
        name = max(name, row.name.count)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate var trimmingTrailingBlanks: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
