/// Bytes, or a value to be encoded, that break a rule of MQTT 3.1.1.
///
/// That more bytes are needed is not an error; decoders answer nil for it.
public struct MQTTError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The normative statement (`MQTT-2.2.2-1`), or the section where the text has no number for it.
    public var rule: String
    /// What is wrong, as a sentence.
    public var sentence: String
    /// Where: byte offsets from the start of the packet, or of the string that was checked.
    public var range: Range<Int>

    public init(rule: String, _ sentence: String, at range: Range<Int> = 0..<0) {
        self.rule = rule
        self.sentence = sentence
        self.range = range
    }

    /// The sentence with the rule behind it.
    public var description: String { "\(sentence) [\(rule)]" }

    /// The same error, counted from a point `distance` bytes earlier.
    func shifted(by distance: Int) -> MQTTError {
        MQTTError(rule: rule, sentence, at: range.lowerBound + distance..<range.upperBound + distance)
    }
}
