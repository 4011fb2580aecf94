import Testing

@testable import BridgeCore

@Suite("TLS of an attempt")
struct SecureLineTests {
    private static let start = Moment(nanoseconds: 1_000_000_000)
    private var line = SecureLine(
        settings: .init(
            host: "broker.test", port: 8883, bytesPerSecond: 11_520, suspicion: .milliseconds(2500),
            restartVerdictDelay: .seconds(1)))

    private mutating func begin() { #expect(line.opened(now: Self.start) == [.climbed(.securing), .begin]) }

    @Test("the handshake follows the tunnel, and MQTT the handshake")
    mutating func up() {
        begin()
        #expect(line.isSecuring)
        #expect(line.secured() == [.opened])
        #expect(line.deadline == nil)
        #expect(line.secured() == [])
        #expect(line.opened(now: Self.start) == [])
    }

    @Test("a handshake without end is given up, later on a slow line")
    mutating func timeout() {
        begin()
        var now = Self.start
        while let due = line.deadline, now - Self.start < .seconds(60) {
            now = due
            let effects = line.timerFired(now: now)
            if effects == [.verify] { _ = line.verified(now: now) } else { break }
        }
        #expect(now - Self.start == .milliseconds(20_711))
        let slow = SecureLine.Settings(
            host: "h", port: 1, bytesPerSecond: 960, suspicion: nil, restartVerdictDelay: .zero)
        #expect(slow.handshakeTimeout == .milliseconds(28_533))
    }

    @Test("silence has the connection looked after, each time later; the loss is the server's answer")
    mutating func silence() {
        begin()
        #expect(line.deadline == Self.start + .milliseconds(2500))
        #expect(line.timerFired(now: Self.start + .milliseconds(2500)) == [.verify])
        #expect(line.meaning(of: .connectionReplaced) == .tls(.closedWhileSecuring(heard: false)))
        #expect(line.meaning(of: .connectionSilent) == .tls(.timedOut))
        #expect(line.verified(now: Self.start + .seconds(4)) == [])
        #expect(line.deadline == Self.start + .seconds(9))
        _ = line.received([22, 3, 3], now: Self.start + .seconds(5))
        #expect(line.deadline == Self.start + .milliseconds(7500))
        #expect(line.meaning(of: .connectionClosed) == .tls(.closedWhileSecuring(heard: true)))
        #expect(line.meaning(of: .accessPointLost(ssid: "x")) == .accessPointLost(ssid: "x"))
        _ = line.secured()
        #expect(line.meaning(of: .connectionReplaced) == .connectionReplaced)
    }

    @Test("a server that speaks something else, and a modem that restarted")
    mutating func foreign() {
        begin()
        var restarted = line
        _ = line.received(Array("HTTP/1.1 400".utf8)[...], now: Self.start)
        #expect(line.broke(.notTLS, now: Self.start) == [])
        #expect(!line.takesBytes)
        #expect(line.closed() == [])
        #expect(
            line.timerFired(now: Self.start + .seconds(1)) == [
                .failed(.tls(.notSpoken(host: "broker.test", port: 8883)))
            ])
        #expect(restarted.broke(.garbage("wrong version number"), now: Self.start) == [])
        #expect(
            restarted.received(Array("\r\nready\r\n".utf8)[...], now: Self.start) == [.failed(.modemRestartedOnline)])
    }

    @Test("bytes lost in a session break it, and close_notify ends it")
    mutating func session() {
        begin()
        _ = line.secured()
        var ended = line
        #expect(line.broke(.notTLS, now: Self.start) == [])
        #expect(
            line.timerFired(now: Self.start + .seconds(1)) == [
                .failed(.tls(.broken(detail: "the beginning of a record was expected")))
            ])
        #expect(ended.closed() == [.failed(.tls(.closedByServer))])
        #expect(ended.closed() == [])
    }

    @Test("an alert in the clear is another connection's")
    mutating func replaced() {
        begin()
        _ = line.secured()
        _ = line.received([23, 3, 3, 0, 1, 9, 21, 3, 3, 0, 2, 2, 10], now: Self.start)
        #expect(line.broke(.garbage("bad record mac"), now: Self.start) == [.failed(.connectionReplaced)])
    }

    @Test("an end from this side has no failure any more")
    mutating func left() {
        begin()
        _ = line.secured()
        line.left()
        #expect(line.closed() == [])
        #expect(line.broke(.garbage("x"), now: Self.start) == [])
        #expect(line.received([1], now: Self.start) == [])
    }

    @Test("a certificate that is not accepted is said at once; what nobody agrees on too")
    mutating func rejected() {
        begin()
        var other = line
        let cause = TLSFailure.certificateUntrusted(issuer: "CN=x")
        #expect(line.broke(.certificate(cause), now: Self.start) == [.failed(.tls(cause))])
        #expect(
            other.broke(.disagreement("tlsv1 alert protocol version"), now: Self.start) == [
                .failed(.tls(.refused(reason: "tlsv1 alert protocol version")))
            ])
    }

    @Test(
        "the library's words",
        arguments: [
            ("WRONG_VERSION_NUMBER at tls_record.cc:231", TLSTrouble.notTLS),
            ("HTTP_REQUEST at tls_record.cc:1", .notTLS),
            ("TLSV1_ALERT_PROTOCOL_VERSION at x.cc:1", .disagreement("tlsv1 alert protocol version")),
            ("SSLV3_ALERT_HANDSHAKE_FAILURE at x.cc:1", .disagreement("sslv3 alert handshake failure")),
            ("UNSUPPORTED_PROTOCOL at x.cc:1", .disagreement("unsupported protocol")),
            (
                "DECRYPTION_FAILED_OR_BAD_RECORD_MAC at x.cc:1",
                .garbage("decryption failed or bad record mac")
            ),
        ])
    func words(text: String, trouble: TLSTrouble) {
        let said =
            "handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 268435703 error:100000f7:SSL routines:"
            + "OPENSSL_internal:\(text)]))"
        #expect(TLSTrouble(libraryText: said) == trouble)
    }

    @Test("the cipher in the server's first bytes, however they come")
    func cipher() {
        let hello: [UInt8] =
            [22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3] + [UInt8](repeating: 7, count: 32) + [4, 1, 2, 3, 4, 0xC0, 0x2F, 0]
        var whole = ServerHello()
        whole.received(hello)
        #expect(whole.cipher == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
        var dripped = ServerHello()
        for byte in hello { dripped.received([byte]) }
        #expect(dripped.cipher == whole.cipher)
        var none = ServerHello()
        none.received(Array("HTTP/1.1 400 Bad Request and more of it, so that it is long enough".utf8))
        #expect(none.cipher == nil)
    }
}
