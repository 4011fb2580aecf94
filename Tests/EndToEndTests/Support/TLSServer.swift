import Foundation
import TestSupport

/// What a server needs for TLS: a certificate of an authority that the daemon is told of.
struct TLSServer {
    var authority: TestAuthority
    var identity: TestAuthority.Identity

    /// For these names, and for 127.0.0.1.
    init(
        names: [String] = [Workbench.cloudHost, "broker.test"], kind: TestAuthority.Kind = .ecdsa,
        begins: Double = -3600, ends: Double = 7 * 86_400
    ) throws {
        authority = try TestAuthority(kind: kind)
        var wish = TestAuthority.Wish(names: names, addresses: [[127, 0, 0, 1]])
        (wish.begins, wish.ends) = (begins, ends)
        identity = try authority.issue(wish)
    }

    /// Puts `ca.pem`, `server.pem` and `server-key.pem` into a folder.
    func write(to folder: String) throws {
        let (certificate, key) = try identity.pem()
        let files = [
            ("ca.pem", try authority.root.pem().certificate), ("server.pem", certificate), ("server-key.pem", key),
        ]
        for (name, text) in files {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    /// For `espsim cloud`.
    static func options(_ folder: String) -> [String] {
        ["--tls-certificate", folder + "/server.pem", "--tls-key", folder + "/server-key.pem"]
    }

    /// A folder with these files, and `openssl.conf` for programs that use OpenSSL: no version of TLS above 1.2.
    ///
    /// - Returns: its path; the caller removes it.
    func folder() throws -> String {
        let folder = NSTemporaryDirectory() + "espbridged-tls-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(to: folder)
        let sections = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.2\n"
        try sections.write(toFile: folder + "/openssl.conf", atomically: true, encoding: .utf8)
        return folder
    }

    /// For mosquitto.conf(5), behind its listener.
    static func settings(_ folder: String) -> String {
        "certfile \(folder)/server.pem\nkeyfile \(folder)/server-key.pem"
    }

    /// The daemon's configuration, with TLS in its table `[mqtt]`.
    static func configured(_ more: String) -> String {
        let lines = "[mqtt]\nsecurity = \"tls\"\nca_file = \"ca.pem\""
        return more.contains("[mqtt]") ? more.replacingOccurrences(of: "[mqtt]", with: lines) : more + "\n" + lines
    }
}
