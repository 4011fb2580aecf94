/// The remaining length of a packet: one to four bytes, seven bits each, least significant first (section 2.2.3).
public enum RemainingLength {
    /// The largest value that four bytes can hold.
    public static let maximum = 268_435_455

    /// The shortest encoding.
    public static func encoded(_ length: Int) -> [UInt8] {
        precondition((0...maximum).contains(length), "A remaining length is 0 to 268,435,455.")
        var bytes: [UInt8] = []
        var rest = length
        repeat {
            let low = UInt8(rest & 0x7F)
            rest >>= 7
            bytes.append(rest > 0 ? low | 0x80 : low)
        } while rest > 0
        return bytes
    }

    /// Reads a length from the beginning of `bytes`.
    ///
    /// - Returns: the length and how many bytes it took; nil when more bytes are needed.
    public static func decode(_ bytes: ArraySlice<UInt8>) throws(MQTTError) -> (length: Int, size: Int)? {
        var length = 0
        for (index, byte) in bytes.prefix(4).enumerated() {
            length |= Int(byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return (length, index + 1) }
        }
        guard bytes.count < 4 else {
            throw MQTTError(nil, "the remaining length has more than four bytes (section 2.2.3)")
        }
        return nil
    }
}
