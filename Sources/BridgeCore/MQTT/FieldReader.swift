/// Reads the fields of one packet, and keeps a record of them when somebody wants an explanation.
///
/// One reader serves the decoder and ``PacketExplanation``, so what is explained is what is enforced.
struct FieldReader {
    /// The packet from its first byte to its last.
    let bytes: ArraySlice<UInt8>
    /// Bytes read so far; an offset from the start of the packet.
    private(set) var offset = 0
    /// Whether a field was to be read for which too few bytes are there.
    private(set) var ranOut = false
    /// What was read so far; nil when nobody asked.
    private(set) var fields: [PacketField]?

    init(_ bytes: ArraySlice<UInt8>, recording: Bool = false) {
        self.bytes = bytes
        fields = recording ? [] : nil
    }

    /// Bytes not yet read.
    var remaining: Int { bytes.count - offset }

    /// Notes the field that ends here and began at `start`.
    mutating func record(
        _ name: String, from start: Int, value: @autoclosure () -> String, remark: @autoclosure () -> String = "",
        secretFrom: Int? = nil
    ) {
        guard fields != nil else { return }
        fields?.append(
            PacketField(range: start..<offset, name: name, value: value(), remark: remark(), secretFrom: secretFrom))
    }

    /// Steps over bytes that were examined by other means (the fixed header).
    mutating func skip(_ count: Int) { offset += min(count, remaining) }

    /// One byte. `rule` says that it must be there.
    mutating func byte(_ name: String, rule: String) throws(MQTTError) -> UInt8 {
        guard remaining >= 1 else { throw missing(name, rule: rule) }
        defer { offset += 1 }
        return bytes[bytes.startIndex + offset]
    }

    /// Two bytes, the high one first (section 1.5.2).
    mutating func uint16(_ name: String, rule: String) throws(MQTTError) -> UInt16 {
        guard remaining >= 2 else { throw missing(name, rule: rule) }
        defer { offset += 2 }
        let index = bytes.startIndex + offset
        return UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }

    /// A packet identifier, which is never 0 [MQTT-2.3.1-1].
    mutating func packetIdentifier(rule: String = "MQTT-2.3.1-1", remark: String = "") throws(MQTTError) -> UInt16 {
        let start = offset
        let identifier = try uint16("packet identifier", rule: rule)
        guard identifier != 0 else {
            throw MQTTError(rule: "MQTT-2.3.1-1", "The packet identifier is 0", at: start..<offset)
        }
        record("packet identifier", from: start, value: String(identifier), remark: remark)
        return identifier
    }

    /// Bytes behind their two-byte length (section 1.5.3, and the binary fields of CONNECT).
    mutating func binary(_ name: String, rule: String, secret: Bool = false) throws(MQTTError) -> ArraySlice<UInt8> {
        let start = offset
        let count = Int(try uint16("length of the \(name)", rule: rule))
        guard remaining >= count else {
            let left = remaining
            offset = start
            ranOut = true
            throw MQTTError(
                rule: "section 1.5.3", "The \(name) should have \(count) bytes, but the packet ends after \(left)",
                at: start..<bytes.count)
        }
        let index = bytes.startIndex + offset
        offset += count
        if secret {
            record(name, from: start, value: "•••", remark: "\(count) bytes, not shown", secretFrom: start + 2)
        }
        return bytes[index..<index + count]
    }

    /// A string: well-formed UTF-8 without surrogates [MQTT-1.5.3-1] and without U+0000 [MQTT-1.5.3-2].
    ///
    /// A byte order mark is text like any other [MQTT-1.5.3-3]. The caller records it with ``record``.
    mutating func string(_ name: String, rule: String) throws(MQTTError) -> String {
        let start = offset
        let content = try binary(name, rule: rule)
        if let zero = content.offset(where: { $0 == 0 }) {
            let place = start + 2 + zero
            throw MQTTError(rule: "MQTT-1.5.3-2", "The \(name) contains U+0000", at: place..<place + 1)
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw MQTTError(
                rule: "MQTT-1.5.3-1", "The \(name) is not well-formed UTF-8", at: start + 2..<offset)
        }
        return text
    }

    /// Whatever is left.
    mutating func rest() -> ArraySlice<UInt8> {
        defer { offset = bytes.count }
        return bytes[(bytes.startIndex + offset)...]
    }

    /// Throws when the packet goes on behind its last field.
    func expectEnd(of kind: PacketKind) throws(MQTTError) {
        guard remaining == 0 else {
            throw MQTTError(
                rule: kind.section, "\(remaining) bytes follow the last field of \(kind.name)",
                at: offset..<bytes.count)
        }
    }

    private mutating func missing(_ name: String, rule: String) -> MQTTError {
        ranOut = true
        return MQTTError(rule: rule, "The packet ends where the \(name) should be", at: offset..<bytes.count)
    }
}

/// One field of a packet, for ``PacketExplanation``.
struct PacketField: Equatable {
    /// Offsets from the start of the packet.
    var range: Range<Int>
    var name: String
    var value: String
    var remark: String
    /// From this offset on the field's bytes are never shown.
    var secretFrom: Int?
}
