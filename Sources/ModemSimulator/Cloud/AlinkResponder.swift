import BridgeCore
import FoundationEssentials

/// What the platform answers to a request of the thing model ("Device properties, events, and services").
struct AlinkResponder {
    /// Requests below `/sys/pk/dn/`; `+` stands for one level.
    private static let requests = [
        "thing/event/+/post", "thing/event/property/batch/post", "thing/event/property/history/post",
        "thing/event/property/pack/post", "thing/deviceinfo/update", "thing/deviceinfo/delete", "thing/deviceinfo/get",
        "thing/property/desired/get", "thing/property/desired/delete", "thing/config/get", "thing/config/log/get",
        "thing/log/post", "thing/dsltemplate/get", "thing/dynamicTsl/get", "thing/topo/add", "thing/topo/delete",
        "thing/topo/get", "thing/sub/register", "thing/ota/firmware/get", "thing/list/found", "thing/reset",
        "thing/job/get", "thing/job/update",
    ]

    /// Topics that the platform subscribes itself for a device that says `_ss=1`.
    private static let ownSubscriptions = [
        "thing/model/down_raw", "thing/model/up_raw_reply", "thing/event/+/post_reply",
        "thing/event/property/history/post_reply", "thing/deviceinfo/update_reply", "thing/deviceinfo/delete_reply",
        "thing/property/desired/get_reply", "thing/property/desired/delete_reply", "thing/dynamicTsl/get_reply",
        "thing/dsltemplate/get_reply", "rrpc/request/+", "thing/service/+", "thing/service/property/set",
        "thing/topo/change", "thing/sub/register_reply", "thing/config/push", "thing/config/get_reply",
    ]

    /// A request, or a device's answer: the numeric or textual id, and whether an answer is wanted.
    private struct Envelope: Decodable {
        struct System: Decodable { var ack: Int? }
        var id: String
        var sys: System?

        private enum Keys: String, CodingKey { case id, sys }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            if let number = try? container.decode(UInt32.self, forKey: .id) {
                id = String(number)
            } else {
                id = try container.decode(String.self, forKey: .id)
            }
            sys = try container.decodeIfPresent(System.self, forKey: .sys)
        }
    }

    let prefix: String

    init(device: CloudDevice) { prefix = "/sys/\(device.productKey)/\(device.deviceName)/" }

    /// Topic and payload of the answer; nil for what is taken and not answered.
    func answer(topic: String, payload: [UInt8]) -> (topic: String, payload: String)? {
        guard topic.hasPrefix(prefix) else { return nil }
        let path = String(topic.dropFirst(prefix.count))
        guard Self.requests.contains(where: { MQTTTopic.matches(filter: $0, name: path) }) else { return nil }
        let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(payload))
        if envelope?.sys?.ack == 0 { return nil }
        let isUnderstood = envelope != nil
        let reply: JSONValue = [
            "code": isUnderstood ? 200 : 6207,
            "data": [:],
            "id": .string(envelope?.id ?? ""),
            "message": isUnderstood ? "success" : "the data is not JSON with an id",
            "method": .string(path.split(separator: "/").joined(separator: ".")),
            "version": "1.0",
        ]
        return (topic + "_reply", reply.serialized)
    }

    /// Whether the platform subscribed the topic itself.
    func isSubscribedItself(_ topic: String) -> Bool {
        guard topic.hasPrefix(prefix) else { return topic.hasPrefix("/ext/rrpc/") }
        let path = String(topic.dropFirst(prefix.count))
        return Self.ownSubscriptions.contains { MQTTTopic.matches(filter: $0, name: path) }
    }

    /// Whether a filter or topic belongs to the device.
    func owns(_ text: String, device: CloudDevice) -> Bool {
        let levels = text.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.first == "" else { return false }
        for index in levels.indices.dropLast()
        where levels[index] == device.productKey && levels[index + 1] == device.deviceName { return true }
        return text.hasPrefix("/broadcast/\(device.productKey)/") || text.hasPrefix("/ext/")
    }
}
