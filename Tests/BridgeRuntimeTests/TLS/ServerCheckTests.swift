import BridgeCore
import Foundation
import TestSupport
import Testing

@testable import BridgeRuntime

/// The check that takes the place of the library's own: nothing but a good certificate for this host passes.
@Suite("The server's certificate")
final class ServerCheckTests {
    private static let host = "broker.test"
    private let authority: TestAuthority
    private let folder: String
    private var caFile: String { folder + "/ca.pem" }

    init() throws {
        authority = try TestAuthority()
        folder = NSTemporaryDirectory() + "espbridged-tls-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try authority.root.pem().certificate.write(toFile: caFile, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func judge(
        _ wish: TestAuthority.Wish, host: String = host, of other: TestAuthority? = nil, caFile: String? = nil,
        after seconds: Int64 = 0
    ) async throws -> Result<ServerCertificate, TLSFailure> {
        let identity = try (other ?? authority).issue(wish)
        let now = WallTime.now.calendar.seconds + seconds
        let check = ServerCheck(host: host, caFile: caFile ?? self.caFile, clock: { CalendarTime(seconds: now) })
        return await check.judge([try identity.der()])
    }

    private func failure(_ result: Result<ServerCertificate, TLSFailure>) -> TLSFailure? {
        if case .failure(let failure) = result { failure } else { nil }
    }

    @Test("a good one passes, and is told of")
    func good() async throws {
        let certificate = try await judge(.init(names: [Self.host, "*.other.test"])).get()
        #expect(certificate.subject == "CN=test server")
        #expect(certificate.issuer == "CN=espbridged test authority")
        #expect(certificate.names == ["broker.test", "*.other.test"])
        #expect(WallTime.now.calendar.days(until: certificate.validUntil) == 7)
    }

    @Test("one label may be a star")
    func wildcard() async throws {
        let wish = TestAuthority.Wish(names: ["*.iot-as-mqtt.cn-shanghai.aliyuncs.com"])
        _ = try await judge(wish, host: "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com").get()
        #expect(failure(try await judge(wish, host: "a.b.iot-as-mqtt.cn-shanghai.aliyuncs.com")) != nil)
    }

    @Test("a wrong name is refused, though the authority is trusted")
    func wrongName() async throws {
        #expect(
            failure(try await judge(.init(names: ["evil.test", "www.evil.test"])))
                == .certificateForOthers(host: Self.host, names: ["evil.test", "www.evil.test"]))
        #expect(failure(try await judge(.init())) == .certificateForOthers(host: Self.host, names: []))
    }

    @Test("an address stands in the certificate as an address")
    func addresses() async throws {
        let wish = TestAuthority.Wish(names: ["192.168.1.11"], addresses: [[192, 168, 1, 10]])
        _ = try await judge(wish, host: "192.168.1.10").get()
        #expect(
            failure(try await judge(wish, host: "192.168.1.11"))
                == .certificateForOthers(host: "192.168.1.11", names: ["192.168.1.11", "192.168.1.10"]))
    }

    @Test("an authority that is not trusted is named, whatever else is wrong")
    func untrusted() async throws {
        let other = try TestAuthority(name: "nobody's authority")
        let untrusted = TLSFailure.certificateUntrusted(issuer: "CN=nobody's authority")
        #expect(failure(try await judge(.init(names: [Self.host]), of: other)) == untrusted)
        #expect(failure(try await judge(.init(names: ["evil.test"]), of: other, after: 90 * 86_400)) == untrusted)
        // The same name alone does not make it the same authority.
        let namesake = try TestAuthority()
        #expect(
            failure(try await judge(.init(names: [Self.host]), of: namesake))
                == .certificateUntrusted(issuer: "CN=espbridged test authority"))
    }

    @Test("an expired one, and one of the future")
    func dates() async throws {
        guard case .certificateExpired? = failure(try await judge(.init(names: [Self.host]), after: 8 * 86_400)) else {
            Issue.record("not expired")
            return
        }
        var wish = TestAuthority.Wish(names: [Self.host])
        wish.begins = 3600
        guard case .certificateNotYetValid? = failure(try await judge(wish)) else {
            Issue.record("valid before its time")
            return
        }
        wish.begins = 2 * 86_400
        guard case .clockWrong? = failure(try await judge(wish)) else {
            Issue.record("the clock is not to blame")
            return
        }
    }

    @Test("an expired authority does not count either")
    func expiredAuthority() async throws {
        let result = try await judge(.init(names: [Self.host]), after: 31 * 86_400)
        guard case .certificateExpired? = failure(result) else {
            Issue.record("\(result)")
            return
        }
    }

    @Test("one for clients is none for servers")
    func purpose() async throws {
        var wish = TestAuthority.Wish(names: [Self.host])
        wish.isForServers = false
        let result = try await judge(wish)
        #expect(failure(result) == .certificateUnusable(detail: "it is not one for servers"), "\(result)")
    }

    @Test("RSA, and an authority between that the server has to send")
    func intermediate() async throws {
        let top = try TestAuthority(name: "top", kind: .rsa)
        let between = try TestAuthority(name: "between", kind: .rsa, under: top)
        let leaf = try between.issue(.init(names: [Self.host])).der()
        try top.root.pem().certificate.write(toFile: caFile, atomically: true, encoding: .utf8)
        let check = ServerCheck(host: Self.host, caFile: caFile)
        let certificate = try await check.judge([leaf, try between.root.der()]).get()
        #expect(certificate.issuer == "CN=top")
        #expect(failure(await check.judge([leaf])) == .certificateUntrusted(issuer: "CN=between"))
    }

    @Test("bytes that are no certificate, and none at all")
    func garbage() async throws {
        for chain in [[], [[]], [[0x30, 0x03, 1, 2, 3]]] as [[[UInt8]]] {
            let result = await ServerCheck(host: Self.host, caFile: caFile).judge(chain)
            #expect(failure(result) == .certificateUnusable(detail: "it cannot be read"))
        }
    }

    @Test("a file of authorities that has gone is said")
    func missingFile() async throws {
        let result = try await judge(.init(names: [Self.host]), caFile: folder + "/gone.pem")
        #expect(
            failure(result)
                == .authoritiesUnusable(detail: "\(folder)/gone.pem cannot be opened: No such file or directory"))
    }

    @Test("what is wrong with a file of authorities")
    func files() throws {
        func problem(_ text: String) throws -> String? {
            try text.write(toFile: folder + "/x.pem", atomically: true, encoding: .utf8)
            return Authorities.problem(in: folder + "/x.pem")
        }
        let pem = try authority.root.pem()
        #expect(try problem(pem.certificate) == nil)
        #expect(try problem(pem.key + pem.certificate) == nil)
        #expect(try problem("")?.hasSuffix("holds no certificate (-----BEGIN CERTIFICATE-----)") == true)
        #expect(try problem(pem.key)?.hasSuffix("holds no certificate (-----BEGIN CERTIFICATE-----)") == true)
        #expect(
            try problem("-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n")?.hasSuffix(
                "cannot be read as PEM") == true)
        #expect(
            try problem(pem.certificate + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")?.hasSuffix(
                "certificate 2 cannot be read") == true)
    }
}
