/// How far its sender wants to be told about a message.
public enum Until: String, CaseIterable, Comparable, Sendable {
    /// One line, once the message is on disk.
    case queued
    /// A further line when the broker has acknowledged it.
    case delivered
    /// And one when the cloud has answered it.
    case confirmed

    public static func < (left: Until, right: Until) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .queued: 0
        case .delivered: 1
        case .confirmed: 2
        }
    }
}

/// A message that a local program wants to have published.
public struct PublishRequest: Equatable, Sendable {
    public var topic: String
    /// What goes out, byte for byte.
    public var payload: [UInt8]
    /// 0 or 1; nil: as configured.
    public var qos: UInt8?
    /// The Alink `id`, by which the cloud's reply is found.
    public var alinkID: String?
    /// ``AlinkIDs/upcoming`` behind the id, when it was given out here.
    public var upcomingID: Int64?
    /// The Alink method, when there is one.
    public var method: String?
    public var until = Until.queued
    /// Milliseconds from now after which the message is worthless.
    public var expires: Int64?
    /// A second message with the same key is not sent.
    public var key: String?
    /// Echoed in every line about the message; JSON text in one line.
    public var tag: [UInt8]?

    public init(topic: String, payload: [UInt8], alinkID: String? = nil, method: String? = nil) {
        self.topic = topic
        self.payload = payload
        self.alinkID = alinkID
        self.method = method
    }

    /// What identifies the request in answers.
    public var identity: LocalAnswer.Identity { LocalAnswer.Identity(alinkID: alinkID, tag: tag) }
}
