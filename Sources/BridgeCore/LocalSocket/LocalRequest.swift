/// What a local program asks for with one JSON object.
public enum LocalRequest: Equatable, Sendable {
    case publish(PublishRequest)
    /// `{"bridge":"hello"}`; `tag` is JSON text in one line.
    case hello(tag: [UInt8]?)
    /// `{"bridge":"status"}`
    case status(tag: [UInt8]?)
    /// `{"bridge":"subscribe",…}`
    case subscribe(LocalSubscription, tag: [UInt8]?)
    /// An Alink response, as it is to go out: an object with `id` and `code` and without `method`.
    case answer(id: String, payload: [UInt8])
    /// `{"bridge":"purge",…}`: one message, or nil for all that wait.
    case purge(Int64?, tag: [UInt8]?)
    /// `{"bridge":"capture"}`: what goes over the serial line from now on, and with `"stream":true` what goes over MQTT.
    case capture(stream: Bool, tag: [UInt8]?)
    /// `{"bridge":"receipt",…}`
    case receipt(ReceiptQuery, tag: [UInt8]?)

    /// Understands an object.
    ///
    /// With `bridge` it is a request to the daemon; else with `method` an Alink request.
    /// - Parameters:
    ///   - document: valid JSON text of an object, from `{` to `}`.
    ///   - ids: where the id of an Alink request without one comes from.
    public static func parse(
        _ document: [UInt8], rules: TopicRules, ids: inout AlinkIDs
    ) throws(LocalRefusal) -> LocalRequest {
        guard let index = JSONObjectIndex(document[...]) else {
            throw LocalRefusal(.notAnObject, "expected a JSON object")
        }
        do throws(LocalRefusal) {
            guard index.count(of: "bridge") == 0 else { return try operation(index, rules: rules, ids: &ids) }
            guard index.count(of: "method") > 0 else { return try withoutMethod(document, index, rules: rules) }
            return .publish(try alink(document[...], index, rules: rules, ids: &ids))
        } catch {
            throw error.naming(index)
        }
    }

    private static func withoutMethod(
        _ document: [UInt8], _ index: JSONObjectIndex, rules: TopicRules
    ) throws(LocalRefusal) -> LocalRequest {
        guard let id = index["id"], let code = index["code"] else {
            throw LocalRefusal(
                .invalidRequest,
                "neither an Alink request (\"method\"), nor a response (\"id\", \"code\"), nor \"bridge\"")
        }
        for name in ["id", "code"] where index.count(of: name) > 1 {
            throw LocalRefusal(.invalidRequest, "\"\(name)\" occurs more than once")
        }
        guard let text = id.text else { throw LocalRefusal(.invalidID, "\"id\" of a response has to be a string") }
        guard Int(String(decoding: code.value, as: UTF8.self)) != nil else {
            throw LocalRefusal(.invalidRequest, "\"code\" of a response has to be a number")
        }
        try rules.check(payloadBytes: document.count)
        return .answer(id: text, payload: document)
    }

    private static func operation(
        _ index: JSONObjectIndex, rules: TopicRules, ids: inout AlinkIDs
    ) throws(LocalRefusal) -> LocalRequest {
        for name in ["bridge", "id", "method", "version", "tag"] where index.count(of: name) > 1 {
            throw LocalRefusal(.invalidRequest, "\"\(name)\" occurs more than once")
        }
        let tag = index["tag"].map { JSONText.compact($0.value) }
        if let tag, tag.count > maxTag { throw LocalRefusal(.invalidRequest, "\"tag\" is longer than \(maxTag) bytes") }
        switch index["bridge"]?.text {
        case "hello": return .hello(tag: tag)
        case "status": return .status(tag: tag)
        case "subscribe": return .subscribe(try LocalSubscription(index), tag: tag)
        case "capture":
            switch index["stream"].map({ String(decoding: $0.value, as: UTF8.self) }) {
            case nil, "false": return .capture(stream: false, tag: tag)
            case "true": return .capture(stream: true, tag: tag)
            default: throw LocalRefusal(.invalidRequest, "\"stream\" has to be true or false")
            }
        case "purge":
            switch (index["receipt"], index["all"].map({ String(decoding: $0.value, as: UTF8.self) })) {
            case (_?, nil):
                guard case .number(let number) = try receiptQuery(index) else { break }
                return .purge(number, tag: tag)
            case (nil, "true"): return .purge(nil, tag: tag)
            default: break
            }
            throw LocalRefusal(.invalidRequest, "either \"receipt\" or \"all\":true is needed")
        case "receipt": return .receipt(try receiptQuery(index), tag: tag)
        case "publish":
            var request = try PublishOptions.target(index, rules: rules, ids: &ids)
            try PublishOptions.read(index, into: &request)
            request.tag = tag
            return .publish(request)
        case .some:
            throw LocalRefusal(
                .unknownOperation, "\"bridge\" is none of capture, hello, publish, purge, receipt, status, subscribe")
        case nil: throw LocalRefusal(.invalidRequest, "\"bridge\" has to be a string")
        }
    }

    private static func receiptQuery(_ index: JSONObjectIndex) throws(LocalRefusal) -> ReceiptQuery {
        switch (index["receipt"], index["id"]) {
        case (let receipt?, nil):
            guard let number = Int64(String(decoding: receipt.value, as: UTF8.self)), number > 0 else {
                throw LocalRefusal(.invalidRequest, "\"receipt\" has to be the number that was given")
            }
            return .number(number)
        case (nil, let id?):
            guard let text = id.text, AlinkIDs.isValid(text) else {
                throw LocalRefusal(.invalidID, "\"id\" has to be a decimal number of 32 bits, as a string")
            }
            return .id(text)
        default: throw LocalRefusal(.invalidRequest, "either \"receipt\" or \"id\" is needed")
        }
    }

    static func alink(
        _ document: ArraySlice<UInt8>, _ index: JSONObjectIndex, rules: TopicRules, ids: inout AlinkIDs
    ) throws(LocalRefusal) -> PublishRequest {
        let envelope = try AlinkEnvelope(document, index, ids: &ids)
        let topic = try rules.topic(ofMethod: envelope.method)
        try rules.check(payloadBytes: envelope.payload.count)
        var request = PublishRequest(
            topic: topic, payload: envelope.payload, alinkID: envelope.id, method: envelope.method)
        request.upcomingID = envelope.upcomingID
        return request
    }

    /// Most bytes of a `tag`, which is held as long as lines about the message may follow.
    static let maxTag = 1024
    /// Longest `id` that is echoed, valid or not.
    private static let maxEchoedID = 64

    /// The `id` of a request as it is echoed in a refusal: a string or a number, in one line.
    static func echo(_ id: JSONObjectIndex.Member?) -> [UInt8]? {
        guard let value = id?.value, value.count <= maxEchoedID, let first = value.first else { return nil }
        let isNumber = first == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= first
        return first == UInt8(ascii: "\"") || isNumber ? Array(value) : nil
    }
}

extension LocalRefusal {
    /// The refusal with what identifies the request it answers.
    fileprivate func naming(_ index: JSONObjectIndex) -> LocalRefusal {
        var named = self
        let message = index["bridge"] == nil ? nil : index["message"].flatMap { JSONObjectIndex($0.value) }
        named.id = LocalRequest.echo(message?["id"] ?? index["id"])
        if index["bridge"] != nil, let tag = index["tag"] {
            let text = JSONText.compact(tag.value)
            if text.count <= LocalRequest.maxTag { named.tag = text }
        }
        return named
    }
}

extension TopicRules {
    /// Checks the length of a payload.
    func check(payloadBytes: Int) throws(LocalRefusal) {
        guard payloadBytes <= maxPayload else {
            throw LocalRefusal(.tooLarge, "the payload is longer than \(maxPayload) bytes")
        }
    }
}
