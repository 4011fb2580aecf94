import Foundation
import Testing

@testable import espbridged

@Suite("etc/espbridged.conf")
struct ShippedConfigurationTests {
    private static let folder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/etc"

    private let text: String

    init() throws { text = try String(contentsOfFile: Self.folder + "/espbridged.conf", encoding: .utf8) }

    @Test("has no mistake and nothing to remark")
    func good() throws {
        let loaded = try ConfigurationFile.load(Self.folder + "/espbridged.conf", credentials: nil)
        #expect(loaded.warnings.isEmpty)
    }

    @Test("what is commented out is the default")
    func defaults() throws {
        let folder = try TemporaryFolder()
        try folder.write("espbridged.d/device-secret", "secret")
        let asShipped = try #require(try folder.load(text).configuration)
        let secrets = [
            "#password = ", "#password_file = ", "#device_secret = ", "#device_secret_file = ",
        ]
        var isBroker = false
        let uncommented = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.hasPrefix("[") || line.hasPrefix("#[") { isBroker = line.hasPrefix("#[broker]") }
            let name = line.dropFirst().split(separator: " = ").first ?? ""
            let isSetting =
                line.hasPrefix("#") && line.contains(" = ") && name != "subscribe"
                && name.allSatisfy { $0 == "_" || $0.isLowercase }
            return isSetting && !isBroker && !secrets.contains(where: line.hasPrefix) ? line.dropFirst() : line
        }
        let loading = try folder.load(uncommented.joined(separator: "\n"))
        #expect(loading.mistakes.isEmpty)
        #expect(loading.configuration == asShipped)
    }

    @Test("every key of the reader stands in it")
    func complete() throws {
        // The message about an unknown key names all that there are.
        for table in ["serial", "wifi", "modem", "aliyun", "broker", "mqtt", "socket", "outbox", "log"] {
            let folder = try TemporaryFolder()
            let mistakes = try folder.load("[\(table)]\nno_such_key_at_all = 1\n").mistakes
            let hint = try #require(mistakes.first { $0.contains("no_such_key_at_all") })
            let keys = try #require(hint.components(separatedBy: "expected one of ").last).components(separatedBy: ", ")
            let section = try #require(
                text.components(separatedBy: "\n").split { $0.hasSuffix("[\(table)]") && !$0.contains(" ") }.last)
            for key in keys {
                if table == "broker", key == "password" { continue }
                #expect(
                    section.contains { $0.hasPrefix("\(key) = ") || $0.hasPrefix("#\(key) = ") }, "\(table).\(key)")
            }
        }
    }
}
