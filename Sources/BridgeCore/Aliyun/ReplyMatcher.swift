/// Finds the message that a reply of the cloud belongs to: by reply topic and Alink id.
///
/// The platform answers a post on its topic with `_reply` behind it, with the same id, in this
/// session or a later one, or never. Waiting begins when the broker has the message.
public struct ReplyMatcher: Sendable {
    /// How long after its delivery a message waits for the cloud's reply.
    public static let patience = Duration.seconds(60)

    private struct Key: Hashable {
        var topic: String
        var id: String
    }

    private struct Waiting {
        var key: Key
        var until: Moment?
    }

    private var receipts: [Key: [Int64]] = [:]
    private var waiting: [Int64: Waiting] = [:]

    public init() {}

    /// How many messages wait for a reply.
    public var count: Int { waiting.count }

    /// When the first of them gives up.
    public var deadline: Moment? { waiting.values.compactMap(\.until).min() }

    /// The message with this receipt, published to `topic` with the Alink id `id`, will wait for its reply, if it does not yet.
    public mutating func awaits(receipt: Int64, topic: String, id: String) {
        guard waiting[receipt] == nil else { return }
        let key = Key(topic: topic + "_reply", id: id)
        receipts[key, default: []].append(receipt)
        waiting[receipt] = Waiting(key: key, until: nil)
    }

    /// The broker has the message.
    public mutating func delivered(receipt: Int64, now: Moment) {
        waiting[receipt]?.until = now + Self.patience
    }

    /// A reply came: the receipts it answers.
    public mutating func replied(topic: String, id: String) -> [Int64] {
        let answered = receipts.removeValue(forKey: Key(topic: topic, id: id)) ?? []
        for receipt in answered { waiting[receipt] = nil }
        return answered
    }

    /// Nobody wants to know of this one any more.
    public mutating func forget(receipt: Int64) {
        guard let known = waiting.removeValue(forKey: receipt) else { return }
        receipts[known.key]?.removeAll { $0 == receipt }
        if receipts[known.key]?.isEmpty == true { receipts[known.key] = nil }
    }

    /// The receipts whose time is up.
    public mutating func expired(now: Moment) -> [Int64] {
        let late = waiting.filter { $0.value.until.map { $0 <= now } ?? false }.keys.sorted()
        for receipt in late { forget(receipt: receipt) }
        return late
    }
}
