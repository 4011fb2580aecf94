import BridgeCore
import Testing

@testable import ModemSimulator

/// A simulated platform with one device, in virtual time.
struct PlatformBench {
    static let topic = "/sys/pk/device/"

    var platform = SimulatedPlatform(devices: [CloudDevice(productKey: "pk", deviceName: "device", secret: "secret")])
    var now = Moment.zero
    /// What happened since the last look.
    var events: [CloudEvent] = []
    /// What the client of each connection has received and not looked at.
    var received: [Int: [MQTTPacket]] = [:]
    var closed: Set<Int> = []

    mutating func feed(_ input: SimulatedPlatform.Input) {
        for effect in platform.input(input, now: now) {
            switch effect {
            case .send(let id, let bytes):
                var decoder = MQTTStreamDecoder(maximumPacketSize: 1_048_576)
                decoder.append(bytes[...])
                while let packet = try? decoder.next() { received[id, default: []].append(packet) }
            case .close(let id): closed.insert(id)
            case .report(let event): events.append(event)
            }
        }
    }

    mutating func send(_ packet: MQTTPacket, on id: Int = 1) { feed(.received(id, packet.encoded())) }

    /// Opens a connection and signs in.
    mutating func connect(_ id: Int = 1, clean: Bool = true, keepAlive: UInt16 = 60, itself: Bool = false) {
        feed(.opened(id, peer: "test"))
        let parameters = "securemode=3,signmethod=hmacsha1,timestamp=789" + (itself ? ",_ss=1" : "")
        let connect = MQTTPacket.Connect(
            clientIdentifier: "12345|\(parameters)|", cleanSession: clean, keepAlive: keepAlive,
            username: "device&pk", password: Array("fafd82a3d602b37fb0fa8b7892f24a477f851a14".utf8))
        send(.connect(connect), on: id)
    }

    mutating func subscribe(_ filters: [String], on id: Int = 1) {
        let subscriptions = filters.map { Subscription(filter: $0, qos: .atLeastOnce) }
        send(.subscribe(MQTTPacket.Subscribe(packetIdentifier: 5, subscriptions: subscriptions)), on: id)
    }

    mutating func publish(_ path: String, _ payload: String, identifier: UInt16? = nil, on id: Int = 1) {
        let qos: QoS = identifier == nil ? .atMostOnce : .atLeastOnce
        let publish = MQTTPacket.Publish(
            topic: Self.topic + path, payload: Array(payload.utf8), qos: qos, packetIdentifier: identifier)
        send(.publish(publish), on: id)
    }

    /// What the client has received, which is then forgotten.
    mutating func heard(_ id: Int = 1) -> [MQTTPacket] { received.removeValue(forKey: id) ?? [] }

    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while let deadline = platform.deadline, deadline <= end {
            now = max(now, deadline)
            feed(.timePassed)
        }
        now = end
    }
}
