import DequeModule

/// One MQTT connection from CONNECT to its end, as decisions only.
///
/// ``opened(now:)`` sends CONNECT; after CONNACK the topics are subscribed; then messages flow. Every input
/// returns the effects to be carried out in order, and ``deadline`` says when ``timerFired(now:)`` is due.
/// A connection is never repaired: after ``Effect/failed(_:)`` only ``takeSession()`` is of use.
///
/// What is in flight when a connection ends is sent again first thing on the next one, in the same order
/// and with the same identifiers [MQTT-4.4.0-1]; with DUP set when the broker still has the session
/// [MQTT-3.3.1-1], as new messages when it began another.
public struct MQTTConnection: Sendable {
    /// What a connection is told at its beginning.
    public struct Settings: Equatable, Sendable {
        public var connect: MQTTPacket.Connect
        public var subscriptions: [Subscription]
        /// The platform takes at most 8 topics in a SUBSCRIBE.
        public var topicsPerSubscribe = 8
        /// How long CONNACK and SUBACK may take.
        public var answerTimeout = Duration.seconds(10)
        /// How long PINGRESP may take.
        public var pingTimeout = Duration.seconds(10)
        /// How long PUBACK may take, beside the time its bytes need on the line.
        public var publishTimeout = Duration.seconds(20)
        /// How long the rest of a packet may take once its beginning is there.
        public var fragmentTimeout = Duration.seconds(15)
        /// Bytes of unacknowledged PUBLISH packets on their way; one larger message may go alone.
        ///
        /// Without flow control the modem drops what a stalled network does not take (it holds twice 2,920
        /// bytes), so no more than this is entrusted to it.
        public var windowBytes = 2048
        /// The platform takes at most 100 unacknowledged messages.
        public var windowMessages = 100
        /// What the line carries; timeouts begin when the bytes have left.
        public var bytesPerSecond: Int
        /// The largest packet taken from the broker: 256 KiB of payload, and its topic.
        public var maximumPacketSize = 262_144 + 1024

        public init(connect: MQTTPacket.Connect, subscriptions: [Subscription], bytesPerSecond: Int) {
            precondition(bytesPerSecond > 0, "A line carries something.")
            self.connect = connect
            self.subscriptions = subscriptions
            self.bytesPerSecond = bytesPerSecond
        }
    }

    public enum Effect: Equatable, Sendable {
        case send([UInt8])
        case climbed(Rung)
        case connected(sessionPresent: Bool)
        /// A QoS 0 message has been handed to the line.
        case written(Int64)
        /// PUBACK.
        case acknowledged(Int64)
        case message(InboundMessage)
        /// More may be published.
        case windowOpened
        case pinged(Duration)
        /// SUBACK refused these filters; the connection goes on.
        case refusedSubscriptions([String])
        /// DISCONNECT was sent; nothing follows.
        case disconnected
        case failed(LinkFailure)
        case note(String)
    }

    private enum State {
        case idle
        case connecting
        case subscribing([UInt16: [String]])
        case online
        case over
    }

    private let settings: Settings
    private var session: MQTTSession
    private var decoder: MQTTStreamDecoder
    private var state = State.idle
    private var bootText = BootTextDetector()
    private var liveness: Liveness
    /// When the answer that the present state waits for is due.
    private var answerDue: Moment?
    /// When the rest of a packet is due.
    private var fragmentDue: Moment?
    /// In flight from an earlier connection, to be sent first.
    private var resending: Deque<MQTTSession.InFlight> = []
    private var resendsAsDuplicate = false
    /// Sent on this connection and not acknowledged: identifier, bytes, and when PUBACK is due.
    private var outstanding: Deque<Outstanding> = []
    private var outstandingBytes = 0

    private struct Outstanding {
        var identifier: UInt16
        var size: Int
        var due: Moment
    }

    public init(settings: Settings, session: MQTTSession) {
        self.settings = settings
        self.session = session
        decoder = MQTTStreamDecoder(maximumPacketSize: settings.maximumPacketSize)
        liveness = Liveness(
            keepAlive: .seconds(Int(settings.connect.keepAlive)), pingTimeout: settings.pingTimeout,
            bytesPerSecond: settings.bytesPerSecond)
    }

    /// When ``timerFired(now:)`` is due.
    public var deadline: Moment? {
        guard !isOver else { return nil }
        return [answerDue, fragmentDue, outstanding.first?.due, isOnline ? liveness.deadline : nil].compactMap(\.self)
            .min()
    }

    /// Whether CONNACK has been received, so that an end in order has DISCONNECT.
    public var isConnected: Bool {
        switch state {
        case .subscribing, .online: true
        case .idle, .connecting, .over: false
        }
    }

    private var isOnline: Bool {
        if case .online = state { true } else { false }
    }

    private var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Whether a message may be published now: online, nothing left to resend, and room in the window.
    public func canPublish(_ message: OutgoingMessage) -> Bool {
        isOnline && resending.isEmpty && hasRoom(for: message)
    }

    private func hasRoom(for message: OutgoingMessage) -> Bool {
        outstanding.isEmpty
            || outstanding.count < settings.windowMessages
                && outstandingBytes + message.wireSize <= settings.windowBytes
    }

    /// What outlives this connection, which is over afterwards.
    public mutating func takeSession() -> MQTTSession {
        state = .over
        defer { session = MQTTSession() }
        return session
    }

    // MARK: Inputs

    /// The tunnel is open.
    public mutating func opened(now: Moment) -> [Effect] {
        guard case .idle = state else { return [] }
        state = .connecting
        let connect = send(.connect(settings.connect), now: now)
        answerDue = liveness.lineFree + settings.answerTimeout
        return [.climbed(.connecting), connect]
    }

    /// Bytes came from the broker.
    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        guard !isOver, !bytes.isEmpty else { return [] }
        liveness.received(now: now)
        bootText.saw(bytes)
        decoder.append(bytes)
        var effects: [Effect] = []
        do throws(MQTTError) {
            while !isOver, let packet = try decoder.next() {
                effects += try handle(packet, now: now)
            }
        } catch {
            return effects + [fail(suspected(.protocolViolation(detail: error.description)))]
        }
        guard !isOver else { return effects }
        fragmentDue =
            decoder.waitingBytes == 0
            ? nil
            : now + (bootText.isAtEnd ? min(.milliseconds(1500), settings.fragmentTimeout) : settings.fragmentTimeout)
        return effects
    }

    /// Sends a message; ``canPublish(_:)`` has to hold.
    public mutating func publish(_ message: OutgoingMessage, now: Moment) -> [Effect] {
        guard !isOver else { return [] }
        precondition(isOnline, "Messages are published once the connection is online.")
        guard message.qos > .atMostOnce else {
            return [send(message.packet(identifier: nil, duplicate: false), now: now), .written(message.sequence)]
        }
        let identifier = session.add(message)
        return [transmit(.init(identifier: identifier, message: message), duplicate: false, now: now)]
    }

    /// Ends the connection in order: DISCONNECT, and nothing after it [MQTT-3.14.4-2].
    public mutating func disconnect(now: Moment) -> [Effect] {
        guard isConnected else { return [] }
        let farewell = send(.disconnect, now: now)
        state = .over
        return [farewell, .disconnected]
    }

    /// ``deadline`` has come.
    public mutating func timerFired(now: Moment) -> [Effect] {
        guard !isOver else { return [] }
        if let due = fragmentDue, due <= now {
            return [fail(suspected(.protocolViolation(detail: "the rest of a packet did not come")))]
        }
        if let due = answerDue, due <= now {
            return [fail(suspected(isConnected ? .noSubscribeAcknowledgement : .noConnectAcknowledgement))]
        }
        if let due = outstanding.first?.due, due <= now { return [fail(suspected(.publishTimedOut))] }
        guard isOnline else { return [] }
        switch liveness.timerFired(now: now) {
        case .nothing: return []
        case .ping: return [send(.pingReq, now: now)]
        case .dead: return [fail(suspected(.pingTimedOut))]
        }
    }

    // MARK: Packets

    private mutating func handle(_ packet: MQTTPacket, now: Moment) throws(MQTTError) -> [Effect] {
        switch (state, packet) {
        case (.connecting, .connectAcknowledgement(let answer)):
            return try accepted(sessionPresent: answer.sessionPresent, answer.returnCode, now: now)
        case (.connecting, _):
            throw MQTTError(rule: "MQTT-3.2.0-1", "\(packet.kind.name) before CONNACK")
        case (.subscribing(let waiting), .subAck(let answer)):
            return try subscribed(waiting, answer, now: now)
        case (_, .publish(let publish)):
            return try received(publish, now: now)
        case (_, .pubAck(let answer)):
            return acknowledged(answer.packetIdentifier, now: now)
        case (_, .pingResp):
            return liveness.pingAnswered(now: now).map { [.pinged($0)] } ?? []
        case (_, .subAck), (_, .unsubAck):
            return [.note("\(packet.kind.name) that nobody waits for")]
        default:
            throw MQTTError(rule: "table 2.1", "\(packet.kind.name), which a server does not send here")
        }
    }

    private mutating func accepted(
        sessionPresent: Bool, _ code: ConnectReturnCode, now: Moment
    ) throws(MQTTError) -> [Effect] {
        guard code == .accepted else { return [fail(.refused(code))] }
        guard !sessionPresent || !settings.connect.cleanSession else {
            throw MQTTError(rule: "MQTT-3.2.2-1", "CONNACK with a present session although a clean one was asked for")
        }
        answerDue = nil
        resending = session.inFlight
        resendsAsDuplicate = sessionPresent
        return [.connected(sessionPresent: sessionPresent)] + subscribe(now: now)
    }

    private mutating func subscribe(now: Moment) -> [Effect] {
        guard !settings.subscriptions.isEmpty else { return online(now: now) }
        var waiting: [UInt16: [String]] = [:]
        var effects: [Effect] = [.climbed(.subscribing)]
        var rest = settings.subscriptions[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(settings.topicsPerSubscribe))
            rest = rest.dropFirst(batch.count)
            var identifier = session.nextIdentifier()
            while waiting[identifier] != nil { identifier = session.nextIdentifier() }
            waiting[identifier] = batch.map(\.filter)
            effects.append(send(.subscribe(.init(packetIdentifier: identifier, subscriptions: batch)), now: now))
        }
        answerDue = liveness.lineFree + settings.answerTimeout
        state = .subscribing(waiting)
        return effects
    }

    private mutating func subscribed(
        _ waiting: [UInt16: [String]], _ answer: MQTTPacket.SubAck, now: Moment
    ) throws(MQTTError) -> [Effect] {
        var waiting = waiting
        guard let filters = waiting.removeValue(forKey: answer.packetIdentifier) else {
            throw MQTTError(
                rule: "MQTT-3.8.4-2",
                "SUBACK with packet identifier \(answer.packetIdentifier), which no SUBSCRIBE has")
        }
        guard filters.count == answer.granted.count else {
            throw MQTTError(
                rule: "MQTT-3.8.4-5",
                "SUBACK with \(answer.granted.count) return codes for \(filters.count) filters")
        }
        let refused = zip(filters, answer.granted).filter { $0.1 == nil }.map(\.0)
        let effects: [Effect] = refused.isEmpty ? [] : [.refusedSubscriptions(refused)]
        guard waiting.isEmpty else {
            state = .subscribing(waiting)
            return effects
        }
        return effects + online(now: now)
    }

    private mutating func online(now: Moment) -> [Effect] {
        state = .online
        answerDue = nil
        return [.climbed(.online)] + resend(now: now) + (resending.isEmpty ? [.windowOpened] : [])
    }

    /// Sends what was in flight before, as far as the window allows.
    private mutating func resend(now: Moment) -> [Effect] {
        var effects: [Effect] = []
        while let next = resending.first, hasRoom(for: next.message) {
            resending.removeFirst()
            effects.append(transmit(next, duplicate: resendsAsDuplicate, now: now))
        }
        return effects
    }

    private mutating func received(_ publish: MQTTPacket.Publish, now: Moment) throws(MQTTError) -> [Effect] {
        guard publish.qos < .exactlyOnce else {
            throw MQTTError(rule: "MQTT-3.8.4-6", "PUBLISH at quality of service 2, although at most 1 was asked for")
        }
        let message = InboundMessage(
            topic: publish.topic, payload: publish.payload, qos: publish.qos, duplicate: publish.dup,
            retain: publish.retain)
        guard let identifier = publish.packetIdentifier else { return [.message(message)] }
        return [.message(message), send(.pubAck(.init(packetIdentifier: identifier)), now: now)]
    }

    private mutating func acknowledged(_ identifier: UInt16, now: Moment) -> [Effect] {
        guard let index = outstanding.firstIndex(where: { $0.identifier == identifier }),
            let message = session.acknowledge(identifier)
        else { return [.note("PUBACK with packet identifier \(identifier), which nothing in flight has")] }
        outstandingBytes -= outstanding.remove(at: index).size
        let resent = resend(now: now)
        return [.acknowledged(message.sequence)] + resent + (resending.isEmpty ? [.windowOpened] : [])
    }

    // MARK: Small parts

    private mutating func transmit(_ item: MQTTSession.InFlight, duplicate: Bool, now: Moment) -> Effect {
        let effect = send(item.message.packet(identifier: item.identifier, duplicate: duplicate), now: now)
        let size = item.message.wireSize
        outstandingBytes += size
        outstanding.append(
            .init(identifier: item.identifier, size: size, due: liveness.lineFree + settings.publishTimeout))
        return effect
    }

    /// Encodes a packet for the line.
    ///
    /// The modem leaves transparent mode when its buffer holds exactly `+++` at the 20 ms idle timer, and it
    /// cuts a long burst after 2,920 bytes: a packet that ends in `+++` could leave just these three behind.
    /// A PINGREQ in the same write keeps them from being the last.
    private mutating func send(_ packet: MQTTPacket, now: Moment) -> Effect {
        var bytes = packet.encoded()
        var isPing = packet == .pingReq
        if bytes.suffix(3) == [0x2B, 0x2B, 0x2B] {
            bytes += MQTTPacket.pingReq.encoded()
            isPing = true
        }
        liveness.sent(bytes: bytes.count, isPing: isPing, now: now)
        return .send(bytes)
    }

    private mutating func fail(_ failure: LinkFailure) -> Effect {
        state = .over
        return .failed(failure)
    }

    /// The modem's boot text in the stream explains any other failure.
    private func suspected(_ failure: LinkFailure) -> LinkFailure {
        bootText.wasSeen ? .modemRestartedOnline : failure
    }
}
