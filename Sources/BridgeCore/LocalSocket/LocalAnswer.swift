/// One line from the daemon to a local program, as bytes with the line feed.
public enum LocalAnswer {
    /// What identifies a request in the lines about it.
    public struct Identity: Equatable, Sendable {
        /// The Alink `id`.
        public var alinkID: String?
        /// The `tag`, JSON text in one line.
        public var tag: [UInt8]?

        public init(alinkID: String? = nil, tag: [UInt8]? = nil) {
            self.alinkID = alinkID
            self.tag = tag
        }
    }

    /// `{"id":…,"status":"queued","receipt":…}`
    public static func queued(_ identity: Identity, receipt: Int64) -> [UInt8] {
        var line = Line()
        if let id = identity.alinkID { line.add("id", .string(id)) }
        line.add("status", "queued")
        line.add("receipt", .int(receipt))
        return line.finish(tag: identity.tag)
    }

    /// `{"id":…,"status":"refused","error":…,"detail":…}`, with `offset` for what is no JSON object.
    public static func refused(_ refusal: LocalRefusal) -> [UInt8] {
        var line = Line()
        if let id = refusal.id { line.add("id", raw: id) }
        line.add("status", "refused")
        line.add("error", .string(refusal.error.rawValue))
        line.add("detail", .string(refusal.detail))
        if let offset = refusal.offset { line.add("offset", .int(offset)) }
        return line.finish(tag: refusal.tag)
    }

    /// `{"receipt":…,"id":…,"status":"delivered"}`
    public static func delivered(_ identity: Identity, receipt: Int64) -> [UInt8] {
        var line = Line(receipt, identity)
        line.add("status", "delivered")
        return line.finish(tag: identity.tag)
    }

    /// `{"receipt":…,"id":…,"status":"confirmed","code":…,"data":…,"message":…}`
    ///
    /// - Parameter data: valid JSON text as the cloud sent it.
    public static func confirmed(
        _ identity: Identity, receipt: Int64, code: Int, data: [UInt8]?, message: String?
    ) -> [UInt8] {
        var line = Line(receipt, identity)
        line.add("status", "confirmed")
        line.add("code", .int(code))
        if let data { line.add("data", raw: JSONText.compact(data)) }
        if let message { line.add("message", .string(message)) }
        return line.finish(tag: identity.tag)
    }

    /// `{"receipt":…,"id":…,"status":"dropped","reason":…}`
    public static func dropped(_ identity: Identity, receipt: Int64, reason: DropReason) -> [UInt8] {
        var line = Line(receipt, identity)
        line.add("status", "dropped")
        line.add("reason", .string(reason.rawValue))
        return line.finish(tag: identity.tag)
    }

    /// `{"status":"purged","messages":…}`
    public static func purged(_ messages: Int, tag: [UInt8]?) -> [UInt8] {
        var line = Line()
        line.add("status", "purged")
        line.add("messages", .int(messages))
        return line.finish(tag: tag)
    }

    /// `{"status":"subscribed"}`
    public static func subscribed(tag: [UInt8]?) -> [UInt8] {
        var line = Line()
        line.add("status", "subscribed")
        return line.finish(tag: tag)
    }

    /// `{"status":"capturing"}`
    public static func capturing(tag: [UInt8]?) -> [UInt8] {
        var line = Line()
        line.add("status", "capturing")
        return line.finish(tag: tag)
    }

    /// Where a message stands.
    public static func receipt(_ receipt: Receipt, tag: [UInt8]?) -> [UInt8] {
        let identity = Identity(alinkID: receipt.alinkID, tag: tag)
        switch receipt.state {
        case .waiting:
            var line = Line(receipt.number, identity)
            line.add("status", "queued")
            return line.finish(tag: tag)
        case .delivered: return delivered(identity, receipt: receipt.number)
        case .confirmed(let code, let data, let message):
            return confirmed(identity, receipt: receipt.number, code: code, data: data, message: message)
        case .dropped(let reason): return dropped(identity, receipt: receipt.number, reason: reason)
        }
    }

    /// The members of an object (`hello`, `status`).
    public static func object(_ value: JSONValue, tag: [UInt8]?) -> [UInt8] {
        var line = Line()
        if case .object(let members) = value {
            for member in members { line.add(member.name, member.value) }
        }
        return line.finish(tag: tag)
    }

    private struct Line {
        private var bytes: [UInt8] = []

        init() {
            bytes.reserveCapacity(96)
            bytes.append(UInt8(ascii: "{"))
        }

        init(_ receipt: Int64, _ identity: Identity) {
            self.init()
            add("receipt", .int(receipt))
            if let id = identity.alinkID { add("id", .string(id)) }
        }

        mutating func add(_ name: String, _ value: JSONValue) {
            begin(name)
            switch value {
            case .number(let digits): bytes.append(contentsOf: digits.utf8)
            case .string(let text) where text.utf8.allSatisfy(Self.isPlain): add(quoted: text)
            default: bytes.append(contentsOf: value.serialized.utf8)
            }
        }

        mutating func add(_ name: String, raw: [UInt8]) {
            begin(name)
            bytes.append(contentsOf: raw)
        }

        /// The names are ours, and need no escapes.
        private mutating func begin(_ name: String) {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            add(quoted: name)
            bytes.append(UInt8(ascii: ":"))
        }

        /// Whether a byte of a string stands for itself.
        private static func isPlain(_ byte: UInt8) -> Bool {
            0x20..<0x7F ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }

        private mutating func add(quoted text: String) {
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: text.utf8)
            bytes.append(UInt8(ascii: "\""))
        }

        mutating func finish(tag: [UInt8]?) -> [UInt8] {
            if let tag { add("tag", raw: tag) }
            bytes.append(UInt8(ascii: "}"))
            bytes.append(0x0A)
            return bytes
        }
    }
}
