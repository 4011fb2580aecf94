import DequeModule

/// The MQTT side of one attempt: one TCP connection from CONNECT to its end, as a pure machine.
///
/// Duties:
/// - the order of packets: CONNECT first [MQTT-3.1.0-1], nothing but CONNACK before CONNACK
///   [MQTT-3.2.0-1], nothing after DISCONNECT [MQTT-3.14.4-2];
/// - subscribing, publishing within a window, sending again what an earlier attempt left over
///   (see ``MQTTSession``), acknowledging, keep-alive;
/// - giving up, with a reason, when the server breaks the protocol or falls silent.
///
/// How it works: call an input, carry out its effects in order, set the one timer to ``deadline``,
/// then the next input. After ``Effect/failed(_:)`` or ``Effect/disconnected`` the machine is at its
/// end and ignores every input; ``takeSession()`` hands back what the next attempt needs.
///
/// Time on the line: on a serial line bytes leave long after they were written. Whatever is timed from
/// the sending of a packet is timed from the moment its last byte leaves, calculated from
/// ``Settings/bytesPerSecond``. ``lineTook(_:now:)`` tells when the line has really taken it; a message of QoS 0 is the
/// session's until then.
public struct MQTTConnection: Sendable {
    enum Phase: Equatable {
        case idle
        case connecting(until: Moment)
        case subscribing
        case online
        /// Bytes came that are not MQTT; the verdict is awaited.
        case condemned(LinkFailure, until: Moment)
        case ended
    }

    /// A PINGREQ without its PINGRESP.
    struct Ping: Equatable {
        var sent: Moment
        var departed: Moment
    }

    /// A write to the line.
    struct Burst: Equatable {
        /// When its last byte leaves, by calculation.
        var departs: Moment
        /// Whether a message of QoS 0 ends with it.
        var endsMessage: Bool
        var bytes: Int
    }

    /// A part of a packet, and when it is written.
    struct Piece: Equatable {
        var due: Moment
        var bytes: [UInt8]
        var burst: Burst
        /// Whether the connection is looked after before it goes, if it is of a message that may break it.
        var isTelling = false
    }

    /// What a session has to show before a suspect goes (``Settings/probation``).
    enum Probation: Equatable {
        case waiting(until: Moment)
        /// It has lived so long: whether on one connection, and whether the server answers, is asked.
        case asked
    }

    /// Whether the connection below is being looked after.
    enum Suspicion: Equatable {
        case none
        case verifying
        /// It was the same one, so many times since the server was last heard, for the last time at `at`.
        case cleared(times: Int, at: Moment)
    }

    var settings: Settings
    var session: MQTTSession
    var phase = Phase.idle
    var decoder: MQTTStreamDecoder
    var tail = ModemText.Tail()
    /// When the line will have sent all that was written to it.
    var lineFree = Moment.zero
    /// What the line has not taken yet.
    var outstanding = ByteLedger<Burst>()
    /// How far the line holds back.
    var hold = LineHold()
    /// When the connection below was last begun to be looked after.
    var lookBegan = Moment.zero
    var probation: Probation?
    /// When the session had passed its probation.
    var provedAt: Moment?
    /// When bytes last came, or the line was opened.
    var lastReceived = Moment.zero
    var hasHeard = false
    var pings: [Ping] = []
    /// Pieces of packets that wait for their time.
    var pieces: Deque<Piece> = []
    var roundTrip = RoundTrip()
    var suspicion = Suspicion.none
    /// Looks since the server was last heard that found nothing wrong.
    var clearances = 0
    /// When the message that was the oldest in flight was last acknowledged.
    var oldestAcknowledged = Moment.zero
    /// When CONNECT left the line.
    var connectDeparted = Moment.zero
    var pending: Pending?
    /// What this connection has asked the server for, refused or not, and not taken back.
    var asked: [String: QoS] = [:]
    var change = SubscriptionChange()
    /// QoS 0 messages wait until the line has caught up.
    var catchUp: Moment?
    /// Inbound QoS 1 messages that the caller has not acknowledged yet.
    var unacknowledged: Set<UInt16> = []
    private(set) var sessionTaken = false

    public init(settings: Settings, session: MQTTSession) {
        self.settings = settings
        self.session = session
        self.session.begins()
        decoder = MQTTStreamDecoder(maximumPacketSize: settings.maximumPacketSize)
    }

    // MARK: Inputs

    /// The line to the server is open, and this machine has it for itself.
    public mutating func opened(now: Moment) -> [Effect] {
        guard phase == .idle else { return [] }
        var effects: [Effect] = [.climbed(.connecting)]
        lineFree = now
        lastReceived = now
        transmit(MQTTPacket.connect(settings.connect).encoded(), now: now, &effects)
        connectDeparted = lineFree
        phase = .connecting(until: lineFree + settings.connackTimeout)
        return effects
    }

    /// A message is to go out, after all that were given before.
    ///
    /// The caller asks ``canPublish(bytes:)`` first. A message that comes although there is no room, or
    /// the link is not online, is kept in the session and goes as soon as it can, in this attempt or the
    /// next; it is ignored only after ``takeSession()``.
    public mutating func publish(_ message: OutgoingMessage, now: Moment) -> [Effect] {
        guard !sessionTaken else { return [] }
        session.enqueue(message)
        var effects: [Effect] = []
        pump(now: now, &effects)
        return effects
    }

    /// An inbound QoS 1 message is safe; its PUBACK goes out.
    ///
    /// Acknowledge in the order of arrival [MQTT-4.6.0-2].
    public mutating func acknowledge(packetIdentifier: UInt16, now: Moment) -> [Effect] {
        guard isTalking, unacknowledged.remove(packetIdentifier) != nil else { return [] }
        var effects: [Effect] = []
        transmit(MQTTPacket.pubAck(.init(packetIdentifier: packetIdentifier)).encoded(), now: now, &effects)
        return effects
    }

    /// The link is to be ended in order.
    public mutating func disconnect(now: Moment) -> [Effect] {
        var effects: [Effect] = []
        switch phase {
        case .ended: return []
        case .idle, .condemned: break
        case .connecting, .subscribing, .online:
            // The rest of a packet that is longer than what the module can hold cannot go before the end. Then the server
            // sees the connection closed in the middle of it; DISCONNECT would be taken for more of it.
            guard pieces.count <= Self.lastPieces else { break }
            transmit(MQTTPacket.disconnect.encoded(), now: now, &effects)
            while let piece = pieces.popFirst() { send(piece, &effects) }
        }
        end(.disconnected, &effects)
        return effects
    }

    /// Ends the attempt without a word, if it has not ended, and hands the session to the next one.
    public mutating func takeSession() -> MQTTSession {
        forgetPending()
        noteExposure()
        session.requeueDeparting()
        phase = .ended
        sessionTaken = true
        defer { session = MQTTSession() }
        return session
    }

    /// So many pieces, of half of ``Settings/longestBurst`` each, the module takes at once.
    private static let lastPieces = 2

    // MARK: State

    /// Whether a message of so many bytes on the wire (``OutgoingMessage/encodedLength``) may go out now.
    public func canPublish(bytes: Int) -> Bool {
        phase == .online && session.backlog.isEmpty && hasRoom(for: bytes)
    }

    /// When the server was last heard; nil when it never was.
    public var lastHeard: Moment? { hasHeard ? lastReceived : nil }

    /// Whether the attempt is over.
    public var hasEnded: Bool { phase == .ended }

    /// Messages and bytes that wait for PUBACK.
    public var inFlight: (messages: Int, bytes: Int) { (session.inFlight.count, session.inFlightBytes) }

    /// Whether CONNACK has come and the end has not.
    var isTalking: Bool {
        switch phase {
        case .subscribing, .online: true
        default: false
        }
    }
}
