/// What the platform refuses, so that a connection need not be wasted to learn it. Each gives what was expected, or nil.
public enum PlatformRules {
    /// Seconds of keep-alive (doc-detail/73742): below it CONNACK 2 comes back; above it the documents contradict
    /// each other.
    public static let keepAlive = 30...1200
    /// Topics of one SUBSCRIBE, and of all subscriptions of a device (Limits page).
    public static let topicsPerSubscribe = 8
    public static let subscriptions = 100

    public static func mistake(inProductKey key: String) -> String? {
        let fits = (1...20).contains(key.utf8.count) && key.utf8.allSatisfy { isLetterOrDigit($0) }
        return fits ? nil : "1 to 20 letters and digits"
    }

    public static func mistake(inDeviceName name: String) -> String? {
        let fits =
            (4...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || "-_@.:".utf8.contains($0) }
        return fits ? nil : "4 to 32 letters, digits and - _ @ . :"
    }

    public static func mistake(inSecret secret: Secret) -> String? {
        let fits = (1...64).contains(secret.value.utf8.count) && secret.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return fits ? nil : "1 to 64 printable characters without spaces"
    }

    public static func mistake(inClientID id: String) -> String? {
        let fits =
            (1...64).contains(id.utf8.count) && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "|") }
        return fits ? nil : "1 to 64 printable characters without spaces and |"
    }

    public static func mistake(inRegion region: String) -> String? {
        let fits =
            !region.isEmpty
            && region.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-")
            }
        return fits ? nil : "a region id such as cn-shanghai or ap-southeast-1"
    }

    /// A host for `AT+CIPSTART`, which takes the port by itself.
    public static func mistake(inHost host: String) -> String? {
        let fits =
            (1...128).contains(host.utf8.count)
            && host.utf8.allSatisfy { isLetterOrDigit($0) || "-._".utf8.contains($0) }
        return fits ? nil : "a host name or IPv4 address of 1 to 128 characters, without scheme and port"
    }

    public static func mistake(inTimestamp timestamp: String) -> String? {
        let fits = (1...20).contains(timestamp.utf8.count) && timestamp.allSatisfy { $0.isASCII && $0.isNumber }
        return fits ? nil : "decimal digits (milliseconds)"
    }

    /// The host of the older public instances; newer ones have an endpoint of their own.
    public static func host(productKey: String, region: String) -> String {
        "\(productKey).iot-as-mqtt.\(region).aliyuncs.com"
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
