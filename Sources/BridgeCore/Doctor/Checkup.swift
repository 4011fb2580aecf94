/// What the doctor says about one rung.
public struct Checkup: Equatable, Sendable {
    /// The rungs in the order in which they are climbed, by the names that are printed.
    public enum Rung: String, CaseIterable, Sendable {
        case clock
        case port
        case baud
        case at = "AT"
        case firmware
        case accessPoint = "access point"
        case join
        case address
        case dns = "DNS"
        case tcp = "TCP"
        case tls = "TLS"
        case connack = "CONNACK"
        case suback = "SUBACK"
        case roundTrip = "round trip"
    }

    public enum Result: String, Sendable {
        case good = "ok"
        case bad = "FAIL"
        case skipped = "skip"
    }

    public var rung: Rung
    public var result: Result
    /// The measured facts, or what is wrong.
    public var words: String
    /// What to try.
    public var advice: [String] = []

    public init(_ rung: Rung, _ result: Result, _ words: String, advice: [String] = []) {
        self.rung = rung
        self.result = result
        self.words = words
        self.advice = advice
    }

    /// A rung that failed for a reason that the daemon knows too.
    public init(_ rung: Rung, _ failure: LinkFailure, more: [String] = []) {
        self.init(rung, .bad, failure.description, advice: [failure.advice] + more)
    }

    /// `ok    AT            answered after 3 ms`, and a line for each advice.
    public var lines: [String] {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let first = padded(result.rawValue, 6) + padded(rung.rawValue, 14) + words
        return [first] + advice.map { padded("", 20) + "try: " + $0 }
    }
}
