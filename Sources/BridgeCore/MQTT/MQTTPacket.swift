/// One MQTT 3.1.1 control packet, any of the fourteen types, in either direction.
public enum MQTTPacket: Equatable, Sendable {
    case connect(Connect)
    case connectAcknowledgement(sessionPresent: Bool, ConnectReturnCode)
    case publish(Publish)
    case publishAcknowledgement(PacketIdentifier)
    case publishReceived(PacketIdentifier)
    case publishRelease(PacketIdentifier)
    case publishComplete(PacketIdentifier)
    case subscribe(PacketIdentifier, [Subscription])
    case subscribeAcknowledgement(PacketIdentifier, [SubscribeReturnCode])
    case unsubscribe(PacketIdentifier, [String])
    case unsubscribeAcknowledgement(PacketIdentifier)
    case pingRequest
    case pingResponse
    case disconnect

    /// CONNECT (MQTT 3.1.1, section 3.1).
    public struct Connect: Equatable, Sendable {
        public var clientIdentifier: String
        public var cleanSession: Bool
        /// Seconds; 0 switches the mechanism off.
        public var keepAlive: UInt16
        public var will: Will?
        public var userName: String?
        public var password: [UInt8]?

        public init(
            clientIdentifier: String, cleanSession: Bool, keepAlive: UInt16, will: Will? = nil,
            userName: String? = nil, password: [UInt8]? = nil
        ) {
            self.clientIdentifier = clientIdentifier
            self.cleanSession = cleanSession
            self.keepAlive = keepAlive
            self.will = will
            self.userName = userName
            self.password = password
        }
    }

    /// The message that the server publishes when the client goes away without DISCONNECT.
    public struct Will: Equatable, Sendable {
        public var topic: String
        public var payload: [UInt8]
        public var qos: QoS
        public var retain: Bool

        public init(topic: String, payload: [UInt8], qos: QoS, retain: Bool) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
        }
    }

    /// PUBLISH (section 3.3).
    public struct Publish: Equatable, Sendable {
        public var topic: String
        public var payload: [UInt8]
        public var qos: QoS
        public var retain: Bool
        public var duplicate: Bool
        /// Present exactly when the quality of service is above 0 [MQTT-2.3.1-5].
        public var identifier: PacketIdentifier?

        public init(
            topic: String, payload: [UInt8], qos: QoS, retain: Bool = false, duplicate: Bool = false,
            identifier: PacketIdentifier? = nil
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.duplicate = duplicate
            self.identifier = identifier
        }
    }

    /// One topic filter of SUBSCRIBE with the quality asked for.
    public struct Subscription: Equatable, Sendable {
        public var filter: String
        public var qos: QoS

        public init(filter: String, qos: QoS) {
            self.filter = filter
            self.qos = qos
        }
    }

    /// One answer of SUBACK: the quality granted, or refused (0x80).
    public enum SubscribeReturnCode: Equatable, Sendable {
        case granted(QoS)
        case failure
    }
}

/// 1 to 65,535 [MQTT-2.3.1-1].
public typealias PacketIdentifier = UInt16

/// Quality of service (section 4.3).
public enum QoS: UInt8, CaseIterable, Sendable, Comparable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    public static func < (left: QoS, right: QoS) -> Bool { left.rawValue < right.rawValue }
}

extension MQTTPacket {
    /// The packet's name as the standard writes it.
    public var name: String { Kind(self).name }

    /// The type in the first four bits (table 2.1).
    public enum Kind: UInt8, CaseIterable, Sendable {
        case connect = 1
        case connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe, unsuback
        case pingreq, pingresp, disconnect

        public var name: String { "\(self)".uppercased() }

        /// The low four bits of the first byte that are fixed for this type; nil for PUBLISH [MQTT-2.2.2-1].
        var flags: UInt8? {
            switch self {
            case .publish: nil
            case .pubrel, .subscribe, .unsubscribe: 0b0010
            default: 0
            }
        }

        init(_ packet: MQTTPacket) {
            self =
                switch packet {
                case .connect: .connect
                case .connectAcknowledgement: .connack
                case .publish: .publish
                case .publishAcknowledgement: .puback
                case .publishReceived: .pubrec
                case .publishRelease: .pubrel
                case .publishComplete: .pubcomp
                case .subscribe: .subscribe
                case .subscribeAcknowledgement: .suback
                case .unsubscribe: .unsubscribe
                case .unsubscribeAcknowledgement: .unsuback
                case .pingRequest: .pingreq
                case .pingResponse: .pingresp
                case .disconnect: .disconnect
                }
        }
    }
}
