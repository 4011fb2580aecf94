/// What happens on the connection to the broker, as a recording tells it.
public enum StreamEvent: Equatable, Sendable {
    case opened
    case closed
    /// To the broker.
    case sent([UInt8])
    /// From the broker.
    case received([UInt8])
}

extension StreamEvent {
    /// Reads a line of the daemon with `"event":"stream"`; nil for any other.
    public init?(_ line: JSONValue) {
        guard line["event"]?.text == "stream" else { return nil }
        if line["opened"] == .bool(true) {
            self = .opened
        } else if line["closed"] == .bool(true) {
            self = .closed
        } else if let bytes = line["sent"]?.text.flatMap({ Base64.decode($0.utf8) }) {
            self = .sent(bytes)
        } else if let bytes = line["received"]?.text.flatMap({ Base64.decode($0.utf8) }) {
            self = .received(bytes)
        } else {
            return nil
        }
    }
}
