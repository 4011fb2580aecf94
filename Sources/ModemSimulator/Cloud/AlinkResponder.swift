import BridgeCore

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

    let prefix: String
    private let device: String

    init(device: CloudDevice) {
        self.device = "\(device.productKey)/\(device.deviceName)"
        prefix = "/sys/\(self.device)/"
    }

    /// Topic and payload of the answer; nil for what is taken and not answered.
    ///
    /// - Parameter milliseconds: the platform's clock.
    func answer(
        topic: String, payload: [UInt8], thing: inout ThingState, shadow: inout DeviceShadow, milliseconds: Int64
    ) -> (topic: String, payload: String)? {
        switch topic {
        case "/shadow/update/\(device)":
            return ("/shadow/get/\(device)", shadow.answer(payload, seconds: milliseconds / 1000).serialized)
        case "/ext/ntp/\(device)/request":
            guard let sent = (try? JSONValue(parsing: payload))?["deviceSendTime"] else { return nil }
            let now = JSONValue.string("\(milliseconds)")
            let answer: JSONValue = ["deviceSendTime": sent, "serverRecvTime": now, "serverSendTime": now]
            return ("/ext/ntp/\(device)/response", answer.serialized)
        default: return request(topic: topic, payload: payload, &thing)
        }
    }

    private func request(topic: String, payload: [UInt8], _ thing: inout ThingState) -> (String, String)? {
        guard topic.hasPrefix(prefix) else { return nil }
        let path = String(topic.dropFirst(prefix.count))
        guard Self.requests.contains(where: { MQTTTopic.matches(filter: $0, name: path) }) else { return nil }
        let request = try? JSONValue(parsing: payload)
        if request?["sys"]?["ack"]?.integer == 0 { return nil }
        let id = request?["id"].flatMap { $0.text ?? $0.integer.map(String.init) }
        let reply =
            if let request, id != nil {
                thing.answer(path: path, params: request["params"])
            } else {
                ThingState.Reply(code: ThingState.Code.notJSON, message: "the data is not JSON with an id")
            }
        let answer: JSONValue = [
            "code": .int(reply.code), "data": reply.data, "id": .string(id ?? ""), "message": .string(reply.message),
            "method": .string(path.split(separator: "/").joined(separator: ".")), "version": "1.0",
        ]
        return (topic + "_reply", answer.serialized)
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
