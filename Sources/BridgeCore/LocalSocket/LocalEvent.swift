/// A line to a program that subscribed, as bytes with the line feed.
public enum LocalEvent {
    /// `{"event":"message","topic":…,"message":…}`: a JSON payload as it was sent, any other as `base64`.
    public static func message(topic: String, payload: [UInt8]) -> [UInt8] {
        var line = Array(#"{"event":"message","topic":"#.utf8) + Array(JSONValue.string(topic).serialized.utf8)
        if (try? JSONText.check(payload)) != nil {
            // A line cannot hold the payload's own line ends; without them it stays as it is, byte for byte.
            let isOneLine = !payload.contains { $0 == 0x0A || $0 == 0x0D }
            line += Array(#","message":"#.utf8) + (isOneLine ? payload : JSONText.compact(payload))
        } else {
            line += Array(#","base64":""#.utf8) + Base64.encode(payload) + Array("\"".utf8)
        }
        return line + Array("}\n".utf8)
    }

    /// `{"event":"link","state":…}`, with the reason when it is not online.
    public static func link(state: Rung, reason: String?) -> [UInt8] {
        var members: [JSONValue.Member] = [.init("event", "link"), .init("state", .string(state.rawValue))]
        if let reason { members.append(.init("reason", .string(reason))) }
        return Array(JSONValue.object(members).serialized.utf8) + [0x0A]
    }

    /// The Alink method of a message: what it says, or what its topic says.
    public static func method(topic: String, payload: [UInt8], prefix: String) -> String? {
        if (try? JSONText.check(payload)) != nil, let method = JSONObjectIndex(payload[...])?["method"]?.text {
            return method
        }
        guard topic.hasPrefix(prefix) else { return nil }
        return topic.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            .joined(separator: ".")
    }
}
