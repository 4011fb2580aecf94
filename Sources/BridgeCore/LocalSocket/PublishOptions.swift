/// The members of `{"bridge":"publish",…}`.
enum PublishOptions {
    private static let known: Set<String> = [
        "bridge", "message", "topic", "payload", "text", "base64", "qos", "until", "expires", "key", "tag",
    ]
    /// Most bytes of a `key`.
    static let maxKey = 256
    /// Most seconds of `expires`: ten years.
    static let maxExpires = 315_360_000.0

    /// What is to be sent, and where to: `message`, or `topic` with one of three forms of content.
    static func target(
        _ index: JSONObjectIndex, rules: TopicRules, ids: inout AlinkIDs
    ) throws(LocalRefusal) -> PublishRequest {
        var seen: Set<String> = []
        for member in index.members {
            guard known.contains(member.name) else {
                throw invalid("\"\(String(member.name.prefix(32)))\" is no member of a publish request")
            }
            guard seen.insert(member.name).inserted else { throw invalid("\"\(member.name)\" occurs more than once") }
        }
        let contents = ["payload", "text", "base64"].filter(seen.contains)
        if let message = index["message"] {
            guard contents.isEmpty, !seen.contains("topic") else {
                throw invalid("either \"message\", or \"topic\" with its content")
            }
            guard let members = JSONObjectIndex(message.value) else {
                throw invalid("\"message\" has to be an Alink request, an object")
            }
            return try LocalRequest.alink(message.value, members, rules: rules, ids: &ids)
        }
        guard let topic = index["topic"] else { throw invalid("\"message\" or \"topic\" is missing") }
        guard contents.count == 1 else {
            throw invalid("\"topic\" wants exactly one of \"payload\", \"text\" and \"base64\"")
        }
        guard let text = topic.text else { throw LocalRefusal(.invalidTopic, "\"topic\" has to be a string") }
        try rules.check(topic: text)
        let payload = try content(index, contents[0])
        try rules.check(payloadBytes: payload.count)
        return PublishRequest(topic: text, payload: payload, alinkID: alinkID(of: index["payload"]))
    }

    /// Everything beside the message itself.
    static func read(_ index: JSONObjectIndex, into request: inout PublishRequest) throws(LocalRefusal) {
        if let qos = index["qos"] {
            switch String(decoding: qos.value, as: UTF8.self) {
            case "0": request.qos = 0
            case "1": request.qos = 1
            default: throw invalid("\"qos\" has to be 0 or 1")
            }
        }
        if let member = index["until"] {
            guard let until = member.text.flatMap(Until.init(rawValue:)) else {
                throw invalid("\"until\" has to be \"queued\", \"delivered\" or \"confirmed\"")
            }
            request.until = until
        }
        if let member = index["expires"] {
            guard let seconds = Double(String(decoding: member.value, as: UTF8.self)),
                seconds > 0, seconds <= maxExpires
            else { throw invalid("\"expires\" has to be seconds: a number above 0, at most \(Int(maxExpires))") }
            request.expires = max(1, Int64(seconds * 1000))
        }
        if let member = index["key"] {
            guard let key = member.text, (1...maxKey).contains(key.utf8.count) else {
                throw invalid("\"key\" has to be a string of 1 to \(maxKey) bytes")
            }
            request.key = key
        }
        if request.until == .confirmed, request.alinkID == nil {
            throw invalid("only a message with an Alink \"id\" can be confirmed")
        }
    }

    private static func content(_ index: JSONObjectIndex, _ form: String) throws(LocalRefusal) -> [UInt8] {
        guard let member = index[form] else { throw invalid("\"\(form)\" is missing") }
        switch form {
        case "text":
            guard let text = member.text else {
                throw invalid("\"text\" has to be a string, without half surrogate pairs")
            }
            return Array(text.utf8)
        case "base64":
            guard let text = member.text, let bytes = Base64.decode(text.utf8) else {
                throw invalid("\"base64\" has to be a string of base64 (RFC 4648, section 4) with its padding")
            }
            return bytes
        default: return Array(member.value)
        }
    }

    /// The id of an Alink envelope that is sent to a topic of the program's choice.
    private static func alinkID(of payload: JSONObjectIndex.Member?) -> String? {
        guard let payload, payload.value.first == UInt8(ascii: "{"),
            let id = JSONObjectIndex(payload.value)?["id"]?.text
        else { return nil }
        return AlinkIDs.isValid(id) ? id : nil
    }

    private static func invalid(_ detail: String) -> LocalRefusal { LocalRefusal(.invalidRequest, detail) }
}
