/// The type of a control packet (MQTT 3.1.1, table 2.1); 0 and 15 are forbidden.
public enum PacketKind: UInt8, CaseIterable, Sendable {
    case connect = 1
    case connectAcknowledgement
    case publish
    case pubAck
    case pubRec
    case pubRel
    case pubComp
    case subscribe
    case subAck
    case unsubscribe
    case unsubAck
    case pingReq
    case pingResp
    case disconnect

    /// The name as the standard writes it.
    public var name: String {
        switch self {
        case .connect: "CONNECT"
        case .connectAcknowledgement: "CONNACK"
        case .publish: "PUBLISH"
        case .pubAck: "PUBACK"
        case .pubRec: "PUBREC"
        case .pubRel: "PUBREL"
        case .pubComp: "PUBCOMP"
        case .subscribe: "SUBSCRIBE"
        case .subAck: "SUBACK"
        case .unsubscribe: "UNSUBSCRIBE"
        case .unsubAck: "UNSUBACK"
        case .pingReq: "PINGREQ"
        case .pingResp: "PINGRESP"
        case .disconnect: "DISCONNECT"
        }
    }

    /// The flags that the fixed header must have (table 2.2); nil for PUBLISH, where they mean something.
    var reservedFlags: UInt8? {
        switch self {
        case .publish: nil
        case .pubRel, .subscribe, .unsubscribe: 0b0010
        default: 0
        }
    }

    /// The normative statement about the reserved flags.
    var reservedFlagsRule: String {
        switch self {
        case .pubRel: "MQTT-3.6.1-1"
        case .subscribe: "MQTT-3.8.1-1"
        case .unsubscribe: "MQTT-3.10.1-1"
        case .disconnect: "MQTT-3.14.1-1"
        default: "MQTT-2.2.2-1"
        }
    }

    /// The remaining lengths that this type can have at all, so that nonsense is refused before its body is awaited.
    var possibleLengths: ClosedRange<Int> {
        switch self {
        case .connect: 12...FixedHeader.greatestLength
        case .publish: 2...FixedHeader.greatestLength
        case .connectAcknowledgement, .pubAck, .pubRec, .pubRel, .pubComp, .unsubAck: 2...2
        case .subscribe, .subAck, .unsubscribe: 2...FixedHeader.greatestLength
        case .pingReq, .pingResp, .disconnect: 0...0
        }
    }

    /// The section of the standard that describes this type.
    var section: String { "section 3.\(rawValue)" }
}
