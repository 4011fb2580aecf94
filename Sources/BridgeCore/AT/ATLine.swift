/// One line from the modem, without its line ending and without blanks around it.
///
/// The bytes are kept as they came: with a wrong speed, or during boot, they can be anything.
public struct ATLine: Equatable, Sendable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// The line for people: as it stands when it is clean UTF-8, otherwise with `\xHH` for whatever does not print.
    public var text: String { printable(bytes) }

    /// Whether the line is exactly this.
    func isWhole(_ text: String) -> Bool { bytes.elementsEqual(text.utf8) }

    /// Whether the line begins so.
    func starts(with text: String) -> Bool { bytes.starts(with: text.utf8) }

    /// Whether the line ends so.
    func ends(with text: String) -> Bool { bytes.reversed().starts(with: text.utf8.reversed()) }

    /// Whether this stands anywhere in the line.
    func contains(_ text: String) -> Bool { end(of: text) != nil }

    /// What follows the first occurrence of `label`, as text, or nil when it does not occur.
    func text(after label: String) -> String? {
        end(of: label).map { printable(Array(bytes[$0...])) }
    }

    /// Where the first occurrence of `text` ends.
    private func end(of text: String) -> Int? {
        let sought = Array(text.utf8)
        guard let first = sought.first, sought.count <= bytes.count else { return nil }
        for start in 0...(bytes.count - sought.count)
        where bytes[start] == first && bytes[start...].starts(with: sought) {
            return start + sought.count
        }
        return nil
    }
}

/// Bytes as one printable line: clean UTF-8 unchanged, otherwise `\xHH` for every byte that is not printing ASCII.
func printable(_ bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self),
        text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
    {
        return text
    }
    return bytes.reduce(into: "") { text, byte in
        if (0x20...0x7E).contains(byte) {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            text += "\\x" + hexadecimal(byte)
        }
    }
}

/// Two capital hexadecimal digits.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.count == 1 ? "0" + digits : digits
}
