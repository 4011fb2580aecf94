import BridgeCore

/// The shadow of a device ("Device shadow JSON"): the last reported and desired state, with a version.
struct DeviceShadow: Sendable {
    private static let mostBytes = 16_384

    private var reported: [JSONValue.Member] = []
    private var desired: [JSONValue.Member] = []
    private var version = 0

    /// Answers a message on `/shadow/update/pk/dn`; goes out on `/shadow/get/pk/dn`.
    mutating func answer(_ payload: [UInt8], seconds: Int64) -> JSONValue {
        guard let request = try? JSONValue(parsing: payload) else {
            return reply(error: 400, "the JSON format is wrong", seconds)
        }
        switch request["method"]?.text {
        case "get":
            guard !reported.isEmpty || !desired.isEmpty else {
                return reply(error: 407, "the shadow document is empty", seconds)
            }
            return reply(
                ["status": "success", "state": ["reported": .object(reported), "desired": .object(desired)]], seconds)
        case "update": return update(request, seconds)
        case "delete":
            forget(request["state"]?["reported"])
            return reply(["status": "success", "version": .int(version)], seconds)
        case nil: return reply(error: 401, "the method is missing", seconds)
        default: return reply(error: 406, "the method is invalid", seconds)
        }
    }

    private mutating func update(_ request: JSONValue, _ seconds: Int64) -> JSONValue {
        guard let state = request["state"] else { return reply(error: 402, "the state is missing", seconds) }
        guard let given = request["version"]?.integer, given == -1 || given > version else {
            return reply(error: 403, "the version is invalid", seconds)
        }
        if state["desired"]?.text == "null" { desired = [] }
        if case .object(let members) = state["reported"] {
            guard state.serialized.utf8.count <= Self.mostBytes else {
                return reply(error: 408, "too many attributes", seconds)
            }
            for member in members {
                reported.removeAll { $0.name == member.name }
                reported.append(member)
            }
        } else if state["desired"] == nil {
            return reply(error: 404, "reported is missing", seconds)
        }
        version = given == -1 ? 0 : given
        return reply(["status": "success", "version": .int(version)], seconds)
    }

    private mutating func forget(_ what: JSONValue?) {
        if what?.text == "null" { reported = [] }
        guard case .object(let members) = what else { return }
        reported.removeAll { member in members.contains { $0.name == member.name } }
    }

    private func reply(_ payload: JSONValue, _ seconds: Int64) -> JSONValue {
        ["method": "reply", "payload": payload, "timestamp": .int(Int(seconds)), "version": .int(version)]
    }

    private func reply(error code: Int, _ message: String, _ seconds: Int64) -> JSONValue {
        reply(
            ["status": "error", "content": ["errorcode": .string("\(code)"), "errormessage": .string(message)]], seconds
        )
    }
}
