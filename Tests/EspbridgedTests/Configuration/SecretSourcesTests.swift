import BridgeCore
import Foundation
import Testing

@testable import espbridged

@Suite("Where secrets come from")
struct SecretSourcesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func text(wifi: String = "", aliyun: String = "", broker: String? = nil) -> String {
        let peer =
            broker.map { "[broker]\nhost = \"h\"\nclient_id = \"c\"\n" + $0 }
            ?? "[aliyun]\nproduct_key = \"pk\"\ndevice_name = \"device\"\n" + aliyun
        return "[serial]\ndevice = \"/dev/tty\"\n[wifi]\nssid = \"a\"\n\(wifi)\n\(peer)\n"
    }

    @Test("from a file, absolute or beside the configuration, without its line end", arguments: ["", "\n", "\r\n"])
    func file(lineEnd: String) throws {
        try folder.write("keys/secret", "from-file" + lineEnd)
        for path in ["keys/secret", folder.path + "/keys/secret"] {
            let loading = try folder.load(text(aliyun: "device_secret_file = \"\(path)\""))
            #expect(loading.configuration?.aliyun?.deviceSecret.value == "from-file")
            #expect(loading.warnings.isEmpty)
        }
    }

    @Test("only one line end is taken off: a password may end with blanks")
    func blanks() throws {
        try folder.write("password", " a blank \n")
        let loading = try folder.load(
            text(wifi: "password_file = \"password\"", aliyun: "device_secret = \"s\""))
        #expect(loading.configuration?.wifi.password.value == " a blank ")
    }

    @Test("from the credentials that systemd passes")
    func credentials() throws {
        try folder.write("run/device-secret", "credential-1\n")
        try folder.write("run/wifi-password", "credential-2")
        try folder.write("run/broker-password", "credential-3\n")
        let loading = try folder.load(text(), credentials: folder.path + "/run")
        #expect(loading.configuration?.aliyun?.deviceSecret.value == "credential-1")
        #expect(loading.configuration?.wifi.password.value == "credential-2")
        let broker = try folder.load(text(broker: "username = \"u\""), credentials: folder.path + "/run")
        #expect(broker.configuration?.broker?.password.value == "credential-3")
        #expect(loading.warnings.isEmpty && broker.warnings.isEmpty)
    }

    @Test("a broker's credential is for a user name only")
    func noUserName() throws {
        try folder.write("run/broker-password", "credential\n")
        let loading = try folder.load(text(broker: ""), credentials: folder.path + "/run")
        #expect(loading.configuration?.broker?.password.isEmpty == true)
    }

    @Test("from the folder beside the configuration, when the service has no such credential, or it is empty")
    func folderBeside() throws {
        try folder.write("espbridged.d/device-secret", "beside\n")
        try folder.write("run/device-secret", "\n")  // as SetCredential= has it
        for credentials in [nil, folder.path + "/none", folder.path + "/run"] {
            let loading = try folder.load(text(), credentials: credentials)
            #expect(loading.configuration?.aliyun?.deviceSecret.value == "beside")
        }
    }

    @Test("the configuration itself comes before a file's credential, which is said")
    func precedence() throws {
        try folder.write("run/device-secret", "credential\n")
        try folder.write("secret", "from-file\n")
        let plain = try folder.load(
            text(aliyun: "device_secret = \"plain\""), credentials: folder.path + "/run")
        #expect(plain.configuration?.aliyun?.deviceSecret.value == "plain")
        #expect(plain.warnings == ["run/device-secret is not used: aliyun.device_secret comes before it"])
        let file = try folder.load(
            text(aliyun: "device_secret_file = \"secret\""), credentials: folder.path + "/run")
        #expect(file.configuration?.aliyun?.deviceSecret.value == "from-file")
        #expect(file.warnings == ["run/device-secret is not used: aliyun.device_secret_file comes before it"])
    }

    @Test("empty values are none")
    func emptyValues() throws {
        try folder.write("run/device-secret", "credential\n")
        let loading = try folder.load(
            text(aliyun: "device_secret = \"\"\ndevice_secret_file = \"\""), credentials: folder.path + "/run")
        #expect(loading.configuration?.aliyun?.deviceSecret.value == "credential")
    }

    @Test("the device secret is needed, a Wi-Fi password is not")
    func missing() throws {
        #expect(
            try folder.load(text()).mistakes == [
                "espbridged.conf:6: aliyun.device_secret: missing: give device_secret, device_secret_file or the "
                    + "systemd credential device-secret"
            ])
        let open = try folder.load(text(aliyun: "device_secret = \"s\""))
        #expect(open.configuration?.wifi.password.isEmpty == true)
    }

    @Test("value and file together")
    func both() throws {
        try folder.write("secret", "from-file")
        let loading = try folder.load(text(aliyun: "device_secret = \"s\"\ndevice_secret_file = \"secret\""))
        #expect(
            loading.mistakes == [
                "espbridged.conf:10: aliyun.device_secret_file: expected one of device_secret and device_secret_file, "
                    + "not both"
            ])
    }

    @Test("a file that cannot be used is one mistake")
    func unusableFile() throws {
        try folder.write("empty", "\n")
        try folder.write("binary", [0xFF, 0xFE])
        let mistakes = ["none", "empty", "binary"].map { name in
            (try? folder.load(text(aliyun: "device_secret_file = \"\(name)\"")).mistakes) ?? []
        }
        #expect(
            mistakes == [
                ["espbridged.conf:9: aliyun.device_secret_file: none: No such file or directory"],
                ["espbridged.conf:9: aliyun.device_secret_file: empty is empty"],
                ["espbridged.conf:9: aliyun.device_secret_file: binary: is not UTF-8 text"],
            ])
    }

    @Test("a secret that everybody may read is remarked on, and not refused")
    func permissions() throws {
        try folder.write("open", "from-file", mode: 0o644)
        let file = try folder.load(text(aliyun: "device_secret_file = \"open\""), mode: 0o644)
        #expect(file.warnings == ["open holds a secret and is readable by everybody: chmod o-r open"])
        let plain = try folder.load(text(aliyun: "device_secret = \"s\""), mode: 0o644)
        #expect(
            plain.warnings == [
                "espbridged.conf holds aliyun.device_secret and is readable by everybody: better put it into "
                    + "espbridged.d/device-secret"
            ])
        #expect(try folder.load(text(aliyun: "device_secret = \"s\""), mode: 0o640).warnings.isEmpty)
    }
}
