@testable import BridgeCore

/// A connection in virtual time, with what the server would say.
struct MQTTRig {
    var machine: MQTTConnection
    /// Whether the line takes all that is sent at once.
    var takesAtOnce = true
    var now = Moment.zero + .seconds(1000)

    static func settings(
        keepAlive: UInt16 = 100, cleanSession: Bool = true, subscriptions: [Subscription] = [],
        change: (inout MQTTConnection.Settings) -> Void = { _ in }
    ) -> MQTTConnection.Settings {
        var settings = MQTTConnection.Settings(
            connect: .init(clientIdentifier: "c", cleanSession: cleanSession, keepAlive: keepAlive),
            subscriptions: subscriptions)
        // So fast that the line plays no part, unless a test says so.
        settings.bytesPerSecond = 1_000_000_000
        change(&settings)
        return settings
    }

    init(_ settings: MQTTConnection.Settings = MQTTRig.settings(), session: MQTTSession = MQTTSession()) {
        machine = MQTTConnection(settings: settings, session: session)
    }

    /// A rig that has sent CONNECT.
    static func connecting(
        _ settings: MQTTConnection.Settings = MQTTRig.settings(), session: MQTTSession = MQTTSession()
    ) -> MQTTRig {
        var rig = MQTTRig(settings, session: session)
        _ = rig.taking(rig.machine.opened(now: rig.now))
        return rig
    }

    /// A rig that is online; all subscriptions are granted.
    static func online(
        _ settings: MQTTConnection.Settings = MQTTRig.settings(), session: MQTTSession = MQTTSession(),
        sessionPresent: Bool = false
    ) -> MQTTRig {
        var rig = connecting(settings, session: session)
        _ = rig.receive(.connectAcknowledgement(.init(sessionPresent: sessionPresent)))
        return rig
    }

    mutating func receive(_ packets: MQTTPacket...) -> [MQTTConnection.Effect] {
        taking(machine.received(packets.flatMap { $0.encoded() }[...], now: now))
    }

    mutating func receive(_ text: String) -> [MQTTConnection.Effect] {
        taking(machine.received(Array(text.utf8)[...], now: now))
    }

    mutating func publish(_ message: OutgoingMessage) -> [MQTTConnection.Effect] {
        taking(machine.publish(message, now: now))
    }

    mutating func wait(_ duration: Duration) -> [MQTTConnection.Effect] {
        now = now + duration
        return taking(machine.timerFired(now: now))
    }

    /// The effects, and what comes of it that the line takes the bytes.
    mutating func taking(_ effects: [MQTTConnection.Effect]) -> [MQTTConnection.Effect] {
        guard takesAtOnce else { return effects }
        return effects.flatMap { effect in
            guard case .send(let bytes) = effect else { return [effect] }
            return [effect] + machine.lineTook(bytes.count, now: now)
        }
    }

    /// How long it is until the deadline.
    var untilDeadline: Duration? { machine.deadline.map { $0 - now } }
}

extension OutgoingMessage {
    /// A message of QoS 1 on topic `t`, with so many bytes on the wire (7 at least).
    static func sample(_ sequence: Int64, bytes: Int = 20, qos: QoS = .atLeastOnce) -> OutgoingMessage {
        let message = OutgoingMessage(sequence: sequence, topic: "t", payload: [], qos: qos)
        var payload = max(0, bytes - message.encodedLength)
        while payload > 0, sized(message, payload).encodedLength > bytes { payload -= 1 }
        return sized(message, payload)
    }

    private static func sized(_ message: OutgoingMessage, _ payload: Int) -> OutgoingMessage {
        var message = message
        message.payload = [UInt8](repeating: UInt8(ascii: "x"), count: payload)
        return message
    }

    /// The bytes of its PUBLISH.
    func sent(as identifier: UInt16?, dup: Bool = false) -> MQTTConnection.Effect {
        .send(packet(dup: dup, packetIdentifier: identifier))
    }
}

extension [MQTTConnection.Effect] {
    /// The packets that are sent.
    var packets: [MQTTPacket] {
        flatMap { effect -> [MQTTPacket] in
            guard case .send(let bytes) = effect else { return [] }
            var decoder = MQTTStreamDecoder(maximumPacketSize: 1 << 20)
            decoder.append(bytes[...])
            var packets: [MQTTPacket] = []
            while let packet = (try? decoder.next()) ?? nil { packets.append(packet) }
            return packets
        }
    }

    /// The detail of the protocol violation that is among the effects.
    var violation: String? {
        for case .failed(.protocolViolation(let detail)) in self { return detail }
        return nil
    }
}
