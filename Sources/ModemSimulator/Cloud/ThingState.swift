import BridgeCore

/// What the platform keeps of a device and answers from: desired properties, tags, configuration, shadow, firmware.
struct ThingState: Sendable {
    /// The codes of "Common codes on devices" (help.aliyun.com doc-detail/120329) that are given here.
    enum Code {
        static let ok = 200
        static let parameter = 460
        static let tooManyDesired = 6104
        static let tooManyPosted = 6106
        static let notJSON = 6207
        static let methodMissing = 6300
        static let paramsWrongType = 6301
        static let noConfiguration = 6710
    }

    struct Reply: Equatable {
        var code = Code.ok
        var data: JSONValue = [:]
        var message = "success"
    }

    private struct Desired {
        var value: JSONValue
        var version: Int
    }

    private static let mostProperties = 200
    private static let mostTags = 100

    private var desired: [String: Desired] = [:]
    private var tags: [String: JSONValue] = [:]
    /// `{ configId, configSize, sign, signMethod, url, getType }`; nil answers 6710.
    var remoteConfiguration: JSONValue?
    /// What `thing/ota/firmware/get` answers; empty means that there is nothing newer.
    var firmware: JSONValue = [:]

    /// Answers a request below `/sys/pk/dn/`.
    mutating func answer(path: String, params: JSONValue?) -> Reply {
        switch path {
        case "thing/event/property/post": property(params)
        case "thing/property/desired/get": desired(get: params)
        case "thing/property/desired/delete": desired(delete: params)
        case "thing/deviceinfo/update": tag(update: params)
        case "thing/deviceinfo/delete": tag(delete: params)
        case "thing/deviceinfo/get":
            Reply(
                data: .array(
                    tags.sorted { $0.key < $1.key }.map { ["attrKey": .string($0.key), "attrValue": $0.value] }))
        case "thing/config/get":
            remoteConfiguration.map { Reply(data: $0) }
                ?? Reply(code: Code.noConfiguration, message: "no remote configuration")
        case "thing/ota/firmware/get": Reply(data: firmware)
        case "thing/event/property/batch/post":
            members(params).map { _ in Reply() } ?? Self.wrongParams
        case "thing/event/property/history/post":
            elements(params).map { _ in Reply() } ?? Self.wrongParams
        default: Reply()
        }
    }

    /// The console sets a desired value.
    mutating func desire(_ name: String, _ value: JSONValue) {
        desired[name] = Desired(value: value, version: (desired[name]?.version ?? 0) + 1)
    }

    private static let wrongParams = Reply(code: Code.paramsWrongType, message: "params have the wrong type")
    private static let parameterError = Reply(code: Code.parameter, message: "request parameter error")

    private func property(_ params: JSONValue?) -> Reply {
        guard let members = members(params) else { return params == nil ? Self.parameterError : Self.wrongParams }
        return members.count > Self.mostProperties
            ? Reply(code: Code.tooManyPosted, message: "more than \(Self.mostProperties) properties") : Reply()
    }

    private func desired(get params: JSONValue?) -> Reply {
        guard let names = elements(params) else { return Self.parameterError }
        guard names.count <= Self.mostProperties else {
            return Reply(code: Code.tooManyDesired, message: "more than \(Self.mostProperties) properties")
        }
        let known = names.compactMap(\.text).filter { desired[$0] != nil }.sorted()
        return Reply(
            data: .object(
                known.compactMap { name in
                    desired[name].map { .init(name, ["value": $0.value, "version": .int($0.version)]) }
                }))
    }

    private mutating func desired(delete params: JSONValue?) -> Reply {
        guard let members = members(params) else { return Self.parameterError }
        for member in members {
            let version = member.value["version"]?.integer
            if version == nil || version == desired[member.name]?.version { desired[member.name] = nil }
        }
        return Reply()
    }

    private mutating func tag(update params: JSONValue?) -> Reply {
        guard let entries = elements(params), !entries.isEmpty else { return Self.parameterError }
        for entry in entries {
            guard let key = entry["attrKey"]?.text, let value = entry["attrValue"], tags.count < Self.mostTags else {
                return Self.parameterError
            }
            tags[key] = value
        }
        return Reply()
    }

    private mutating func tag(delete params: JSONValue?) -> Reply {
        guard let entries = elements(params), !entries.isEmpty else { return Self.parameterError }
        for entry in entries { entry["attrKey"]?.text.map { tags[$0] = nil } }
        return Reply()
    }

    private func members(_ value: JSONValue?) -> [JSONValue.Member]? {
        if case .object(let members) = value { members } else { nil }
    }

    private func elements(_ value: JSONValue?) -> [JSONValue]? {
        if case .array(let elements) = value { elements } else { nil }
    }
}
