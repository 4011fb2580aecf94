import Crypto
import Foundation
import X509

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

    public let root: Identity

    public init(name: String = "espbridged test authority", begins: Double = -7200, ends: Double = 30 * 86_400) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        root = Identity(
            certificate: try Certificate(
                version: .v3, serialNumber: .init(), publicKey: key.publicKey,
                notValidBefore: Date(timeIntervalSinceNow: begins), notValidAfter: Date(timeIntervalSinceNow: ends),
                issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(keyCertSign: true))
                }, issuerPrivateKey: key),
            key: key)
    }

    /// A certificate for a server, or another holder.
    public func issue(_ wish: Wish) throws -> Identity {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let names =
            wish.names.map { GeneralName.dnsName($0) }
            + wish.addresses.map { GeneralName.ipAddress(.init(contentBytes: $0[...])) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: wish.begins),
            notValidAfter: Date(timeIntervalSinceNow: wish.ends),
            issuer: root.certificate.subject, subject: try DistinguishedName { CommonName("test server") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([wish.isForServers ? .serverAuth : .clientAuth])
                SubjectAlternativeNames(names)
            }, issuerPrivateKey: root.key)
        return Identity(certificate: certificate, key: key)
    }
}
