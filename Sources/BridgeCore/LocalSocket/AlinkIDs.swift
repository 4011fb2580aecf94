/// Gives out the `id` of Alink requests whose senders gave none: decimal uint32, one after the other.
///
/// The platform wants an id that is unique per device for a day. The outbox keeps ``upcoming`` with each message that
/// has an id from here, so that a restart does not repeat the ids of the run before, at whatever rate they were used.
public struct AlinkIDs: Equatable, Sendable {
    /// The number that the next id is made of.
    public private(set) var upcoming: Int64

    public init(start: Int64) { upcoming = start }

    /// The next id.
    public mutating func next() -> String {
        defer { upcoming &+= 1 }
        return String(UInt32(truncatingIfNeeded: upcoming))
    }

    /// Whether a program's own id keeps the rule: 1 to 10 decimal digits, at most 4294967295.
    public static func isValid(_ id: String) -> Bool {
        (1...10).contains(id.utf8.count)
            && id.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            && UInt32(id) != nil
    }
}
