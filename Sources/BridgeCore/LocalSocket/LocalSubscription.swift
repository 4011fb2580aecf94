/// What a local program wants to hear of.
public struct LocalSubscription: Equatable, Sendable {
    /// Patterns of Alink methods, in which `*` stands for any characters.
    public var methods: [String]
    /// MQTT topic filters.
    public var topics: [String]
    /// Whether changes of the link are told.
    public var link: Bool
    /// Whether it only looks on: a request of the cloud that nobody else takes counts as not taken.
    public var observes: Bool

    /// Most patterns of each kind.
    public static let mostPatterns = 64
    /// Most bytes of a pattern.
    public static let longestPattern = 1024

    public init(methods: [String] = [], topics: [String] = [], link: Bool = false, observes: Bool = false) {
        self.observes = observes
        self.methods = methods
        self.topics = topics
        self.link = link
    }

    /// Whether a message is wanted.
    public func takes(topic: String, method: String?) -> Bool {
        topics.contains { MQTTTopic.matches(filter: $0, name: topic) }
            || method.map { method in methods.contains { Self.matches(pattern: $0, method) } } ?? false
    }

    /// Glob matching with `*` alone, in time proportional to both lengths.
    static func matches(pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        let star = UInt8(ascii: "*")
        var (p, t) = (0, 0)
        var lastStar: (p: Int, t: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == star {
                lastStar = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let star = lastStar {
                p = star.p + 1
                t = star.t + 1
                lastStar = (star.p, t)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == star }
    }
}

extension LocalSubscription {
    private static let known: Set<String> = ["bridge", "methods", "topics", "link", "observe", "tag"]

    /// Reads `{"bridge":"subscribe",…}`.
    init(_ index: JSONObjectIndex) throws(LocalRefusal) {
        var seen: Set<String> = []
        for member in index.members {
            guard Self.known.contains(member.name) else {
                throw Self.invalid("\"\(String(member.name.prefix(32)))\" is no member of a subscribe request")
            }
            guard seen.insert(member.name).inserted else {
                throw Self.invalid("\"\(member.name)\" occurs more than once")
            }
        }
        methods = try Self.strings(index["methods"], "methods")
        topics = try Self.strings(index["topics"], "topics")
        for filter in topics {
            do throws(MQTTError) {
                try MQTTTopic.checkFilter(filter)
            } catch {
                throw LocalRefusal(.invalidTopic, "\"topics\": \(error)")
            }
        }
        link = try Self.bool(index["link"], "link")
        observes = try Self.bool(index["observe"], "observe")
        guard link || !methods.isEmpty || !topics.isEmpty else {
            throw Self.invalid("\"methods\", \"topics\" or \"link\" is needed")
        }
    }

    private static func bool(_ member: JSONObjectIndex.Member?, _ name: String) throws(LocalRefusal) -> Bool {
        switch member.map({ String(decoding: $0.value, as: UTF8.self) }) {
        case nil, "false": return false
        case "true": return true
        default: throw invalid("\"\(name)\" has to be true or false")
        }
    }

    private static func strings(_ member: JSONObjectIndex.Member?, _ name: String) throws(LocalRefusal) -> [String] {
        guard let member else { return [] }
        guard let value = try? JSONValue(parsing: Array(member.value)), case .array(let elements) = value,
            elements.count <= mostPatterns
        else { throw invalid("\"\(name)\" has to be an array of at most \(mostPatterns) strings") }
        var strings: [String] = []
        for element in elements {
            guard let text = element.text, (1...longestPattern).contains(text.utf8.count) else {
                throw invalid("\"\(name)\" has to hold strings of 1 to \(longestPattern) bytes")
            }
            strings.append(text)
        }
        return strings
    }

    private static func invalid(_ detail: String) -> LocalRefusal { LocalRefusal(.invalidRequest, detail) }
}
