/// Bytes as people write them.
public enum HexText {
    /// The bytes of `text`: pairs of hexadecimal digits, with or without blanks, line ends, commas, colons,
    /// hyphens or `0x` between them; nil when it is anything else.
    public static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        let separators: Set<Character> = [" ", "\t", "\n", "\r", "\r\n", ",", ":", "-"]
        for word in text.split(whereSeparator: separators.contains) {
            let digits = word.hasPrefix("0x") || word.hasPrefix("0X") ? word.dropFirst(2) : word
            guard !digits.isEmpty, digits.utf8.count.isMultiple(of: 2) else { return nil }
            var rest = Array(digits.utf8)[...]
            while let high = rest.popFirst(), let low = rest.popFirst() {
                guard let high = value(of: high), let low = value(of: low) else { return nil }
                bytes.append(high << 4 | low)
            }
        }
        return bytes
    }

    /// Pairs of upper-case digits with blanks between them.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map(\.hex).joined(separator: " ")
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
