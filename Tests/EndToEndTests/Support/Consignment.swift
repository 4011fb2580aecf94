import Foundation
import TestSupport

/// Messages of every kind for a broker, and the judgement of what came out at the other end.
struct Consignment {
    struct Message {
        var topic: String
        var payload: [UInt8]
        var qos: Int
        /// The line that a local program sends.
        var request: String
    }

    private(set) var messages: [Message] = []

    /// 200 messages at QoS 0 and 1 in turns: Alink in odd layouts, text, all byte values, nothing at all, and 100 kB.
    init(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for number in 0..<197 {
            let qos = number % 2
            switch number % 7 {
            case 0: try add(document: Self.document(number), qos: qos)
            case 1, 2: try add(text: "\(number) " + Self.words[number % Self.words.count], qos: qos)
            default:
                let bytes = (0..<Int.random(in: 1...2048, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                try add(bytes: bytes, qos: qos)
            }
        }
        try add(bytes: [], qos: 0)
        try add(bytes: [], qos: 1)
        try add(bytes: (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }, qos: 1)
    }

    /// What a modem, a terminal or a parser could take for something else.
    private static let words = [
        "+++", "+++\r\n", "CLOSED\r\n", "\r\nOK\r\n", "\u{11}\u{13}\u{1A}", "温度 21.5 °C", "🛠️ e\u{0301}", "\u{FEFF}BOM",
        "\"\\/\u{8}\u{0}", "0,CLOSED", "+IPD,5:hello", "\r\nready\r\n", "WIFI DISCONNECT\r\n",
    ]

    private static func document(_ number: Int) -> String {
        let odd = number % 2 == 0 ? "\r\n\t" : " "
        return
            "{\(odd)\"id\":\(odd)\"\(number)\", \"version\" :\"1.0\",\(odd)\"params\":{\"t\":1.50e+1,\"s\":\"\\u00e9é\\/\"},"
            + "\"method\":\"thing.event.property.post\"\(odd)}"
    }

    private mutating func add(document: String, qos: Int) throws {
        // The document is a part of the request as it stands: whatever is parsed and written anew shows.
        messages.append(
            Message(
                topic: "/sys/broker/gateway-1/thing/event/property/post", payload: Array(document.utf8), qos: qos,
                request: "{\"bridge\":\"publish\",\"qos\":\(qos),\"message\":\(document)}"))
    }

    private mutating func add(text: String, qos: Int) throws {
        try add(Array(text.utf8), ["text": text], qos: qos)
    }

    private mutating func add(bytes: [UInt8], qos: Int) throws {
        try add(bytes, ["base64": Data(bytes).base64EncodedString()], qos: qos)
    }

    private mutating func add(_ payload: [UInt8], _ form: [String: String], qos: Int) throws {
        let topic = "/raw/\(messages.count)/温度"
        let members: [String: Any] = ["bridge": "publish", "topic": topic, "qos": qos].merging(form) { $1 }
        let request = try JSONSerialization.data(withJSONObject: members)
        messages.append(
            Message(topic: topic, payload: payload, qos: qos, request: String(decoding: request, as: UTF8.self)))
    }

    /// Hands all to the daemon; throws unless each is answered `queued`.
    func send(_ client: SocketClient) throws {
        for message in messages {
            let answer = try client.ask(message.request)
            guard answer["status"] as? String == "queued" else {
                throw SocketClient.Broken(description: "\(answer) for \(message.request.prefix(200))")
            }
        }
    }

    /// What differs from what was sent: every message once, byte for byte, in the order of its QoS; nil when nothing does.
    ///
    /// The order holds within a QoS only [MQTT-4.6.0-6]: a broker lets QoS 0 overtake what waits for acknowledgements.
    func difference(from lines: [String]) -> String? {
        let seen = Broker.messages(in: lines)
        guard seen.count == messages.count else { return "\(messages.count) sent, \(seen.count) seen" }
        // Each message's own QoS is not in the subscriber's line; its topic and payload tell which it is.
        for qos in 0...1 {
            let sent = messages.filter { $0.qos == qos }
            let keys = Set(sent.map { Key(topic: $0.topic, payload: $0.payload) })
            let arrived = seen.filter { keys.contains(Key(topic: $0.topic, payload: $0.payload)) }
            for (number, pair) in zip(sent, arrived).enumerated()
            where pair.0.topic != pair.1.topic || pair.0.payload != pair.1.payload {
                return "QoS \(qos), message \(number): sent to \(pair.0.topic), \(pair.1.topic) came"
            }
            guard sent.count == arrived.count else { return "QoS \(qos): \(sent.count) sent, \(arrived.count) arrived" }
        }
        return nil
    }

    private struct Key: Hashable {
        var topic: String
        var payload: [UInt8]
    }
}
