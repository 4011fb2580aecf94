import Testing

@testable import BridgeCore

@Suite("What is wrong with a certificate")
struct CertificateFindingTests {
    private static let begin = CalendarTime(seconds: 1_800_000_000)
    private static let certificate = ServerCertificate(
        subject: "CN=server", issuer: "CN=authority", names: ["a.test", "b.test"], validFrom: begin,
        validUntil: CalendarTime(seconds: begin.seconds + 90 * 86_400))

    private func verdict(_ clock: Int64, isTrusted: Bool = true, isForHost: Bool = true) -> TLSFailure {
        CertificateFinding(Self.certificate, isTrusted: isTrusted, isForHost: isForHost)
            .verdict(host: "c.test", clock: CalendarTime(seconds: Self.begin.seconds + clock))
    }

    @Test("the authority comes first, then the time, then the name")
    func order() {
        #expect(verdict(-1, isTrusted: false, isForHost: false).word == "certificate-untrusted")
        #expect(verdict(91 * 86_400, isForHost: false).word == "certificate-expired")
        #expect(verdict(0, isForHost: false).word == "certificate-wrong-name")
        #expect(verdict(0).word == "certificate-unusable")
    }

    @Test("a clock that was never set is wrong, and so is one that is days behind; an hour may be the certificate's")
    func clock() {
        #expect(verdict(-3600).word == "certificate-not-yet-valid")
        #expect(verdict(-86_401).word == "clock-wrong")
        #expect(verdict(-Self.begin.seconds).word == "clock-wrong")
        let unset = verdict(-Self.begin.seconds)
        #expect(
            "\(unset)"
                == "This machine's clock is wrong: it says 1970-01-01 00:00 UTC, and the server's certificate is valid "
                + "from 2027-01-15 08:00 UTC.")
        #expect(unset.patience == .aMinute)
    }

    @Test("names are listed, a few of many")
    func names() {
        #expect(
            "\(verdict(0, isForHost: false))"
                == "The server's certificate is not for c.test: it is for a.test, b.test.")
        let many = TLSFailure.certificateForOthers(host: "x", names: (1...9).map { "n\($0)" })
        #expect("\(many)".hasSuffix("it is for n1, n2, n3, n4 and 5 more."))
        #expect("\(TLSFailure.certificateForOthers(host: "x", names: []))".hasSuffix("it is for no host at all."))
    }

    @Test("texts of the network are short and quiet")
    func texts() {
        let odd = ServerCertificate(
            subject: "CN=\u{1B}[2J\nx", issuer: String(repeating: "i", count: 5000), names: ["a\u{202E}b"],
            validFrom: Self.begin, validUntil: Self.begin)
        #expect(odd.subject == "CN=\\u{1b}[2J\\nx")
        #expect(odd.issuer.count == ServerCertificate.longestText + 1)
        #expect(odd.names == ["a\\u{202e}b"])
    }

    @Test(
        "dates",
        arguments: [
            (0, "1970-01-01 00:00 UTC"), (951_782_399, "2000-02-28 23:59 UTC"), (951_782_400, "2000-02-29 00:00 UTC"),
            (1_735_689_600, "2025-01-01 00:00 UTC"), (4_102_444_799, "2099-12-31 23:59 UTC"),
            (-1, "1969-12-31 23:59 UTC"), (2_540_000_000, "2050-06-28 03:33 UTC"),
        ])
    func dates(seconds: Int, text: String) {
        #expect(CalendarTime(seconds: Int64(seconds)).description == text)
    }

    @Test("a clock that is wrong is asked for again every minute, and the modem is not reset for it")
    func policy() {
        var policy = UplinkPolicy()
        var now = Moment.zero
        for _ in 0..<20 {
            let plan = policy.failed(
                .tls(.clockWrong(clock: .floor, validFrom: Self.begin)), started: .dial, now: now, random: 0.5
            ).plan
            #expect(plan == .init(at: now + .seconds(60), repair: .dial))
            now = plan.at
        }
        #expect(policy.failures == 0)
        // What only a person can change waits longest, and bytes that were lost not at all.
        let untrusted = policy.failed(
            .tls(.certificateUntrusted(issuer: "")), started: .dial, now: now, random: 0.5)
        #expect(untrusted.plan == .init(at: now + .seconds(120), repair: .dial))
        var fresh = UplinkPolicy()
        #expect(fresh.failed(.tls(.broken(detail: "")), started: .dial, now: now, random: 0.5).plan.at == now)
    }
}
