import ArgumentParser
import BridgeCore

/// `espbridged sign`: what a device has to say to be let into the platform.
struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Print host, port, client identifier, user name and password of a device's MQTT sign-in.",
        discussion: """
            One "name: value" a line, or one JSON object. The password is printed because it is what was asked for: \
            whoever has it can sign in as the device. Exit status: 0, 64 for values that the platform would refuse, \
            65 for such a secret, 74 when the secret cannot be read.
            """)

    @Option(help: "1 to 20 letters and digits.")
    var productKey: String

    @Option(help: "4 to 32 letters, digits and - _ @ . :")
    var deviceName: String

    @Option(
        help: ArgumentHelp(
            "File with the DeviceSecret, - for standard input. Never an argument: those are visible to everybody.",
            valueName: "file"))
    var secretFile = "-"

    @Option(help: "How the password is computed.")
    var method = SignMethod.hmacsha1

    @Option(help: "At most 64 characters (default: PRODUCT-KEY.DEVICE-NAME).")
    var clientID: String?

    @Option(help: ArgumentHelp("Signed and sent along when given.", valueName: "milliseconds"))
    var timestamp: String?

    @Option(help: "The region of an older public instance.")
    var region = "cn-shanghai"

    @Option(help: ArgumentHelp("The host of a newer instance, instead of the region's.", valueName: "host"))
    var endpoint: String?

    @Option(help: "tcp (securemode 3) or tls (securemode 2).")
    var security = Security.tcp

    @Option(help: "Printed as it is; the platform listens on 1883 and 443.")
    var port = 1883

    @Flag(help: "Print one JSON object.")
    var json = false

    /// What the MQTT bytes travel in.
    enum Security: String, CaseIterable, ExpressibleByArgument {
        case tcp, tls
    }

    func validate() throws {
        try expect(PlatformRules.mistake(inProductKey: productKey), "--product-key")
        try expect(PlatformRules.mistake(inDeviceName: deviceName), "--device-name")
        if let clientID { try expect(PlatformRules.mistake(inClientID: clientID), "--client-id") }
        if let timestamp { try expect(PlatformRules.mistake(inTimestamp: timestamp), "--timestamp") }
        if let endpoint {
            try expect(PlatformRules.mistake(inHost: endpoint), "--endpoint")
        } else {
            try expect(PlatformRules.mistake(inRegion: region), "--region")
        }
        try expect((1...65_535).contains(port) ? nil : "1 to 65535", "--port")
    }

    func run() throws {
        let secret = try SecretFile.contents(of: secretFile, prompt: "DeviceSecret: ")
        if let expected = PlatformRules.mistake(inSecret: secret) {
            throw Failure.data("--secret-file: the secret is not a DeviceSecret: expected \(expected)")
        }
        let signIn = SignIn(
            DeviceIdentity(
                productKey: productKey, deviceName: deviceName, secret: secret, clientID: clientID, method: method,
                timestamp: timestamp),
            isTLS: security == .tls)
        let host = endpoint ?? PlatformRules.host(productKey: productKey, region: region)
        let answer: KeyValuePairs<String, JSONValue> = [
            "host": .string(host), "port": .int(port), "mqttClientId": .string(signIn.clientIdentifier),
            "mqttUsername": .string(signIn.userName), "mqttPassword": .string(signIn.password.value),
        ]
        if json {
            Standard.say(JSONValue.object(answer.map { JSONValue.Member($0.key, $0.value) }).serialized)
        } else {
            for (name, value) in answer { Standard.say("\(name): \(value.text ?? value.serialized)") }
        }
    }

    private func expect(_ expected: String?, _ option: String) throws {
        if let expected { throw ValidationError("\(option): expected \(expected)") }
    }
}

extension SignMethod: ExpressibleByArgument {}
