import BridgeCore
import Foundation
import SwiftASN1
@_spi(DisableValidityCheck) @_spi(FixedExpiryValidationTime) import X509

/// Whether a server's certificate chain is to be accepted, and when not, why.
///
/// The library's own verification cannot be used: on a serial port there is no remote address, which it insists upon, and
/// without the check of the name, which can be turned off, any certificate of any trusted authority would do. So all of it
/// is checked here: the chain up to a trusted authority with dates and constraints (RFC 5280, section 6), the name or
/// address (RFC 6125, in the alternative names only), and that it is one for servers.
struct ServerCheck: Sendable {
    var host: String
    /// `mqtt.ca_file`; empty for the system's authorities.
    var caFile: String
    var clock: @Sendable () -> CalendarTime = { WallTime.now.calendar }

    /// - Parameter chain: the certificates as the server sent them, its own first, in DER.
    func judge(_ chain: [[UInt8]]) async -> Result<ServerCertificate, TLSFailure> {
        let now = clock()
        let roots: CertificateStore
        do { roots = CertificateStore(try Authorities.load(caFile)) } catch {
            return .failure(.authoritiesUnusable(detail: error.description))
        }
        guard let certificates = try? chain.map({ try Certificate(derEncoded: $0) }), let leaf = certificates.first
        else {
            return .failure(.certificateUnusable(detail: "it cannot be read"))
        }
        let others = CertificateStore(certificates.dropFirst())
        let date = Date(timeIntervalSince1970: TimeInterval(now.seconds))
        var verifier = Verifier(rootCertificates: roots) {
            RFC5280Policy(fixedExpiryValidationTime: date)
            identity
            ServerPurposePolicy()
        }
        if case .validCertificate(let valid) = await verifier.validate(leaf: leaf, intermediates: others) {
            return .success(Self.account(of: leaf, sent: certificates, upToRoot: Array(valid)))
        }
        return .failure(await finding(leaf, certificates, roots, others).verdict(host: host, clock: now))
    }

    private var identity: ServerIdentityPolicy {
        Self.isAddress(host)
            ? ServerIdentityPolicy(serverHostname: nil, serverIP: host)
            : ServerIdentityPolicy(serverHostname: host, serverIP: nil)
    }

    /// Whether the host is an address in figures: those are not sent as a server name (RFC 6066, section 3), and stand in
    /// certificates as addresses.
    static func isAddress(_ host: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }

    // MARK: Why not

    /// What about a certificate that was not accepted is in order: the parts of the check, each for itself. Nothing is
    /// accepted on the strength of this.
    private func finding(
        _ leaf: Certificate, _ sent: [Certificate], _ roots: CertificateStore, _ others: CertificateStore
    ) async -> CertificateFinding {
        var timeless = Verifier(rootCertificates: roots) {
            RFC5280Policy.withValidityCheckDisabled()
            AnyIdentityPolicy()
        }
        var path: [Certificate]?
        if case .validCertificate(let valid) = await timeless.validate(leaf: leaf, intermediates: others) {
            path = Array(valid)
        }
        var named = Verifier(rootCertificates: roots) {
            RFC5280Policy.withValidityCheckDisabled()
            identity
            AnyIdentityPolicy()
        }
        var isForHost = false
        if case .validCertificate = await named.validate(leaf: leaf, intermediates: others) { isForHost = true }
        return CertificateFinding(
            Self.account(of: leaf, sent: sent, upToRoot: path ?? sent), isTrusted: path != nil, isForHost: isForHost)
    }

    private static func account(
        of leaf: Certificate, sent: [Certificate], upToRoot path: [Certificate]
    ) -> ServerCertificate {
        func time(_ date: Date) -> CalendarTime { CalendarTime(seconds: Int64(date.timeIntervalSince1970)) }
        return ServerCertificate(
            subject: "\(leaf.subject)", issuer: "\((sent.last ?? leaf).issuer)", names: names(of: leaf),
            validFrom: time(path.map(\.notValidBefore).max() ?? leaf.notValidBefore),
            validUntil: time(path.map(\.notValidAfter).min() ?? leaf.notValidAfter))
    }

    private static func names(of leaf: Certificate) -> [String] {
        guard let names = try? leaf.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .dnsName(let name): name
            case .ipAddress(let octets): address(Array(octets.bytes))
            default: nil
            }
        }
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return text.withUnsafeBufferPointer { String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) }
    }
}

/// A certificate that says what it is for has to be for servers (RFC 5280, section 4.2.1.12), so that no other holder of a
/// certificate of the same authority passes for one.
private struct ServerPurposePolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.extendedKeyUsage]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        do {
            guard let usages = try chain.leaf.extensions.extendedKeyUsage else { return .meetsPolicy }
            return usages.contains(.serverAuth) || usages.contains(.any)
                ? .meetsPolicy : .failsToMeetPolicy(reason: "not for servers")
        } catch {
            return .failsToMeetPolicy(reason: "extended key usage cannot be read")
        }
    }
}

/// For the parts of a finding: takes note of what the other policies check, and checks nothing.
private struct AnyIdentityPolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.extendedKeyUsage,
    ]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult { .meetsPolicy }
}
