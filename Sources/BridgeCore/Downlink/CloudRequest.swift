/// What the cloud asks of the device, and where the answer goes.
public struct CloudRequest: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case propertySet
        case service
        /// The cloud's caller waits for the answer, 8 s at most.
        case rrpc
    }

    public var kind: Kind
    public var id: String
    public var replyTopic: String

    /// How long a program has to answer RRPC (Aliyun IoT Platform, "Limits": 8 s), less the way back.
    public static let rrpcDeadline = Duration.milliseconds(7_500)
    /// How long other requests wait for a program that takes them.
    public static let patience = Duration.seconds(60)
    /// How long after it was taken a request can be answered.
    public static let answerLimit = Duration.seconds(600)

    /// Understands a message of the cloud; nil when it asks nothing.
    ///
    /// - Parameter prefix: `/sys/${productKey}/${deviceName}/`.
    public init?(topic: String, payload: [UInt8], prefix: String) {
        guard topic.hasPrefix(prefix), !topic.hasSuffix("_reply"), let object = JSONObjectIndex(payload[...]),
            (try? JSONText.check(payload)) != nil, let id = object["id"].flatMap(Self.identifier), !id.isEmpty
        else { return nil }
        self.id = id
        let rest = topic.dropFirst(prefix.count)
        if rest == "thing/service/property/set" {
            kind = .propertySet
            replyTopic = topic + "_reply"
        } else if rest.hasPrefix("thing/service/") {
            kind = .service
            replyTopic = topic + "_reply"
        } else if rest.hasPrefix("rrpc/request/") {
            kind = .rrpc
            replyTopic = prefix + "rrpc/response/" + rest.dropFirst("rrpc/request/".count)
        } else {
            return nil
        }
    }

    /// The platform writes ids as strings; some of its services as numbers.
    private static func identifier(_ member: JSONObjectIndex.Member) -> String? {
        member.text ?? (member.value.count <= 20 ? String(decoding: member.value, as: UTF8.self) : nil)
    }

    /// How long it waits for a program that takes it.
    var waitsFor: Duration { kind == .rrpc ? Self.rrpcDeadline : Self.patience }

    /// How long it can be answered once it was taken.
    var answerableFor: Duration { kind == .rrpc ? Self.rrpcDeadline : Self.answerLimit }

    /// How long after ``waitsFor`` the cloud still wants to hear that nobody took it.
    var refusalLasts: Duration { kind == .rrpc ? .milliseconds(500) : .seconds(60) }

    /// What the cloud is told when nobody takes it.
    public var refusal: [UInt8] {
        let answer: JSONValue = [
            "id": .string(id), "code": 503, "data": [:], "message": "no program on the device takes this",
        ]
        return Array(answer.serialized.utf8)
    }
}
