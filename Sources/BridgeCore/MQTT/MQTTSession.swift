import DequeModule

/// What outlives one attempt: packet identifiers, and the messages that were lent out and not yet acknowledged.
///
/// A session is lent to an ``MQTTConnection`` and handed back by ``MQTTConnection/takeSession()``.
/// Its messages stand in two lists, and together they keep the order of publishing:
/// first ``inFlight`` (sent, identifier taken), then ``backlog`` (to be sent as new). Those of QoS 0 that were written and
/// have not left yet stand between them, and go back to the backlog when the connection ends before they have.
///
/// On CONNACK the connection decides once what becomes of ``inFlight``:
/// - session present: all of it is sent again, in order, with DUP and the same identifiers
///   [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1], before anything else;
/// - no session: the server knows nothing of those identifiers, so ``requeueInFlight()`` puts the
///   messages before the backlog, and they go out as new ones once the link is online.
///
/// Nothing new is sent before the backlog is empty.
public struct MQTTSession: Sendable {
    /// A QoS 1 message that was sent and not acknowledged.
    public struct InFlight: Equatable, Sendable {
        public var message: OutgoingMessage
        public var packetIdentifier: UInt16
        /// When its last byte left the line, by calculation; nil while this connection has not sent it.
        var departed: Moment?
        var wasSentAgain = false
    }

    /// The message that was first in flight when a connection ended which had sent it.
    public struct Exposure: Equatable, Sendable {
        public var message: Int64
        /// When its last byte left; nil when it had not.
        var departed: Moment?
        /// When it was sent, if it was sent after a probation (``MQTTConnection/Settings/probation``).
        var provedAt: Moment?

        public init(message: Int64, departed: Moment?, provedAt: Moment? = nil) {
            self.message = message
            self.departed = departed
            self.provedAt = provedAt
        }
    }

    /// Sent and not acknowledged, in the order of sending.
    public private(set) var inFlight: [InFlight] = []
    /// To be sent before anything new, in order.
    public private(set) var backlog: [OutgoingMessage] = []
    /// The outbox row of a message that goes alone, after a probation, because the link may break with it
    /// (``PoisonWatch``).
    public var suspect: Int64?
    /// Of the last connection.
    public internal(set) var exposure: Exposure?
    /// Filters that the server may hold a subscription for: asked for, and not unsubscribed since.
    var filters: [String] = []
    /// Of QoS 0, written, and not taken by the line yet.
    private(set) var departing: Deque<OutgoingMessage> = []
    /// Bytes on the wire of these.
    private(set) var departingBytes = 0
    /// Bytes on the wire of what is in flight.
    public private(set) var inFlightBytes = 0
    private var usedIdentifiers: Set<UInt16> = []
    private let identifiers: ClosedRange<UInt16>
    private var nextIdentifier: UInt16

    /// Packet identifiers with a line feed as their first byte.
    ///
    /// A module that has left transparent mode by accident takes PUBLISH and SUBSCRIBE for the beginning of a command line,
    /// and would say nothing for as long as no line ends. With a line feed in each of them it answers at once, `ERROR` in
    /// all likelihood (ESP8266 AT: a line without `AT`, or without CR, is refused), and that is no MQTT.
    public static let answeredByCommandMode: ClosedRange<UInt16> = 0x0A00...0x0AFF

    /// - Parameter identifiers: the packet identifiers to be given out, in turns.
    public init(identifiers: ClosedRange<UInt16> = 1...UInt16.max) {
        precondition(identifiers.lowerBound > 0, "Packet identifiers begin with 1 [MQTT-2.3.1-1]")
        self.identifiers = identifiers
        nextIdentifier = identifiers.lowerBound
    }

    /// The outbox rows that are lent to this session, in the order of publishing.
    public var sequences: [Int64] {
        inFlight.map(\.message.sequence) + departing.map(\.sequence) + backlog.map(\.sequence)
    }

    /// How many packet identifiers are in use.
    var identifiersInUse: Int { usedIdentifiers.count }

    /// Takes an identifier that is not in use [MQTT-2.3.1-2]; nil when all are.
    mutating func takeIdentifier() -> UInt16? {
        guard usedIdentifiers.count < identifiers.count else { return nil }
        while usedIdentifiers.contains(nextIdentifier) { advanceIdentifier() }
        defer { advanceIdentifier() }
        usedIdentifiers.insert(nextIdentifier)
        return nextIdentifier
    }

    private mutating func advanceIdentifier() {
        nextIdentifier = nextIdentifier == identifiers.upperBound ? identifiers.lowerBound : nextIdentifier + 1
    }

    /// Gives an identifier back that no message holds (SUBACK came, or the attempt is over).
    mutating func releaseIdentifier(_ identifier: UInt16) { usedIdentifiers.remove(identifier) }

    /// A message of QoS 0 was written.
    mutating func departs(_ message: OutgoingMessage) {
        departing.append(message)
        departingBytes += message.encodedLength
    }

    /// The line took the oldest message of QoS 0.
    mutating func departed() -> OutgoingMessage? {
        guard let message = departing.popFirst() else { return nil }
        departingBytes -= message.encodedLength
        return message
    }

    /// The connection is over: what did not leave is sent in the next one.
    mutating func requeueDeparting() {
        backlog.insert(contentsOf: departing, at: 0)
        departing = []
        departingBytes = 0
    }

    /// Puts a message behind all others.
    mutating func enqueue(_ message: OutgoingMessage) { backlog.append(message) }

    /// Takes the first message of the backlog.
    mutating func dequeue() -> OutgoingMessage? { backlog.isEmpty ? nil : backlog.removeFirst() }

    /// Notes that a message was sent under that identifier, which was taken before.
    mutating func sent(_ message: OutgoingMessage, packetIdentifier: UInt16, departed: Moment) {
        inFlight.append(InFlight(message: message, packetIdentifier: packetIdentifier, departed: departed))
        inFlightBytes += message.encodedLength
    }

    /// Notes that the message at that place of ``inFlight`` was sent once more.
    mutating func sentAgain(at index: Int, departed: Moment) {
        inFlight[index].departed = departed
        inFlight[index].wasSentAgain = true
    }

    /// The message at that place of ``inFlight`` leaves later than was thought.
    mutating func putOff(at index: Int, departed: Moment) { inFlight[index].departed = departed }

    /// Takes the message of that identifier out and frees the identifier [MQTT-2.3.1-3]; nil when there is none.
    mutating func acknowledged(_ identifier: UInt16) -> InFlight? {
        guard let index = inFlight.firstIndex(where: { $0.packetIdentifier == identifier }) else { return nil }
        let entry = inFlight.remove(at: index)
        inFlightBytes -= entry.message.encodedLength
        usedIdentifiers.remove(identifier)
        return entry
    }

    /// Gives a message up that was sent and not acknowledged, or is to be sent.
    public mutating func remove(_ sequence: Int64) {
        if let entry = inFlight.first(where: { $0.message.sequence == sequence }) {
            _ = acknowledged(entry.packetIdentifier)
        }
        backlog.removeAll { $0.sequence == sequence }
    }

    /// Whether nothing may go beside what is in flight.
    var isIsolating: Bool { suspect != nil && inFlight.contains { $0.message.sequence == suspect } }

    /// Whether the suspect has not been acknowledged yet.
    var holdsSuspect: Bool { isIsolating || suspect != nil && backlog.contains { $0.sequence == suspect } }

    /// A connection begins, which has sent nothing.
    mutating func begins() {
        exposure = nil
        for index in inFlight.indices { inFlight[index].departed = nil }
    }

    /// Puts what is in flight back before the backlog, without identifiers.
    mutating func requeueInFlight() {
        backlog.insert(contentsOf: inFlight.map(\.message), at: 0)
        for entry in inFlight { usedIdentifiers.remove(entry.packetIdentifier) }
        inFlight = []
        inFlightBytes = 0
    }
}
