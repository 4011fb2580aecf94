import BridgeCore
import Testing

@testable import espbridged

/// Whatever is wrong with a file: no secret that stands in it may show up in what is said about it.
@Suite("No message shows a secret")
struct SecretCanaryTests {
    private let folder: TemporaryFolder
    private static let canary = "CANARY"

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "in values of every type and shape, right or wrong TOML",
        arguments: [
            #""CANARY""#, #""CANARY\u0000""#,
            #""CANARY CANARY CANARY CANARY CANARY CANARY CANARY CANARY CANARY CANARY""#,
            #"["CANARY"]"#, #"{ CANARY = "CANARY" }"#, "CANARY", #""CANARY"#, #"'CANARY"#, #""CANARY" CANARY"#,
            #""CANARY\q""#, #""\u00zzCANARY""#, "[CANARY", "{CANARY}", #""""CANARY"#, "12CANARY", "0xCANARY",
            "true CANARY", "2020-CANARY", "tCANARY", "infCANARY", "+CANARY", "\"CANARY\u{7}\"", #""CANARY"CANARY""#,
            #"'CANARY'CANARY'"#, "12345CANARY", "tru€CANARY", "1979-05-27T07:32:00CANARY", "-CANARY", "[1, CANARY]",
            #""CANARY" = "CANARY""#, "\"CANARY\nCANARY\"",
        ],
        ["wifi.password", "aliyun.device_secret", "broker.password"])
    func values(value: String, key: String) throws {
        let parts = key.split(separator: ".")
        for rest in ["", "keep_alive = 1\nbaud = \"x\"\n", "\(parts[1]) = \"CANARY\"\n"] {
            let text = "[\(parts[0])]\n\(parts[1]) = \(value)\n\(rest)"
            let said = try lines(about: text)
            #expect(!said.isEmpty)
            for line in said { #expect(!line.contains(Self.canary), "\(line)") }
            // Not a letter of it: another secret of the same make (hexadecimal digits for such) gives the same words.
            #expect(
                try lines(
                    about: text.split(separator: "CANARY", omittingEmptySubsequences: false).joined(separator: "DBMBSX")
                ) == said)
        }
    }

    private func lines(about text: String) throws -> [String] {
        let loading = try folder.load(text, mode: 0o644)
        return loading.mistakes + loading.warnings
    }

    @Test("in files and credentials")
    func files() throws {
        try folder.write("secret", "CANARY CANARY\n", mode: 0o644)
        try folder.write("run/wifi-password", "CANARY", mode: 0o644)
        try folder.write("run/device-secret", "CANARY CANARY", mode: 0o644)
        for peer in ["device_secret_file = \"secret\"", ""] {
            let loading = try folder.load(
                "[aliyun]\n\(peer)\n[wifi]\nssid = \"\"\n", mode: 0o644, credentials: folder.path + "/run")
            #expect(loading.mistakes.contains { $0.contains("aliyun.device_secret: expected 1 to 64") })
            #expect(loading.mistakes.contains { $0.contains("wifi.password: expected 8 to 64") })
            for line in loading.mistakes { #expect(!line.contains(Self.canary), "\(line)") }
        }
    }
}
