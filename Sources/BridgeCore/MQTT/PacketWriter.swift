/// Builds the part of a packet behind its fixed header.
struct PacketWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func uint16(_ value: UInt16) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(value & 0xFF))
    }

    /// A string behind its length.
    mutating func string(_ text: String) { binary(Array(text.utf8)) }

    /// Bytes behind their length.
    mutating func binary(_ content: [UInt8]) {
        precondition(
            content.count <= MQTTTopic.greatestLength,
            "A field behind a two-byte length has at most 65,535 bytes; strictlyEncoded() says so without trapping")
        uint16(UInt16(content.count))
        bytes += content
    }

    mutating func append(_ content: [UInt8]) { bytes += content }

    /// The packet: the fixed header, then what was written.
    func packet(_ kind: PacketKind, flags: UInt8? = nil) -> [UInt8] {
        FixedHeader.encoded(kind: kind, flags: flags ?? kind.reservedFlags ?? 0, remainingLength: bytes.count) + bytes
    }
}
