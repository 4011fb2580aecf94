import BridgeCore
import Foundation
import Testing

/// The platform's published sign-in example, and others computed with an independent HMAC.
struct AliyunVectors {
    struct Device: CustomTestStringConvertible {
        var name: String
        var identity: DeviceIdentity
        var content: String
        var password: String
        var userName: String
        var clientIdentifier: String

        var testDescription: String { name }
    }

    struct ConnectPacket: CustomTestStringConvertible {
        var vector: String
        var keepAlive: UInt16
        var cleanSession: Bool
        var bytes: [UInt8]

        var testDescription: String { vector }
    }

    var devices: [Device] = []
    var connectPackets: [ConnectPacket] = []

    /// Empty when the fixture cannot be read, which a test notices.
    static let all = (try? AliyunVectors()) ?? AliyunVectors(devices: [], connectPackets: [])

    private init(devices: [Device], connectPackets: [ConnectPacket]) {
        self.devices = devices
        self.connectPackets = connectPackets
    }

    private init() throws {
        let file = try #require(
            Bundle.module.url(forResource: "aliyun-vectors", withExtension: "json", subdirectory: "Fixtures"))
        let document = try JSONValue(parsing: Array(Data(contentsOf: file)))
        for vector in document["auth_vectors"]?.elements ?? [] where vector["kind"]?.text == "device" {
            func text(_ name: String) throws -> String { try #require(vector[name]?.text) }
            let method = try text("signmethod")
            devices.append(
                Device(
                    name: try text("id"),
                    identity: DeviceIdentity(
                        productKey: try text("productKey"), deviceName: try text("deviceName"),
                        secret: Secret(try text("secret")), clientID: try text("clientId"),
                        method: try #require(SignMethod(rawValue: method)),
                        timestamp: vector["timestamp"]?.text),
                    content: try text("content"), password: try text("password"), userName: try text("username"),
                    clientIdentifier: try text("mqttClientId")))
        }
        for packet in document["connect_packets"]?.elements ?? [] {
            let hex = try #require(packet["packetHex"]?.text)
            connectPackets.append(
                ConnectPacket(
                    vector: try #require(packet["vector"]?.text),
                    keepAlive: UInt16(try #require(packet["keepAlive"]?.integer)),
                    cleanSession: packet["cleanSession"]?.integer == 1, bytes: try #require(HexText.bytes(hex))))
        }
    }

    /// The identity of a vector; of one that is there for another method only, with that method put in.
    func identity(of vector: String) throws -> DeviceIdentity {
        if let device = devices.first(where: { $0.name == vector }) { return device.identity }
        let parts = vector.split(separator: "-").map(String.init)
        let sister = try #require(devices.first { $0.name.hasPrefix(parts[0] + "-") })
        var identity = sister.identity
        identity.method = try #require(SignMethod(rawValue: parts[1]))
        return identity
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }
}
