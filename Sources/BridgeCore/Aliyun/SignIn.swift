import Crypto

/// How the password is computed.
public enum SignMethod: String, CaseIterable, Sendable {
    case hmacsha1, hmacsha256, hmacmd5
}

/// What makes a device known to the platform, and what its sign-in is computed from.
public struct DeviceIdentity: Equatable, Sendable {
    public var productKey: String
    public var deviceName: String
    public var secret: Secret
    /// The first part of the MQTT client identifier; at most 64 characters.
    public var clientID: String
    public var method: SignMethod
    /// Milliseconds, as the device says; the platform does not look at the time itself. Optional.
    public var timestamp: String?

    /// - Parameter clientID: nil or empty for `${productKey}.${deviceName}`, as the platform's own SDKs do.
    public init(
        productKey: String, deviceName: String, secret: Secret, clientID: String? = nil,
        method: SignMethod = .hmacsha1, timestamp: String? = nil
    ) {
        self.productKey = productKey
        self.deviceName = deviceName
        self.secret = secret
        self.clientID = clientID.flatMap { $0.isEmpty ? nil : $0 } ?? "\(productKey).\(deviceName)"
        self.method = method
        self.timestamp = timestamp
    }
}

/// What CONNECT carries so that the platform lets the device in (help.aliyun.com, "Establish MQTT connections over
/// TCP", doc-detail/73742).
public struct SignIn: Equatable, Sendable {
    public var clientIdentifier: String
    public var userName: String
    /// A hex digest; as secret as the device secret for whoever can replay it.
    public var password: Secret

    /// - Parameter isTLS: `securemode` 2 (TLS) instead of 3 (plain TCP).
    public init(_ device: DeviceIdentity, isTLS: Bool = false) {
        var block = "securemode=\(isTLS ? 2 : 3),signmethod=\(device.method.rawValue)"
        if let timestamp = device.timestamp { block += ",timestamp=\(timestamp)" }
        clientIdentifier = "\(device.clientID)|\(block)|"
        userName = "\(device.deviceName)&\(device.productKey)"
        password = Secret(Self.digest(of: Self.content(device), device))
    }

    /// Names and values without separators, names in alphabetical order. What is signed is what stands in the
    /// identifier: the client id without its block, and the timestamp only when there is one.
    static func content(_ device: DeviceIdentity) -> String {
        "clientId\(device.clientID)deviceName\(device.deviceName)productKey\(device.productKey)"
            + (device.timestamp.map { "timestamp\($0)" } ?? "")
    }

    private static func digest(of content: String, _ device: DeviceIdentity) -> String {
        let key = SymmetricKey(data: Array(device.secret.value.utf8))
        let message = Array(content.utf8)
        return switch device.method {
        case .hmacsha1: hex(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case .hmacsha256: hex(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .hmacmd5: hex(HMAC<Insecure.MD5>.authenticationCode(for: message, using: key))
        }
    }

    private static func hex(_ digest: some Sequence<UInt8>) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
