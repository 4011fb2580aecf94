/// Why TLS could not be negotiated, or came to its end.
public enum TLSFailure: Error, Equatable, Sendable {
    /// No certificate authority of this machine, or of `mqtt.ca_file`, stands behind the server's certificate.
    case certificateUntrusted(issuer: String)
    /// The certificate is for other hosts than the one that was dialled.
    case certificateForOthers(host: String, names: [String])
    case certificateExpired(at: CalendarTime, clock: CalendarTime)
    /// It begins within a day.
    case certificateNotYetValid(from: CalendarTime, clock: CalendarTime)
    /// This machine's clock was never set, or is far behind the certificate.
    case clockWrong(clock: CalendarTime, validFrom: CalendarTime)
    /// It cannot be read, or is for another purpose.
    case certificateUnusable(detail: String)
    /// The file with the trusted authorities cannot be used.
    case authoritiesUnusable(detail: String)
    /// What the server sends is not TLS.
    case notSpoken(host: String, port: Int)
    /// The server, or this side, can agree to nothing; an alert or its like.
    case refused(reason: String)
    case timedOut
    /// The connection was closed before TLS stood; `heard` when the server had said something.
    case closedWhileSecuring(heard: Bool)
    /// Bytes that are not what TLS expects: lost, added or changed on the way.
    case broken(detail: String)
    /// The server ended the session in order (close_notify).
    case closedByServer
}

extension TLSFailure {
    /// A stable word for `reason` fields, scripts and tests.
    public var word: String {
        switch self {
        case .certificateUntrusted: "certificate-untrusted"
        case .certificateForOthers: "certificate-wrong-name"
        case .certificateExpired: "certificate-expired"
        case .certificateNotYetValid: "certificate-not-yet-valid"
        case .clockWrong: "clock-wrong"
        case .certificateUnusable: "certificate-unusable"
        case .authoritiesUnusable: "ca-file-unusable"
        case .notSpoken: "tls-not-spoken"
        case .refused: "tls-refused"
        case .timedOut: "tls-timed-out"
        case .closedWhileSecuring: "tls-closed"
        case .broken: "tls-broken"
        case .closedByServer: "closed-by-server"
        }
    }

    /// How long to wait before the next attempt.
    public var patience: Patience {
        switch self {
        case .certificateUntrusted, .certificateForOthers, .certificateExpired, .certificateUnusable,
            .authoritiesUnusable, .notSpoken, .refused:
            .needsPerson
        case .clockWrong, .certificateNotYetValid: .aMinute
        case .timedOut, .closedWhileSecuring: .backOff
        case .broken, .closedByServer: .atOnce
        }
    }

    /// One sentence that says what to do.
    public var advice: String {
        switch self {
        case .certificateUntrusted:
            "If this is the server you mean, put its authority's certificate (PEM) into a file and name it in "
                + "mqtt.ca_file; otherwise check the host. On an old system, update the package ca-certificates."
        case .certificateForOthers:
            "Check the host (aliyun.region, aliyun.endpoint, broker.host): it has to be one of the certificate's names."
        case .certificateExpired: "The server's owner has to renew its certificate; check this machine's clock too."
        case .certificateNotYetValid:
            "Wait until then, or set this machine's clock if it is slow; it is tried again every minute."
        case .clockWrong:
            "Set it (timedatectl), start a time service such as systemd-timesyncd, or fit a clock with a battery: "
                + "the modem can give no time before the link is up. The link comes up within a minute after that."
        case .certificateUnusable: "Give the server a certificate for a TLS server (RFC 5280)."
        case .authoritiesUnusable:
            "Check mqtt.ca_file, or install the package ca-certificates; the file is read anew each time."
        case .notSpoken:
            "Check mqtt.port: this one speaks something else. For a server without TLS, set mqtt.security = \"tcp\"."
        case .refused: "Check which TLS versions and ciphers the server permits: TLS 1.2 and 1.3 are spoken here."
        case .timedOut: "Nothing is to be done: the link is dialled again; if it comes again, check mqtt.port."
        case .closedWhileSecuring(heard: true): "Check mqtt.port, and the server's log."
        case .closedWhileSecuring(heard: false):
            "Check mqtt.port: a server that speaks no TLS there hangs up like this; then set mqtt.security = \"tcp\"."
        case .broken:
            "Nothing is to be done: the connection is made anew; "
                + "if it comes often, bytes are lost on the serial line: use flow control or a lower speed."
        case .closedByServer: "Nothing is to be done: the connection is made anew."
        }
    }
}

extension TLSFailure: CustomStringConvertible {
    /// One sentence that says what happened.
    public var description: String {
        switch self {
        case .certificateUntrusted(let issuer):
            "The server's certificate is from an authority that is not trusted here: \(issuer)."
        case .certificateForOthers(let host, let names):
            "The server's certificate is not for \(host): it is for \(Self.list(names))."
        case .certificateExpired(let end, let clock):
            "The server's certificate expired at \(end); this machine's clock says \(clock)."
        case .certificateNotYetValid(let begin, let clock):
            "The server's certificate is valid from \(begin); this machine's clock says \(clock)."
        case .clockWrong(let clock, let begin):
            "This machine's clock is wrong: it says \(clock), and the server's certificate is valid from \(begin)."
        case .certificateUnusable(let detail): "The server's certificate cannot be used: \(detail)."
        case .authoritiesUnusable(let detail): "There is no certificate authority to trust: \(detail)."
        case .notSpoken(let host, let port): "\(host) does not speak TLS on port \(port)."
        case .refused(let reason): "No TLS session could be agreed on: \(reason)."
        case .timedOut: "The TLS handshake was not finished in time."
        case .closedWhileSecuring(heard: true): "The server closed the connection in the middle of the TLS handshake."
        case .closedWhileSecuring(heard: false):
            "The server closed the connection upon the beginning of TLS, without a word."
        case .broken(let detail): "What came is not what TLS expects: \(detail)."
        case .closedByServer: "The server ended the session."
        }
    }

    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "no host at all" }
        let shown = names.prefix(4).joined(separator: ", ")
        return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
    }
}
