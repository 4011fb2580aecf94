import Testing

@testable import espbridged

/// The built program, as a shell sees it.
@Suite("Commands")
struct CommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let device = ["sign", "--product-key", "pk", "--device-name", "device"]
    private static let example = device + ["--client-id", "12345", "--timestamp", "789"]

    @Test("sign prints the platform's published example")
    func sign() throws {
        let outcome = try Program.run(Self.example, input: "secret\n")
        #expect(outcome.status == 0)
        #expect(outcome.complaint == "")
        #expect(
            outcome.output == """
                host: pk.iot-as-mqtt.cn-shanghai.aliyuncs.com
                port: 1883
                mqttClientId: 12345|securemode=3,signmethod=hmacsha1,timestamp=789|
                mqttUsername: device&pk
                mqttPassword: fafd82a3d602b37fb0fa8b7892f24a477f851a14

                """)
    }

    @Test("sign as JSON, with everything given")
    func signJSON() throws {
        let file = try folder.write("secret", "secret")
        let outcome = try Program.run(
            Self.example + [
                "--json", "--method", "hmacsha256", "--security", "tls", "--port", "443", "--secret-file", file,
                "--endpoint", "iot-1.mqtt.iothub.aliyuncs.com",
            ])
        #expect(outcome.status == 0)
        #expect(
            outcome.output == "{\"host\":\"iot-1.mqtt.iothub.aliyuncs.com\",\"port\":443,"
                + "\"mqttClientId\":\"12345|securemode=2,signmethod=hmacsha256,timestamp=789|\","
                + "\"mqttUsername\":\"device&pk\","
                + "\"mqttPassword\":\"6074a46a91b1ebb2cc4ea42790ad0e80202c9843859fc292e57c4eb19fad9e57\"}\n")
    }

    @Test("sign without the optional values")
    func signShort() throws {
        let outcome = try Program.run(Self.device + ["--region", "us-west-1", "--secret-file", "-"], input: "s")
        #expect(outcome.output.contains("host: pk.iot-as-mqtt.us-west-1.aliyuncs.com\n"))
        #expect(outcome.output.contains("mqttClientId: pk.device|securemode=3,signmethod=hmacsha1|\n"))
    }

    @Test(
        "sign refuses what the platform would",
        arguments: [
            ["--device-name", "abc"], ["--product-key", "a-b"], ["--client-id", "a|b"], ["--client-id", ""],
            ["--timestamp", "now"], ["--region", "CN"], ["--endpoint", "host:1883"], ["--port", "0"],
            ["--method", "md5"], ["--security", "none"], ["--secret", "secret"], ["word"],
        ])
    func signUsage(wrong: [String]) throws {
        let outcome = try Program.run(Self.device + wrong, input: "secret\n")
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.complaint.contains(wrong[0]))
    }

    @Test("sign says why a secret cannot be used, and does not show it")
    func signSecret() throws {
        #expect(try Program.run(Self.device + ["--secret-file", folder.path + "/none"]).status == 74)
        for secret in ["", "\n", "CANARY CANARY", "CANARY\u{e9}"] {
            let outcome = try Program.run(Self.device, input: secret)
            #expect(outcome.status == 65)
            #expect(outcome.complaint.contains("expected 1 to 64"))
            #expect(!(outcome.complaint + outcome.output).contains("CANARY"))
        }
    }

    @Test("check says in one line that a file is valid, and its warnings beside it")
    func checkGood() throws {
        let file = try folder.write("c.conf", ConfigurationFileTests.short)
        let outcome = try Program.run(["check", "--config", file])
        #expect(outcome.status == 0)
        #expect(outcome.output == "\(file) is valid\n")
        #expect(outcome.complaint == "")
        let open = try folder.write(
            "o.conf", ConfigurationFileTests.short + "username = \"u\"\npassword = \"CANARY\"\n", mode: 0o644)
        let warned = try Program.run(["check", "--config", open])
        #expect(warned.status == 0)
        #expect(warned.output == "\(open) is valid\n")
        #expect(warned.complaint.hasPrefix("espbridged: warning: \(open) holds broker.password"))
        #expect(!warned.complaint.contains("CANARY"))
    }

    @Test("check prints every mistake and ends with 78")
    func checkBad() throws {
        let file = try folder.write("c.conf", ConfigurationFileTests.short + "[mqtt]\nkeep_alive = 1\nport = true\n")
        let outcome = try Program.run(["check", "--config", file])
        #expect(outcome.status == 78)
        #expect(outcome.output == "")
        #expect(
            outcome.complaint == """
                \(file):9: mqtt.keep_alive: 1 is out of range: expected 5 to 65535 seconds
                \(file):10: mqtt.port: is true or false, expected an integer

                """)
        #expect(try Program.run(["check", "--config", folder.path + "/none"]).status == 78)
    }

    @Test(
        "version and help",
        arguments: [["--version"], ["--help"], ["sign", "--help"], ["packet", "encode", "--help"]])
    func help(arguments: [String]) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix(arguments == ["--version"] ? "0." : "OVERVIEW: "))
    }
}
