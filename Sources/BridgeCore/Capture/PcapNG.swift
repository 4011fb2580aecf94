/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng) with one interface that carries raw IP packets.
public enum PcapNG {
    /// LINKTYPE_RAW: packets begin with the IP header.
    private static let rawIP: UInt16 = 101

    /// What a file begins with: a section header, and the description of the interface.
    public static func beginning(application: String) -> [UInt8] {
        let userApplication: UInt16 = 4
        let header =
            little(UInt32(0x1A2B_3C4D)) + little(UInt16(1)) + little(UInt16(0)) + little(UInt64.max)
            + option(userApplication, Array(application.utf8)) + little(UInt32(0))
        let interface = little(rawIP) + little(UInt16(0)) + little(UInt32(0))
        return block(0x0A0D_0D0A, header) + block(1, interface)
    }

    /// An enhanced packet block; `milliseconds` since 1970, UTC.
    public static func packet(_ bytes: [UInt8], milliseconds: Int64) -> [UInt8] {
        // The unit of an interface that does not say is the microsecond.
        let time = UInt64(max(0, milliseconds)) * 1000
        let length = little(UInt32(bytes.count))
        return block(
            6,
            little(UInt32(0)) + little(UInt32(truncatingIfNeeded: time >> 32))
                + little(UInt32(truncatingIfNeeded: time))
                + length + length + padded(bytes))
    }

    private static func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
        little(code) + little(UInt16(value.count)) + padded(value)
    }

    private static func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let length = little(UInt32(12 + body.count))
        return little(type) + length + body + length
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
