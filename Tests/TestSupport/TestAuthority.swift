import Crypto
import Foundation
import X509
import _CryptoExtras

/// A certificate authority of a test's own.
public struct TestAuthority: Sendable {
    /// What a server's certificate says.
    public struct Wish: Sendable {
        public var names: [String] = []
        /// Four bytes each.
        public var addresses: [[UInt8]] = []
        /// Seconds from now.
        public var begins: Double = -3600
        public var ends: Double = 7 * 86_400
        public var isForServers = true

        public init(names: [String] = [], addresses: [[UInt8]] = []) {
            self.names = names
            self.addresses = addresses
        }
    }

    /// A certificate and its key, PEM.
    public struct Identity: Sendable {
        public var certificate: Certificate
        public var key: Certificate.PrivateKey

        public func pem() throws -> (certificate: String, key: String) {
            (try certificate.serializeAsPEM().pemString, try key.serializeAsPEM().pemString)
        }

        public func der() throws -> [UInt8] { try certificate.serializeAsPEM().derBytes }
    }

    /// How its certificates are signed; the platform's are RSA.
    public enum Kind: Sendable {
        case ecdsa, rsa
    }

    public let root: Identity
    private let kind: Kind

    /// - Parameter superior: the authority that signs its certificate; nil for itself.
    public init(
        name: String = "espbridged test authority", kind: Kind = .ecdsa, under superior: TestAuthority? = nil
    ) throws {
        self.kind = kind
        let key = try Self.key(kind)
        let subject = try DistinguishedName { CommonName(name) }
        root = Identity(
            certificate: try Certificate(
                version: .v3, serialNumber: .init(), publicKey: key.publicKey,
                notValidBefore: Date(timeIntervalSinceNow: -7200),
                notValidAfter: Date(timeIntervalSinceNow: 30 * 86_400),
                issuer: superior?.root.certificate.subject ?? subject, subject: subject,
                signatureAlgorithm: (superior?.kind ?? kind).algorithm,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(keyCertSign: true))
                }, issuerPrivateKey: superior?.root.key ?? key),
            key: key)
    }

    private static func key(_ kind: Kind) throws -> Certificate.PrivateKey {
        switch kind {
        case .ecdsa: Certificate.PrivateKey(P256.Signing.PrivateKey())
        case .rsa: Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        }
    }

    /// A certificate for a server, or another holder.
    public func issue(_ wish: Wish) throws -> Identity {
        let key = try Self.key(kind)
        let names =
            wish.names.map { GeneralName.dnsName($0) }
            + wish.addresses.map { GeneralName.ipAddress(.init(contentBytes: $0[...])) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: wish.begins),
            notValidAfter: Date(timeIntervalSinceNow: wish.ends),
            issuer: root.certificate.subject, subject: try DistinguishedName { CommonName("test server") },
            signatureAlgorithm: kind.algorithm,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([wish.isForServers ? .serverAuth : .clientAuth])
                SubjectAlternativeNames(names)
            }, issuerPrivateKey: root.key)
        return Identity(certificate: certificate, key: key)
    }
}

extension TestAuthority.Kind {
    fileprivate var algorithm: Certificate.SignatureAlgorithm {
        switch self {
        case .ecdsa: .ecdsaWithSHA256
        case .rsa: .sha256WithRSAEncryption
        }
    }
}
