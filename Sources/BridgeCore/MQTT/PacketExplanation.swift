/// What bytes mean as MQTT, field by field, for people.
///
/// Several packets may follow one another. What is wrong is shown at its place, with the normative
/// statement, and reading goes on with the next packet as long as it is known where that begins.
/// The reader is the decoder's own, so the two cannot disagree.
///
/// Passwords are never shown. In a CONNECT that cannot be read to its end, nothing that could be one
/// is shown either; it takes all that follows with it.
public struct PacketExplanation: Equatable, Sendable {
    /// One packet, or what stands in its place.
    public struct Packet: Equatable, Sendable {
        /// `PUBLISH`; nil when there is no such packet type.
        public var name: String?
        /// Offsets from the start of the bytes that were explained.
        public var range: Range<Int>
        public var fields: [Field]
        /// What is wrong; the field of the same range shows the bytes.
        public var error: MQTTError?
        /// How many bytes the packet still lacks; nil when it is complete.
        public var missing: Int?
    }

    /// Some bytes and their meaning.
    public struct Field: Equatable, Sendable {
        /// Offsets from the start of the bytes that were explained.
        public var range: Range<Int>
        /// The bytes as hexadecimal pairs, and `•••` instead of those that are secret.
        public var hex: [String]
        public var name: String
        public var value: String
        public var remark: String
    }

    public let packets: [Packet]

    /// Whether there is at least one packet, and all are complete and right.
    public var isFlawless: Bool {
        !packets.isEmpty && packets.allSatisfy { $0.error == nil && $0.missing == nil }
    }

    public init(of bytes: [UInt8]) {
        var packets: [Packet] = []
        var start = 0
        while start < bytes.count {
            let packet = PacketExplainer(bytes: bytes[start...]).explain()
            packets.append(packet)
            start = packet.range.upperBound
        }
        self.packets = packets
    }
}

/// Explains the packet at the start of `bytes`.
struct PacketExplainer {
    let bytes: ArraySlice<UInt8>

    func explain() -> PacketExplanation.Packet {
        do throws(MQTTError) {
            let header = try FixedHeader.read(from: bytes, maximumPacketSize: .max)
            guard let header else { return unfinished(kind: try FixedHeader.checkedKind(bytes[bytes.startIndex])) }
            return body(header)
        } catch {
            return unreadable(error)
        }
    }

    /// The fixed header is good.
    private func body(_ header: FixedHeader) -> PacketExplanation.Packet {
        let packet = bytes.prefix(header.packetLength)
        let missing = header.packetLength - packet.count
        var reader = FieldReader(packet, recording: true)
        var error: MQTTError?
        do throws(MQTTError) {
            _ = try MQTTPacket(header, reading: &reader)
        } catch let found {
            error = missing > 0 && reader.ranOut ? nil : found
        }
        var fields = reader.fields ?? []
        if header.kind == .connect, error != nil || missing > 0 { Self.hideWillMessage(in: &fields) }
        // When the length of a CONNECT is wrong, its password stands behind its end.
        let length = header.kind == .connect && error != nil ? bytes.count : packet.count
        fields = Self.complete(fields, upTo: length, error: error, missing: missing)
        let secretFrom = header.kind == .connect ? header.length + Self.connectHeader : nil
        return result(
            name: header.kind.name, fields: fields, length: length, error: error,
            missing: missing > 0 ? missing : nil, secretFrom: secretFrom)
    }

    /// The fixed header is not complete.
    private func unfinished(kind: PacketKind) -> PacketExplanation.Packet {
        result(
            name: kind.name,
            fields: [PacketField(range: 0..<bytes.count, name: "incomplete", value: kind.name, remark: "")],
            length: bytes.count, error: nil, missing: 1, secretFrom: nil)
    }

    /// The fixed header is wrong. Its length may be good all the same.
    private func unreadable(_ error: MQTTError) -> PacketExplanation.Packet {
        let kind = PacketKind(rawValue: bytes[bytes.startIndex] >> 4)
        var length = bytes.count
        if let kind, kind != .connect, let (remaining, header) = (try? FixedHeader.extent(of: bytes)) ?? nil {
            length = min(length, header + remaining)
        }
        return result(
            name: kind?.name, fields: Self.complete([], upTo: length, error: error, missing: 0), length: length,
            error: error, missing: nil, secretFrom: kind == .connect ? 5 : nil)
    }

    private func result(
        name: String?, fields: [PacketField], length: Int, error: MQTTError?, missing: Int?, secretFrom: Int?
    ) -> PacketExplanation.Packet {
        let base = bytes.startIndex
        return PacketExplanation.Packet(
            name: name, range: base..<base + length,
            fields: fields.map { field in
                PacketExplanation.Field(
                    range: base + field.range.lowerBound..<base + field.range.upperBound,
                    hex: hex(of: field, secretFrom: secretFrom), name: field.name, value: field.value,
                    remark: field.remark)
            },
            error: error?.shifted(by: base), missing: missing)
    }

    /// Bytes of CONNECT's variable header; what follows may be a password when it cannot be read.
    private static let connectHeader = 10
    static let unexamined = "not examined"
    static let wrong = "error"

    /// Adds what no field covers: the bytes that are wrong, and those that were not looked at.
    private static func complete(
        _ fields: [PacketField], upTo end: Int, error: MQTTError?, missing: Int
    ) -> [PacketField] {
        var fields = fields
        var position = fields.last?.range.upperBound ?? 0
        func add(upTo next: Int, _ name: String, _ value: String, _ remark: String) {
            fields.append(PacketField(range: position..<next, name: name, value: value, remark: remark))
            position = next
        }
        if let error {
            // The wrong bytes may belong to a field that was already shown.
            if error.range.lowerBound > position { add(upTo: min(error.range.lowerBound, end), unexamined, "", "") }
            add(upTo: max(position, min(error.range.upperBound, end)), wrong, error.sentence, "[\(error.rule)]")
        }
        if position < end { add(upTo: end, missing > 0 ? "incomplete" : unexamined, "", "") }
        return fields
    }

    private static func hideWillMessage(in fields: inout [PacketField]) {
        for index in fields.indices where fields[index].name == "will message" {
            fields[index].value = "•••"
            fields[index].remark = "not shown, because the packet cannot be read to its end"
            fields[index].secretFrom = fields[index].range.lowerBound
        }
    }

    private func hex(of field: PacketField, secretFrom: Int?) -> [String] {
        let isRecognised = ![Self.unexamined, Self.wrong, "incomplete"].contains(field.name)
        var limit = field.range.upperBound
        if let secret = field.secretFrom { limit = min(limit, secret) }
        if !isRecognised {
            if let secretFrom { limit = min(limit, max(secretFrom, field.range.lowerBound)) }
            limit = min(limit, strayConnect(in: field.range) ?? limit)
        }
        let shown = bytes[bytes.startIndex + field.range.lowerBound..<bytes.startIndex + limit].map(\.hex)
        return limit < field.range.upperBound ? shown + ["•••"] : shown
    }

    /// Where in bytes that were not understood a CONNECT seems to begin.
    private func strayConnect(in range: Range<Int>) -> Int? {
        let region = bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound]
        let names = [[0, 4] + Array("MQTT".utf8), [0, 6] + Array("MQIsdp".utf8)]
        return region.indices.first { index in names.contains { bytes[index...].starts(with: $0) } }
            .map { $0 - bytes.startIndex }
    }
}
