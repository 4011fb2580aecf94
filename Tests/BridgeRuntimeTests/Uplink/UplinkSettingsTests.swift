import BridgeCore
import Testing

@testable import BridgeRuntime

/// What a changed configuration costs the link.
@Suite("From which step the link begins anew")
struct UplinkSettingsTests {
    private static func settings(
        _ change: (inout Configuration) -> Void = { _ in }
    ) -> Uplink.Settings {
        var configuration = Configuration()
        configuration.serial.device = "/dev/x"
        configuration.wifi.ssid = "workshop"
        configuration.broker = .init()
        change(&configuration)
        return configuration.uplinkSettings
    }

    @Test("what does not touch it keeps it")
    func keeps() {
        let changed = Self.settings {
            $0.log.level = .debug
            $0.outbox.maxBytes = 1
            $0.mqtt.qos = .atMostOnce
            $0.mqtt.subscribe = [.init(filter: "a", qos: .atLeastOnce)]
        }
        #expect(changed.repair(from: Self.settings(), wasOnline: true) == nil)
        var paced = Self.settings()
        paced.pace = PublishPace.Limits(atMostOnce: 3, atLeastOnce: 1)
        #expect(paced.repair(from: Self.settings(), wasOnline: true) == nil)
    }

    @Test("TLS is for the host that is dialled, signs in as such, and leaves room for what it adds")
    func tls() {
        let plain = Self.settings()
        #expect(plain.tls == nil)
        let secured = Self.settings {
            $0.mqtt.security = .tls
            $0.mqtt.caFile = "/ca.pem"
            $0.broker = nil
            $0.aliyun = .init()
            $0.aliyun?.endpoint = "iot-1.mqtt.iothub.aliyuncs.com"
        }
        #expect(secured.tls?.line.host == "iot-1.mqtt.iothub.aliyuncs.com")
        #expect(secured.tls?.caFile == "/ca.pem")
        #expect(secured.mqtt.connect.clientIdentifier.contains("securemode=2"))
        #expect(!secured.mayRefusePlainTCP)
        #expect(secured.mqtt.packetOverhead == 29)
        #expect(secured.mqtt.longestBurst + 2 * 29 == plain.mqtt.longestBurst)
    }

    @Test("a modem that is well keeps its network when only the session changes")
    func repairs() {
        let old = Self.settings()
        #expect(Self.settings { $0.mqtt.keepAlive = 60 }.repair(from: old, wasOnline: true) == .dial)
        #expect(Self.settings { $0.broker?.host = "other" }.repair(from: old, wasOnline: true) == .dial)
        #expect(Self.settings { $0.mqtt.security = .tls }.repair(from: old, wasOnline: true) == .dial)
        #expect(Self.settings { $0.wifi.ssid = "other" }.repair(from: old, wasOnline: true) == .join)
        #expect(Self.settings { $0.wifi.password = Secret("12345678") }.repair(from: old, wasOnline: true) == .join)
        #expect(Self.settings { $0.serial.device = "/dev/y" }.repair(from: old, wasOnline: true) == .reset)
        #expect(Self.settings { $0.mqtt.keepAlive = 60 }.repair(from: old, wasOnline: false) == .reset)
    }
}
