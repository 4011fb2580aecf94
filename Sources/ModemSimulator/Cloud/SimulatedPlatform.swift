import BridgeCore

/// The MQTT side of the Aliyun IoT Platform, small, and without sockets: judges sign-ins, keeps one session a
/// device, answers requests of the thing model, and says what it saw.
///
/// What breaks MQTT 3.1.1 closes the connection and is reported with the number of its normative statement.
public struct SimulatedPlatform: Sendable {
    /// Names one TCP connection.
    public typealias ConnectionID = Int

    /// What happened.
    public enum Input: Sendable {
        case opened(ConnectionID, peer: String, isSecure: Bool = false)
        case received(ConnectionID, [UInt8])
        case closed(ConnectionID)
        case ordered(CloudOrder)
        /// ``deadline`` was reached.
        case timePassed
    }

    /// What the caller is to do.
    public enum Effect: Equatable, Sendable {
        case send(ConnectionID, [UInt8])
        case close(ConnectionID)
        case report(CloudEvent)
    }

    /// One TCP connection.
    struct Connection {
        var decoder = MQTTStreamDecoder(maximumPacketSize: SimulatedPlatform.largestPacket)
        var identity: SignInJudge.Identity?
        /// Closed when it is reached: CONNECT did not come, or nothing came.
        var deadline: Moment
        var keepAlive = Duration.zero
        var isClean = true
        /// Inside TLS.
        var isSecure = false
    }

    /// What the platform keeps of a device, beyond its connection if the session is not clean.
    struct Session {
        var subscriptions: [Subscription] = []
        /// Sent and not acknowledged, in order.
        var unacknowledged: [MQTTPacket.Publish] = []
        var lastIdentifier: UInt16 = 0
    }

    /// What the platform keeps of a device whether or not it is connected.
    struct Thing {
        var state = ThingState()
        var shadow = DeviceShadow()
        var rates = PlatformRates()
    }

    /// How long an application waits for the answer to a synchronous request.
    static let rrpcLimit = Duration.seconds(8)
    static let largestPacket = 1_048_576
    static let mostSubscriptions = 100
    static let mostFilters = 8
    static let longestTopic = 128
    static let largestPayload = 262_144
    private static let connectLimit = Duration.seconds(10)
    private static let sweep = Duration.seconds(30)

    let judge: SignInJudge
    var connections: [ConnectionID: Connection] = [:]
    /// By device name and product key.
    var sessions: [String: Session] = [:]
    var things: [String: Thing] = [:]
    var trouble = CloudTrouble()
    /// Synchronous requests that wait for the device, by their message id.
    var rrpcs: [String: Moment] = [:]
    private var lastRequest = 0
    private let enforcesRates: Bool
    /// The platform's wall clock, in milliseconds since 1970, at ``Moment/zero``.
    private let epoch: Int64
    private var forcedCode: ConnectReturnCode?
    private var isSilent = false
    private(set) var now = Moment.zero
    private var effects: [Effect] = []

    /// - Parameters:
    ///   - enforcesRates: drop what is more than the platform takes in a second, and connections beyond five a minute.
    ///   - epoch: the wall clock at ``Moment/zero``, in milliseconds since 1970, for NTP and shadows.
    public init(devices: [CloudDevice], enforcesRates: Bool = true, epoch: Int64 = 0) {
        judge = SignInJudge(devices: devices)
        self.enforcesRates = enforcesRates
        self.epoch = epoch
    }

    /// When something happens by itself, if nothing happens before.
    public var deadline: Moment? {
        earliest(
            trouble.deadline, earliest(connections.values.earliest { $0.deadline }, rrpcs.values.earliest { $0 }))
    }

    /// Milliseconds since 1970.
    var wallClock: Int64 { epoch + now.nanoseconds / 1_000_000 }

    /// Takes in what happened; what is to be done comes back in order.
    public mutating func input(_ input: Input, now moment: Moment) -> [Effect] {
        now = max(now, moment)
        switch input {
        case .opened(let id, let peer, let isSecure):
            connections[id] = Connection(deadline: now + Self.connectLimit, isSecure: isSecure)
            report(.opened(peer: peer))
        case .received(let id, let bytes): received(id, bytes)
        case .closed(let id):
            guard let connection = connections.removeValue(forKey: id) else { break }
            report(.lost(device: connection.identity?.device.deviceName))
        case .ordered(let order): perform(order)
        case .timePassed: break
        }
        timePassed()
        defer { effects = [] }
        return effects
    }

    // MARK: Means

    mutating func report(_ event: CloudEvent) { effects.append(.report(event)) }

    mutating func send(_ id: ConnectionID, _ packet: MQTTPacket) {
        guard !isSilent else { return }
        transmit(packet.encoded(), on: id)
    }

    func takesPublish(_ qos: QoS, of thing: inout Thing) -> Bool {
        !enforcesRates || thing.rates.takes(qos, now: now)
    }

    private mutating func transmit(_ bytes: [UInt8], on id: ConnectionID) {
        let out = trouble.send(bytes, on: id, now: now)
        if !out.isEmpty { effects.append(.send(id, out)) }
    }

    mutating func close(_ id: ConnectionID) {
        guard connections.removeValue(forKey: id) != nil else { return }
        trouble.forget(id)
        effects.append(.close(id))
    }

    private mutating func violated(_ id: ConnectionID, _ error: MQTTError) {
        report(.violation(error))
        close(id)
    }

    // MARK: Bytes

    private mutating func received(_ id: ConnectionID, _ bytes: [UInt8]) {
        connections[id]?.decoder.append(bytes[...])
        while connections[id] != nil {
            do throws(MQTTError) {
                guard let packet = try connections[id]?.decoder.next() else { return }
                try received(id, packet)
            } catch {
                if error.rule == "MQTT-3.1.2-2" {
                    // Another protocol level is told before the connection is closed.
                    let answer = MQTTPacket.ConnectAcknowledgement(returnCode: .unacceptableProtocolVersion)
                    send(id, .connectAcknowledgement(answer))
                }
                violated(id, error)
            }
        }
    }

    private mutating func received(_ id: ConnectionID, _ packet: MQTTPacket) throws(MQTTError) {
        guard let identity = connections[id]?.identity else {
            guard case .connect(let connect) = packet else {
                throw MQTTError(rule: "MQTT-3.1.0-1", "The first packet is \(packet.kind.name), not CONNECT")
            }
            return signIn(id, connect)
        }
        if packet.kind != .disconnect { restartKeepAlive(id) }
        switch packet {
        case .connect:
            throw MQTTError(rule: "MQTT-3.1.0-2", "A second CONNECT on the same connection")
        case .publish(let publish): try published(id, identity, publish)
        case .pubAck(let acknowledgement): acknowledged(identity, acknowledgement.packetIdentifier)
        case .subscribe(let subscribe): self.subscribe(id, identity, subscribe)
        case .unsubscribe(let unsubscribe):
            sessions[Self.key(identity.device)]?.subscriptions.removeAll { unsubscribe.filters.contains($0.filter) }
            for filter in unsubscribe.filters { report(.unsubscribed(filter: filter)) }
            send(id, .unsubAck(MQTTPacket.UnsubAck(packetIdentifier: unsubscribe.packetIdentifier)))
        case .pingReq:
            report(.pinged)
            send(id, .pingResp)
        case .disconnect:
            report(.disconnected(device: identity.device.deviceName))
            close(id)
        case .pubRec, .pubRel, .pubComp:
            throw MQTTError(rule: "section 4.3.3", "\(packet.kind.name): the platform has no QoS 2")
        case .connectAcknowledgement, .subAck, .unsubAck, .pingResp:
            throw MQTTError(rule: "MQTT-4.8.0-1", "\(packet.kind.name) comes from servers only")
        }
    }

    // MARK: Sign-in

    static func key(_ device: CloudDevice) -> String { "\(device.deviceName)&\(device.productKey)" }

    private mutating func signIn(_ id: ConnectionID, _ connect: MQTTPacket.Connect) {
        do throws(SignInJudge.Refusal) {
            try limitConnects(connect)
            if let forcedCode { throw SignInJudge.Refusal(code: forcedCode, why: "by order") }
            begin(id, connect, try judge.judge(connect, isSecure: connections[id]?.isSecure ?? false))
        } catch {
            report(.refused(code: error.code, why: error.why))
            send(id, .connectAcknowledgement(MQTTPacket.ConnectAcknowledgement(returnCode: error.code)))
            close(id)
        }
    }

    /// What the platform does with the sixth request in a minute is not documented; it is turned away here with code 3.
    private mutating func limitConnects(_ connect: MQTTPacket.Connect) throws(SignInJudge.Refusal) {
        guard enforcesRates, let user = connect.username, user.utf8.count <= 128,
            judge.devices.contains(where: { Self.key($0) == user })
        else { return }
        if things[user, default: Thing()].rates.connects(now: now) { return }
        let why = "more than \(PlatformRates.connectsAMinute) connection requests in a minute"
        report(.limit(why: why))
        throw SignInJudge.Refusal(code: .serverUnavailable, why: why)
    }

    private mutating func begin(_ id: ConnectionID, _ connect: MQTTPacket.Connect, _ identity: SignInJudge.Identity) {
        for (other, connection) in connections where connection.identity?.device == identity.device && other != id {
            report(.kicked(device: identity.device.deviceName))
            close(other)
        }
        if connect.will != nil { report(.limit(why: "a will is not supported and is ignored")) }
        let key = Self.key(identity.device)
        if connect.cleanSession { sessions[key] = nil }
        let isKept = sessions[key] != nil
        if !isKept { sessions[key] = Session() }
        connections[id]?.identity = identity
        connections[id]?.keepAlive = .seconds(Int(connect.keepAlive))
        connections[id]?.isClean = connect.cleanSession
        restartKeepAlive(id)
        report(
            .connected(
                device: identity.device.deviceName, clientID: identity.clientID, keepAlive: Int(connect.keepAlive),
                cleanSession: connect.cleanSession))
        send(id, .connectAcknowledgement(MQTTPacket.ConnectAcknowledgement(sessionPresent: isKept)))
        for var publish in sessions[key]?.unacknowledged ?? [] {
            publish.dup = true
            transmit(publish, to: id)
        }
    }

    // MARK: Time

    /// Silence of one and a half times the keep-alive is noticed by a sweep every 30 s.
    private mutating func restartKeepAlive(_ id: ConnectionID) {
        guard let keepAlive = connections[id]?.keepAlive else { return }
        let limit = (now + keepAlive + keepAlive / 2).nanoseconds
        let sweep = Self.sweep.inNanoseconds
        connections[id]?.deadline = Moment(nanoseconds: (limit + sweep - 1) / sweep * sweep)
    }

    private mutating func timePassed() {
        for (connection, bytes) in trouble.arrived(now) where connections[connection] != nil {
            effects.append(.send(connection, bytes))
        }
        for (id, due) in rrpcs.sorted(by: { $0.key < $1.key }) where due <= now {
            rrpcs[id] = nil
            report(.rrpcTimedOut(id: id))
        }
        closeSilentOnes()
    }

    private mutating func closeSilentOnes() {
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) where connection.deadline <= now {
            let silence = "nothing came for one and a half times the keep-alive"
            report(.dropped(why: connection.identity == nil ? "no CONNECT within 10 s" : silence))
            close(id)
        }
    }

    // MARK: Orders

    private mutating func perform(_ order: CloudOrder) {
        switch order {
        case .publish(let topic, let payload, let qos):
            for device in judge.devices where AlinkResponder(device: device).owns(topic, device: device) {
                deliver(topic: topic, payload: Array(payload.utf8), qos: qos, to: device)
            }
        case .kick:
            for id in connections.keys.sorted() {
                report(.kicked(device: connections[id]?.identity?.device.deviceName ?? ""))
                close(id)
            }
        case .propertySet(let params): request("thing/service/property/set", params)
        case .service(let name, let params): request("thing/service/\(name)", params)
        case .desire(let name, let value): changeThings(value) { $0.desire(name, $1) }
        case .configuration(let data): changeThings(data) { $0.remoteConfiguration = $1 }
        case .firmware(let data): changeThings(data) { $0.firmware = $1 }
        case .rrpc(let params): rrpc(params)
        case .lose(let count): trouble.losses = count
        case .delay(let delay): trouble.delay = delay
        case .split(let size): trouble.pieces = size
        case .duplicate: trouble.repeatsNext = true
        case .refuse(let code): forcedCode = code
        case .silent(let isSilent): self.isSilent = isSilent
        }
    }

    private mutating func changeThings(_ json: String, _ change: (inout ThingState, JSONValue) -> Void) {
        guard let value = try? JSONValue(parsing: Array(json.utf8)) else { return }
        for device in judge.devices { change(&things[Self.key(device), default: Thing()].state, value) }
    }

    /// A request of the thing model to every device, at QoS 1.
    private mutating func request(_ path: String, _ params: String) {
        lastRequest += 1
        let method = path.split(separator: "/").joined(separator: ".")
        let payload = #"{"id":"\#(lastRequest)","method":"\#(method)","params":\#(params),"version":"1.0.0"}"#
        for device in judge.devices {
            let topic = AlinkResponder(device: device).prefix + path
            deliver(topic: topic, payload: Array(payload.utf8), qos: .atLeastOnce, to: device)
        }
    }

    private mutating func rrpc(_ params: String) {
        lastRequest += 1
        let payload = #"{"id":"\#(lastRequest)","params":\#(params),"version":"1.0"}"#
        for device in judge.devices {
            let message = "\(1_000_000_000 + lastRequest)"
            rrpcs[message] = now + Self.rrpcLimit
            let topic = AlinkResponder(device: device).prefix + "rrpc/request/\(message)"
            deliver(topic: topic, payload: Array(payload.utf8), qos: .atMostOnce, to: device)
        }
    }
}
