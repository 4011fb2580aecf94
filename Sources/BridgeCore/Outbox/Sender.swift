/// Whose message it is: for order, fair turns, and messages that come a second time.
public struct Sender: Hashable, Sendable {
    /// The program, the same over its connections and restarts; see ``program(named:)``.
    public var program: Int64
    /// The connection that the message came on; a number of its own in the whole life of an outbox.
    public var connection: Int64

    public init(program: Int64, connection: Int64) {
        self.program = program
        self.connection = connection
    }

    /// The daemon itself, which sends programs' answers to the cloud.
    public static let daemon = Sender(program: 0, connection: 0)

    /// The number of a program, from what tells it from others: positive.
    public static func program(named name: String) -> Int64 {
        max(1, Int64(bitPattern: Fingerprint.of([Array(name.utf8)])) & .max)
    }
}

/// A short number for long content: equal content has the same one, on every machine and in every release.
public enum Fingerprint {
    private static let basis: UInt64 = 0xcbf2_9ce4_8422_2325

    /// FNV-1a of 64 bits (draft-eastlake-fnv) over the parts, each with its length in front.
    public static func of(_ parts: [[UInt8]]) -> UInt64 {
        parts.reduce(basis) { hash, part in
            let length = withUnsafeBytes(of: UInt64(part.count).littleEndian) { mix($0, into: hash) }
            return part.withUnsafeBytes { mix($0, into: length) }
        }
    }

    /// FNV-1a of 64 bits.
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 { mix(bytes, into: basis) }

    private static func mix(_ bytes: UnsafeRawBufferPointer, into hash: UInt64) -> UInt64 {
        bytes.reduce(hash) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
