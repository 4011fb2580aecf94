/// Gives out the `id` of Alink requests whose senders gave none: decimal uint32, one after the other.
///
/// The platform wants an id that is unique per device for a day. The caller chooses the start so
/// that a restart does not repeat the ids of the run before (the seconds of the clock, shifted,
/// for example).
public struct AlinkIDs: Equatable, Sendable {
    private var upcoming: UInt32

    public init(start: UInt32) { upcoming = start }

    /// The next id.
    public mutating func next() -> String {
        defer { upcoming &+= 1 }
        return String(upcoming)
    }

    /// Whether a program's own id keeps the rule: 1 to 10 decimal digits, at most 4294967295.
    public static func isValid(_ id: String) -> Bool {
        (1...10).contains(id.utf8.count)
            && id.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            && UInt32(id) != nil
    }
}
