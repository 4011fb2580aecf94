import Testing

@testable import BridgeCore

@Suite("Sign-in to the platform")
struct SignInTests {
    @Test("the vectors are there, for all methods, with and without timestamp")
    func vectors() {
        let identities = AliyunVectors.all.devices.map(\.identity)
        #expect(identities.count == 8)
        #expect(Set(identities.map(\.method)) == Set(SignMethod.allCases))
        #expect(Set(identities.map { $0.timestamp == nil }) == [true, false])
        #expect(AliyunVectors.all.connectPackets.count == 2)
    }

    @Test("identifier, user name and password are those of the vector", arguments: AliyunVectors.all.devices)
    func device(vector: AliyunVectors.Device) {
        let signIn = SignIn(vector.identity)
        #expect(SignIn.content(vector.identity) == vector.content)
        #expect(signIn.clientIdentifier == vector.clientIdentifier)
        #expect(signIn.userName == vector.userName)
        #expect(signIn.password.value == vector.password)
    }

    @Test("CONNECT is that of the vector, byte for byte", arguments: AliyunVectors.all.connectPackets)
    func connect(vector: AliyunVectors.ConnectPacket) throws {
        let signIn = SignIn(try AliyunVectors.all.identity(of: vector.vector))
        let packet = MQTTPacket.connect(
            .init(
                clientIdentifier: signIn.clientIdentifier, cleanSession: vector.cleanSession,
                keepAlive: vector.keepAlive, username: signIn.userName, password: Array(signIn.password.value.utf8)))
        #expect(HexText.text(packet.encoded()) == HexText.text(vector.bytes))
        #expect(try MQTTPacket.decode(vector.bytes) == packet)
    }

    @Test("over TLS the mode is 2, and the password the same")
    func tls() throws {
        let identity = try AliyunVectors.all.identity(of: "V1-doc-73742")
        let plain = SignIn(identity)
        let tls = SignIn(identity, isTLS: true)
        #expect(tls.clientIdentifier == "12345|securemode=2,signmethod=hmacsha1,timestamp=789|")
        #expect(tls.password == plain.password)
    }

    @Test("without a client id of its own a device is known by product key and name", arguments: [nil, ""])
    func defaultClientID(given: String?) {
        let identity = DeviceIdentity(productKey: "pk", deviceName: "device", secret: Secret("s"), clientID: given)
        #expect(identity.clientID == "pk.device")
        #expect(SignIn(identity).clientIdentifier == "pk.device|securemode=3,signmethod=hmacsha1|")
    }

    @Test("the longest secret, 64 characters, fills the block of the hash")
    func longSecret() {
        let secret = Secret(String(repeating: "k", count: 64))
        let identity = DeviceIdentity(productKey: "pk", deviceName: "device", secret: secret, clientID: "1")
        #expect(SignIn(identity).password.value == "c489eeab951f686162aad715f46a985797de7542")
    }

    @Test("neither identity nor sign-in show their secrets when printed")
    func masked() {
        let identity = DeviceIdentity(productKey: "pk", deviceName: "device", secret: Secret("canary"))
        let signIn = SignIn(identity)
        var dumped = ""
        dump(identity, to: &dumped)
        dump(signIn, to: &dumped)
        for text in ["\(identity)", "\(signIn)", String(reflecting: identity), String(reflecting: signIn), dumped] {
            #expect(!text.contains("canary"))
            #expect(!text.contains(signIn.password.value))
        }
    }
}
