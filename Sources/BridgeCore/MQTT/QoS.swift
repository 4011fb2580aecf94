/// The promise with which a message is handed over (MQTT 3.1.1, section 4.3).
public enum QoS: UInt8, CaseIterable, Comparable, Sendable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    public static func < (left: QoS, right: QoS) -> Bool { left.rawValue < right.rawValue }
}
