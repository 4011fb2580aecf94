import BridgeCore
import Crypto

/// A device that the simulated platform knows.
public struct CloudDevice: Equatable, Sendable {
    public var productKey: String
    public var deviceName: String
    public var secret: String

    public init(productKey: String, deviceName: String, secret: String) {
        self.productKey = productKey
        self.deviceName = deviceName
        self.secret = secret
    }
}

/// Judges a CONNECT as the platform does ("MQTT-TCP connection", help.aliyun.com doc-detail/73742).
struct SignInJudge {
    /// What was found wrong, and the code that the platform answers.
    struct Refusal: Error, Equatable {
        var code: ConnectReturnCode
        var why: String
    }

    /// A device that signed in.
    struct Identity: Equatable {
        var device: CloudDevice
        var clientID: String
        /// `_ss=1`: the platform subscribes the system's topics itself.
        var subscribesItself: Bool
    }

    private static let secureModeOfTCP = "3"
    private static let secureModeOfTLS = "2"

    var devices: [CloudDevice]

    func judge(_ connect: MQTTPacket.Connect, isSecure: Bool = false) throws(Refusal) -> Identity {
        let (clientID, parameters) = try Self.split(connect.clientIdentifier)
        guard (30...1200).contains(connect.keepAlive) else {
            throw Refusal(code: .identifierRejected, why: "keep-alive \(connect.keepAlive) s is not 30 to 1200 s")
        }
        let needed = isSecure ? Self.secureModeOfTLS : Self.secureModeOfTCP
        guard parameters["securemode"] == needed else {
            let mode = parameters["securemode"] ?? "missing"
            let kind = isSecure ? "TLS" : "plain TCP"
            throw Refusal(
                code: .identifierRejected, why: "securemode \(mode) on a \(kind) connection, which needs \(needed)")
        }
        let method = parameters["signmethod"] ?? "hmacmd5"
        guard let sign = Self.signers[method] else {
            throw Refusal(
                code: .identifierRejected, why: "signmethod \(method) is none of hmacmd5, hmacsha1, hmacsha256")
        }
        guard let device = devices.first(where: { connect.username == "\($0.deviceName)&\($0.productKey)" }) else {
            let name = connect.username ?? "missing"
            throw Refusal(code: .badUserNameOrPassword, why: "user name \(name) is no deviceName&productKey known here")
        }
        guard let password = connect.password else {
            throw Refusal(code: .badUserNameOrPassword, why: "the password is missing")
        }
        let content = Self.content(device: device, clientID: clientID, timestamp: parameters["timestamp"])
        let given = String(decoding: password, as: UTF8.self).lowercased()
        guard given == sign(device.secret, content) else {
            throw Refusal(code: .badUserNameOrPassword, why: "the signature does not fit \(content) with \(method)")
        }
        return Identity(device: device, clientID: clientID, subscribesItself: parameters["_ss"] == "1")
    }

    /// Takes `clientId|key=value,key=value|` apart.
    private static func split(_ identifier: String) throws(Refusal) -> (String, [String: String]) {
        let malformed = Refusal(code: .identifierRejected, why: "client identifier is not clientId|key=value,...|")
        guard let bar = identifier.firstIndex(of: "|"), identifier.last == "|" else { throw malformed }
        let clientID = String(identifier[..<bar])
        let inner = identifier[identifier.index(after: bar)...].dropLast()
        guard !inner.isEmpty else { throw malformed }
        guard (1...64).contains(clientID.count) else {
            throw Refusal(code: .identifierRejected, why: "clientId has \(clientID.count) characters, not 1 to 64")
        }
        var parameters: [String: String] = [:]
        for pair in inner.split(separator: ",", omittingEmptySubsequences: false) {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else { throw malformed }
            parameters[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return (clientID, parameters)
    }

    /// What is signed: name and value of each parameter, in the order of the alphabet, nothing between them.
    static func content(device: CloudDevice, clientID: String, timestamp: String?) -> String {
        "clientId\(clientID)deviceName\(device.deviceName)productKey\(device.productKey)"
            + (timestamp.map { "timestamp\($0)" } ?? "")
    }

    private static let signers: [String: @Sendable (String, String) -> String] = [
        "hmacmd5": { hex(HMAC<Insecure.MD5>.authenticationCode(for: Array($1.utf8), using: key($0))) },
        "hmacsha1": { hex(HMAC<Insecure.SHA1>.authenticationCode(for: Array($1.utf8), using: key($0))) },
        "hmacsha256": { hex(HMAC<SHA256>.authenticationCode(for: Array($1.utf8), using: key($0))) },
    ]

    private static func key(_ secret: String) -> SymmetricKey { SymmetricKey(data: Array(secret.utf8)) }

    private static func hex(_ code: some Sequence<UInt8>) -> String {
        code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
