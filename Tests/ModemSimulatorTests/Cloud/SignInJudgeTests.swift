import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct SignInJudgeTests {
    private static let secret = "0123456789abcdef0123456789abcdef"
    private static let identifier =
        "a1B2c3D4e5F.esp-bridge_01|securemode=3,signmethod=hmacsha1,timestamp=2524608000000|"
    private static let password = "290aa1117fb198c3d1f38d19553656ebcd5f5a26"

    private static func judge(
        identifier: String = identifier, user: String? = "esp-bridge_01&a1B2c3D4e5F", password: String? = password,
        keepAlive: UInt16 = 60
    ) -> ConnectReturnCode {
        let judge = SignInJudge(devices: [
            CloudDevice(productKey: "a1B2c3D4e5F", deviceName: "esp-bridge_01", secret: secret),
            CloudDevice(productKey: "pk", deviceName: "device", secret: "secret"),
        ])
        let connect = MQTTPacket.Connect(
            clientIdentifier: identifier, keepAlive: keepAlive, username: user,
            password: password.map { Array($0.utf8) })
        do throws(SignInJudge.Refusal) {
            _ = try judge.judge(connect)
            return .accepted
        } catch { return error.code }
    }

    /// Passwords computed with an independent HMAC; the first is the example of the platform's own page.
    @Test(arguments: [
        (
            "12345|securemode=3,signmethod=hmacsha1,timestamp=789|", "device&pk",
            "FAFD82A3D602B37FB0FA8B7892F24A477F851A14"
        ),
        (
            "12345|securemode=3,signmethod=hmacmd5,timestamp=789|", "device&pk", "14b198324fe55e1d3c88f2e705e201ee"
        ),
        (
            "a1B2c3D4e5F.esp-bridge_01|securemode=3,signmethod=hmacmd5,timestamp=2524608000000|",
            "esp-bridge_01&a1B2c3D4e5F", "8109f2fac02e92144b6007f91967ce5c"
        ),
        (
            "5CCF7F0A0B0C|securemode=3,signmethod=hmacmd5|", "esp-bridge_01&a1B2c3D4e5F",
            "ee4cffe6043793e1c0973665cc05f9df"
        ),
        ("5CCF7F0A0B0C|securemode=3|", "esp-bridge_01&a1B2c3D4e5F", "ee4cffe6043793e1c0973665cc05f9df"),
        (
            "a1B2c3D4e5F.esp-bridge_01|timestamp=2524608000000,_ss=1,_v=x,securemode=3,signmethod=hmacsha1,ext=3|",
            "esp-bridge_01&a1B2c3D4e5F", "290aa1117fb198c3d1f38d19553656ebcd5f5a26"
        ),
    ])
    func accepted(identifier: String, user: String, password: String) {
        #expect(Self.judge(identifier: identifier, user: user, password: password) == .accepted)
    }

    @Test(arguments: [29, 1201, 0, 65535] as [UInt16])
    func keepAliveOutsideTheRange(seconds: UInt16) {
        #expect(Self.judge(keepAlive: seconds) == .identifierRejected)
    }

    @Test(arguments: [30, 1200] as [UInt16])
    func keepAliveAtTheEdges(seconds: UInt16) {
        #expect(Self.judge(keepAlive: seconds) == .accepted)
    }

    @Test(arguments: [
        "plain", "", "|", "x|", "x||", "|securemode=3|", "x|securemode=3", "x|securemode|", "x|=3|",
        "x|signmethod=hmacsha1|", "x|securemode=2,signmethod=hmacsha1|", "x|securemode=3,signmethod=sha1|",
        String(repeating: "c", count: 65) + "|securemode=3,signmethod=hmacsha1|",
    ])
    func malformedIdentifier(identifier: String) {
        #expect(Self.judge(identifier: identifier) == .identifierRejected)
    }

    @Test(
        arguments: [
            (nil, password), ("esp-bridge_01", password), ("a1B2c3D4e5F&esp-bridge_01", password),
            ("esp-bridge_01&a1B2c3D4e5F", nil), ("esp-bridge_01&a1B2c3D4e5F", ""),
            ("esp-bridge_01&a1B2c3D4e5F", "390aa1117fb198c3d1f38d19553656ebcd5f5a26"),
        ] as [(String?, String?)])
    func wrongTriple(user: String?, password: String?) {
        #expect(Self.judge(user: user, password: password) == .badUserNameOrPassword)
    }

    @Test func whatIsSignedIsWhatStandsInTheIdentifier() {
        let identifier = Self.identifier.replacing("timestamp=2524608000000", with: "timestamp=2524608000001")
        #expect(Self.judge(identifier: identifier) == .badUserNameOrPassword)
    }
}
