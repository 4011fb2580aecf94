import BridgeCore

/// How much a device may do ("Limits" of the IoT Platform): upstream 30 messages a second at QoS 0 and 10 at QoS 1; what
/// is more is dropped and the device is not told. Five connection requests in a minute.
struct PlatformRates: Sendable {
    static let atMostOnceASecond = 30
    static let atLeastOnceASecond = 10
    static let connectsAMinute = 5

    private var published: [QoS: [Moment]] = [:]
    private var connects: [Moment] = []

    /// A message came; whether it is taken.
    mutating func takes(_ qos: QoS, now: Moment) -> Bool {
        let limit = qos == .atMostOnce ? Self.atMostOnceASecond : Self.atLeastOnceASecond
        return Self.note(&published[qos, default: []], limit, .seconds(1), now)
    }

    /// A CONNECT came; whether it is looked at.
    mutating func connects(now: Moment) -> Bool {
        Self.note(&connects, Self.connectsAMinute, .seconds(60), now)
    }

    private static func note(_ times: inout [Moment], _ limit: Int, _ span: Duration, _ now: Moment) -> Bool {
        times.removeAll { $0 + span <= now }
        guard times.count < limit else { return false }
        times.append(now)
        return true
    }
}
