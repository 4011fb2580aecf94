extension String {
    /// The text in quotation marks; whatever could move a terminal's cursor or turn its text round is escaped.
    var quoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where [.control, .format].contains(scalar.properties.generalCategory):
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension Collection<UInt8> {
    /// Text in quotation marks when the bytes are UTF-8 without odd control characters, otherwise their number.
    ///
    /// At most 200 characters of it; the hexadecimal bytes stand beside it anyway.
    var readable: String {
        guard !isEmpty else { return "empty" }
        guard let text = String(validating: self, as: UTF8.self), !text.unicodeScalars.contains(where: \.isUnreadable)
        else { return "not text" }
        return text.count > 200 ? String(text.prefix(200)).quoted + "…" : text.quoted
    }
}

extension Unicode.Scalar {
    /// A control character other than tab, LF and CR.
    fileprivate var isUnreadable: Bool {
        properties.generalCategory == .control && !["\t", "\n", "\r"].contains(self)
    }
}
