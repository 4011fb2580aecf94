/// What people are told of a server's certificate. Its texts come from the network: none is longer than
/// ``longestText``, and none can move a terminal's cursor.
public struct ServerCertificate: Equatable, Sendable {
    static let longestText = 160

    public let subject: String
    /// Of the last certificate that the server sent: the authority that would have to be trusted.
    public let issuer: String
    /// DNS names and addresses that it is for (RFC 5280, section 4.2.1.6).
    public let names: [String]
    /// From when to when all certificates up to the root are valid.
    public let validFrom: CalendarTime
    public let validUntil: CalendarTime

    public init(
        subject: String, issuer: String, names: [String], validFrom: CalendarTime, validUntil: CalendarTime
    ) {
        self.subject = Self.shown(subject)
        self.issuer = Self.shown(issuer)
        self.names = names.map(Self.shown)
        self.validFrom = validFrom
        self.validUntil = validUntil
    }

    private static func shown(_ text: String) -> String {
        let short = text.count > longestText ? text.prefix(longestText) + "…" : text[...]
        return String(String(short).quoted.dropFirst().dropLast())
    }
}

/// What was found out about a certificate that cannot be accepted as it is; the verdict names the one cause that a
/// person has to know.
public struct CertificateFinding: Equatable, Sendable {
    /// A certificate may begin so much later than this machine's clock says before the clock is thought wrong: clocks that
    /// nobody sets drift by less in months.
    static let tolerableSkew: Int64 = 86_400

    public var certificate: ServerCertificate
    /// Whether it leads to a trusted root, the time left aside.
    public var isTrusted: Bool
    /// Whether it is for the host that was dialled, if it is trusted.
    public var isForHost: Bool

    public init(_ certificate: ServerCertificate, isTrusted: Bool, isForHost: Bool) {
        self.certificate = certificate
        self.isTrusted = isTrusted
        self.isForHost = isForHost
    }

    /// Why it is not accepted.
    ///
    /// An authority that nobody trusts says nothing with the dates and names of its certificates; a clock that is wrong
    /// makes all certificates look bad; so these come in this order.
    public func verdict(host: String, clock: CalendarTime) -> TLSFailure {
        guard isTrusted else { return .certificateUntrusted(issuer: certificate.issuer) }
        if clock < certificate.validFrom {
            let gap = certificate.validFrom.seconds - clock.seconds
            let isClock = !clock.isPlausible || gap > Self.tolerableSkew
            return isClock
                ? .clockWrong(clock: clock, validFrom: certificate.validFrom)
                : .certificateNotYetValid(from: certificate.validFrom, clock: clock)
        }
        if clock > certificate.validUntil {
            return .certificateExpired(at: certificate.validUntil, clock: clock)
        }
        guard isForHost else { return .certificateForOthers(host: host, names: certificate.names) }
        return .certificateUnusable(detail: "it is not one for servers")
    }
}

/// A TLS session that stands.
public struct SecuredSession: Equatable, Sendable {
    /// `TLS 1.2`
    public var version: String
    /// By its name in IANA's registry; nil when that was not seen.
    public var cipher: String?
    public var certificate: ServerCertificate

    public init(version: String, cipher: String?, certificate: ServerCertificate) {
        self.version = version
        self.cipher = cipher
        self.certificate = certificate
    }

    /// `TLS 1.2, TLS_…, certificate of CN=… until 2027-01-01 00:00 UTC (37 days)`
    public func account(now: CalendarTime) -> String {
        let parts = [version, cipher].compactMap(\.self).joined(separator: ", ")
        let end = certificate.validUntil
        return "\(parts), certificate of \(certificate.subject) until \(end) (\(now.days(until: end)) days)"
    }
}
