/// Where a message stands that was once accepted.
public struct Receipt: Equatable, Sendable {
    public var number: Int64
    /// The Alink `id`, if it has one.
    public var alinkID: String?
    public var state: State

    public enum State: Equatable, Sendable {
        case waiting
        /// The broker has it (QoS 1), or it was written to the line (QoS 0).
        case delivered
        /// The cloud answered; `data` is valid JSON text as it was sent.
        case confirmed(code: Int, data: [UInt8]?, message: String?)
        case dropped(DropReason)
    }

    public init(number: Int64, alinkID: String?, state: State) {
        self.number = number
        self.alinkID = alinkID
        self.state = state
    }
}

/// What a program asks by.
public enum ReceiptQuery: Equatable, Sendable {
    case number(Int64)
    /// The newest message with this Alink `id`.
    case id(String)
}

/// The cloud's answer to a message, on the topic's `_reply`.
public struct CloudReply: Equatable, Sendable {
    /// The topic of the message it answers.
    public var topic: String
    public var id: String
    public var code: Int
    /// Valid JSON text.
    public var data: [UInt8]?
    public var message: String?
    /// The message it answers, where somebody waits for it.
    public var receipt: Int64?
    /// Else one of those that were delivered since then (wall clock, milliseconds since 1970),
    public var since: Int64 = .min
    /// or one of those that were published and not yet acknowledged, in that order.
    public var inFlight: [Int64] = []

    public init(topic: String, id: String, code: Int, data: [UInt8]?, message: String?) {
        self.topic = topic
        self.id = id
        self.code = code
        self.data = data
        self.message = message
    }
}
