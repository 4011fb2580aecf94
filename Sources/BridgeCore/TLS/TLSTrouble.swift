/// What the TLS library says has gone wrong.
public enum TLSTrouble: Equatable, Sendable {
    /// The certificate was looked at and not accepted.
    case certificate(TLSFailure)
    /// The first bytes are not those of a TLS record.
    case notTLS
    /// Client and server have no version or cipher in common, or one of them wants something the other does not give.
    case disagreement(String)
    /// Everything else: bytes that make no sense here.
    case garbage(String)

    /// Why BoringSSL gave up, by the reasons in its error texts (`…:OPENSSL_internal:WRONG_VERSION_NUMBER at …`).
    ///
    /// Alerts have the reason 1000 and their number of RFC 8446, section 6, as `TLSV1_ALERT_…` or `SSLV3_ALERT_…`.
    public init(libraryText text: String) {
        let reason = Self.reason(in: text)
        let words = reason.lowercased().split(separator: "_").joined(separator: " ")
        if Self.foreign.contains(reason) {
            self = .notTLS
        } else if Self.disagreements.contains(where: { reason.hasSuffix($0) }) {
            self = .disagreement(words)
        } else {
            self = .garbage(words.isEmpty ? "the library gives no reason" : words)
        }
    }

    private static let foreign: Set = ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST"]

    private static let disagreements = [
        "ALERT_HANDSHAKE_FAILURE", "ALERT_PROTOCOL_VERSION", "ALERT_INSUFFICIENT_SECURITY", "ALERT_ACCESS_DENIED",
        "ALERT_UNRECOGNIZED_NAME", "ALERT_CERTIFICATE_REQUIRED", "ALERT_NO_APPLICATION_PROTOCOL",
        "ALERT_UNKNOWN_PSK_IDENTITY", "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_UNKNOWN_CA",
        "UNSUPPORTED_PROTOCOL", "NO_CIPHERS_AVAILABLE", "WRONG_CIPHER_RETURNED", "NO_COMMON_SIGNATURE_ALGORITHMS",
        "BAD_DH_P_LENGTH", "WRONG_CURVE",
    ]

    /// The last word of capitals, figures and underscores behind a colon.
    private static func reason(in text: String) -> String {
        let parts = text.split { ": ".contains($0) }
        return parts.last { part in
            part.count > 3 && part.contains { $0.isUppercase }
                && part.allSatisfy { $0.isUppercase || $0 == "_" || ("0"..."9").contains($0) }
        }.map(String.init) ?? ""
    }
}
