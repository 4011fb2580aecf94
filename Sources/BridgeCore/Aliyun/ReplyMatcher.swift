/// Finds the message that a reply of the cloud belongs to: by reply topic and Alink id.
///
/// The platform answers a post on its topic with `_reply` behind it, with the same id, in this
/// session or a later one, or never. Waiting begins when the broker has the message; what was never
/// published is not answered.
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

    private struct Delivered {
        var receipt: Int64
        var session: Int
    }

    private var waiting: [Int64: Waiting] = [:]
    /// Those of ``waiting`` that the broker has, in the order in which it acknowledged them.
    private var delivered: [Key: [Delivered]] = [:]
    private var session = 0

    public init() {}

    /// How many messages wait for a reply.
    public var count: Int { waiting.count }

    /// When the first of them gives up.
    public var deadline: Moment? { waiting.values.compactMap(\.until).min() }

    /// The message with this receipt, published to `topic` with the Alink id `id`, will wait for its reply, if it does not yet.
    public mutating func awaits(receipt: Int64, topic: String, id: String) {
        guard waiting[receipt] == nil else { return }
        waiting[receipt] = Waiting(key: Key(topic: topic + "_reply", id: id), until: nil)
    }

    /// The broker has the message.
    public mutating func delivered(receipt: Int64, now: Moment) {
        guard let known = waiting[receipt] else { return }
        if known.until == nil {
            delivered[known.key, default: []].append(Delivered(receipt: receipt, session: session))
        }
        waiting[receipt]?.until = now + Self.patience
    }

    /// Replies to what was delivered so far may be lost; those that come are more likely to belong to what follows.
    public mutating func sessionEnded() { session += 1 }

    /// A reply came: the receipt it answers.
    ///
    /// Replies come in the order of what they answer, each to one message. Where an id was used more than once, that is the
    /// first one that waits of those delivered in this session, or else of those in flight, or else of earlier ones.
    /// - Parameter inFlight: published and not acknowledged, in the order of publishing.
    public mutating func replied(topic: String, id: String, inFlight: [Int64]) -> Int64? {
        let key = Key(topic: topic, id: id)
        let known = delivered[key] ?? []
        guard
            let receipt = known.first(where: { $0.session == session })?.receipt
                ?? inFlight.first(where: { waiting[$0]?.key == key }) ?? known.first?.receipt
        else { return nil }
        forget(receipt: receipt)
        return receipt
    }

    /// Nobody wants to know of this one any more.
    public mutating func forget(receipt: Int64) {
        guard let known = waiting.removeValue(forKey: receipt), known.until != nil else { return }
        delivered[known.key]?.removeAll { $0.receipt == receipt }
        if delivered[known.key]?.isEmpty == true { delivered[known.key] = nil }
    }

    /// The receipts whose time is up.
    public mutating func expired(now: Moment) -> [Int64] {
        let late = waiting.filter { $0.value.until.map { $0 <= now } ?? false }.keys.sorted()
        for receipt in late { forget(receipt: receipt) }
        return late
    }
}
