import BridgeCore

/// What happened at the simulated platform.
public enum CloudEvent: Equatable, Sendable {
    /// A TCP connection was opened.
    case opened(peer: String)
    /// A device signed in.
    case connected(device: String, clientID: String, keepAlive: Int, cleanSession: Bool)
    /// A CONNECT was answered with another code than 0.
    case refused(code: ConnectReturnCode, why: String)
    case subscribed(filter: String, qos: QoS)
    /// SUBACK 0x80 for one filter.
    case subscriptionRefused(filter: String, why: String)
    case unsubscribed(filter: String)
    /// The device published.
    case message(topic: String, payload: [UInt8], qos: QoS, isDuplicate: Bool)
    /// A message to the device, as an answer or by order.
    case sent(topic: String, payload: [UInt8], qos: QoS)
    /// A message to the device that was not sent.
    case notSent(topic: String, why: String)
    /// PUBACK of the device.
    case acknowledged(packetIdentifier: UInt16)
    /// The device answered a synchronous request in time.
    case rrpcAnswered(id: String, payload: [UInt8])
    /// It did not within 8 s.
    case rrpcTimedOut(id: String)
    /// Something to the device was lost by order.
    case lostByOrder(topic: String)
    case pinged
    /// The client broke a rule of MQTT; the connection is closed.
    case violation(MQTTError)
    /// The client broke a rule of the platform.
    case limit(why: String)
    /// A newer session of the same device ended this one.
    case kicked(device: String)
    /// The connection was closed by the platform for another reason.
    case dropped(why: String)
    /// DISCONNECT.
    case disconnected(device: String)
    /// The connection ended without DISCONNECT.
    case lost(device: String?)

    /// The stable word that names the kind of event.
    public var word: String { summary.word }

    /// The event in words, one line.
    public var line: String {
        let (word, members) = summary
        let rest = members.map { "\($0.name) \($0.value.text ?? $0.value.serialized)" }
        let text = ([word] + rest).joined(separator: " ")
        return String(text.map { $0.isNewline ? " " : $0 })
    }

    /// The event as one JSON object.
    public var json: JSONValue {
        let (word, members) = summary
        return .object([JSONValue.Member("event", .string(word))] + members)
    }

    /// ``json`` as text, one line.
    public var jsonLine: String { json.serialized }

    private var summary: (word: String, members: [JSONValue.Member]) {
        switch self {
        case .opened(let peer): ("opened", [.init("peer", .string(peer))])
        case .connected(let device, let clientID, let keepAlive, let clean):
            (
                "connected",
                [
                    .init("device", .string(device)), .init("clientId", .string(clientID)),
                    .init("keepalive", .int(keepAlive)), .init("clean", .bool(clean)),
                ]
            )
        case .refused(let code, let why):
            ("refused", [.init("code", .int(code.rawValue)), .init("why", .string(why))])
        case .subscribed(let filter, let qos):
            ("subscribed", [.init("filter", .string(filter)), .init("qos", .int(qos.rawValue))])
        case .subscriptionRefused(let filter, let why):
            ("subscription-refused", [.init("filter", .string(filter)), .init("why", .string(why))])
        case .unsubscribed(let filter): ("unsubscribed", [.init("filter", .string(filter))])
        case .message(let topic, let payload, let qos, let isDuplicate):
            ("message", Self.message(topic, payload, qos) + (isDuplicate ? [.init("dup", true)] : []))
        case .sent(let topic, let payload, let qos): ("sent", Self.message(topic, payload, qos))
        case .notSent(let topic, let why):
            ("not-sent", [.init("topic", .string(topic)), .init("why", .string(why))])
        case .acknowledged(let identifier): ("acknowledged", [.init("id", .int(identifier))])
        case .rrpcAnswered(let id, let payload):
            (
                "rrpc-answered",
                [.init("id", .string(id)), .init("payload", .string(String(decoding: payload, as: UTF8.self)))]
            )
        case .rrpcTimedOut(let id): ("rrpc-timed-out", [.init("id", .string(id))])
        case .lostByOrder(let topic): ("lost-by-order", [.init("topic", .string(topic))])
        case .pinged: ("pinged", [])
        case .violation(let error):
            ("violation", [.init("rule", .string(error.rule)), .init("why", .string(error.sentence))])
        case .limit(let why): ("limit", [.init("why", .string(why))])
        case .kicked(let device): ("kicked", [.init("device", .string(device))])
        case .dropped(let why): ("dropped", [.init("why", .string(why))])
        case .disconnected(let device): ("disconnected", [.init("device", .string(device))])
        case .lost(let device): ("lost", device.map { [.init("device", .string($0))] } ?? [])
        }
    }

    private static func message(_ topic: String, _ payload: [UInt8], _ qos: QoS) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [.init("topic", .string(topic)), .init("qos", .int(qos.rawValue))]
        if let text = String(validating: payload, as: UTF8.self) {
            members.append(.init("payload", .string(text)))
        } else {
            let digits = payload.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            members.append(.init("payload_hex", .string(digits)))
        }
        return members
    }
}
