import BridgeCore

/// A line of the control socket of `espsim cloud`.
public enum CloudOrder: Equatable, Sendable {
    /// Send a message to the device, if it is subscribed.
    case publish(topic: String, payload: String, qos: QoS)
    /// The console sets properties.
    case propertySet(String)
    /// The console sets a desired value, which the device may ask for.
    case desire(name: String, value: String)
    /// What `thing/config/get` is answered with.
    case configuration(String)
    /// What `thing/ota/firmware/get` is answered with.
    case firmware(String)
    /// An application calls a service; the device answers when it likes.
    case service(name: String, params: String)
    /// An application calls and waits for 8 s.
    case rrpc(String)
    /// Close every connection, as a newer session elsewhere would.
    case kick
    /// Answer every CONNECT with this code; nil judges again.
    case refuse(ConnectReturnCode?)
    /// Take everything and answer nothing, or answer again.
    case silent(Bool)
    /// The next messages to the device are lost.
    case lose(Int)
    /// All that is sent arrives later.
    case delay(Duration)
    /// All that is sent comes in pieces of so many bytes; 0 ends it.
    case split(Int)
    /// The next message at QoS 1 comes a second time, with DUP.
    case duplicate

    /// The lines that are understood.
    public static let help = """
        publish TOPIC PAYLOAD    a message at QoS 0
        publish1 TOPIC PAYLOAD   a message at QoS 1
        property-set JSON        thing.service.property.set with these params
        desire NAME JSON         a desired value, for thing.property.desired.get
        configuration JSON       the data that thing.config.get is answered with
        firmware JSON            the data that thing.ota.firmware.get is answered with
        service NAME JSON        thing.service.NAME with these params
        rrpc JSON                a synchronous request: its answer, or that none came within 8 s, is an event
        kick                     close every connection
        refuse 1..5              answer every CONNECT with this code
        accept                   judge every CONNECT again
        silent on|off            take everything and answer nothing
        lose COUNT               the next messages to the device are lost
        delay MS                 all that is sent arrives so much later
        split BYTES              all that is sent comes in pieces; 0 ends it
        duplicate                the next message at QoS 1 comes a second time, with DUP
        """

    /// Nil for a line that is not understood.
    public init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        let rest = line.split(separator: " ", maxSplits: 1).dropFirst().first.map(String.init)
        switch (words.first, words.count) {
        case ("publish", 3): self = .publish(topic: words[1], payload: words[2], qos: .atMostOnce)
        case ("publish1", 3): self = .publish(topic: words[1], payload: words[2], qos: .atLeastOnce)
        case ("property-set", 2...):
            guard let rest, Self.isObject(rest) else { return nil }
            self = .propertySet(rest)
        case ("configuration", 2...), ("firmware", 2...):
            guard let rest, Self.isObject(rest) else { return nil }
            self = words[0] == "firmware" ? .firmware(rest) : .configuration(rest)
        case ("rrpc", 2...):
            guard let rest, Self.isObject(rest) else { return nil }
            self = .rrpc(rest)
        case ("service", 3):
            guard Self.isObject(words[2]) else { return nil }
            self = .service(name: words[1], params: words[2])
        case ("desire", 3):
            guard (try? JSONValue(parsing: Array(words[2].utf8))) != nil else { return nil }
            self = .desire(name: words[1], value: words[2])
        case ("kick", 1): self = .kick
        case ("accept", 1): self = .refuse(nil)
        case ("duplicate", 1): self = .duplicate
        case ("refuse", 2):
            guard let code = UInt8(words[1]).flatMap(ConnectReturnCode.init), code != .accepted else { return nil }
            self = .refuse(code)
        case ("silent", 2) where words[1] == "on" || words[1] == "off": self = .silent(words[1] == "on")
        case ("lose", 2), ("delay", 2), ("split", 2):
            guard let number = Int(words[1]), (0...600_000).contains(number) else { return nil }
            switch words[0] {
            case "lose": self = .lose(number)
            case "delay": self = .delay(.milliseconds(number))
            default: self = .split(number)
            }
        default: return nil
        }
    }

    private static func isObject(_ text: String) -> Bool {
        if case .object = try? JSONValue(parsing: Array(text.utf8)) { true } else { false }
    }
}
