import BridgeCore
import BridgeRuntime
import Testing

/// What one client may have the daemon hold in memory.
@Suite("Limits of one local program")
struct LocalServerLimitTests {
    private func refusals(_ fixture: LocalServerFixture) -> Int { Self.refusals(fixture.journal) }

    private static func refusals(_ journal: LogRecorder) -> Int {
        journal.texts.count { $0.hasPrefix("a request was refused") }
    }

    /// Another client is served, after everything that was sent before was received.
    private func serveAnother(_ fixture: LocalServerFixture) throws {
        let other = try UnixClient(fixture.path)
        try other.send(#"{"bridge":"status"}"#)
        #expect(try other.line() != nil)
    }

    @Test("answers that wait behind a commit are limited; none is lost")
    func heldAnswers() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}"# + String(repeating: "{}\n", count: 1000))
        let journal = fixture.journal
        #expect(try fixture.becomes { _, _ in Self.refusals(journal) >= 255 })
        try serveAnother(fixture)
        #expect(refusals(fixture) == 255)
        try fixture.onLoop { _, services in services.releaseAll() }
        client.shutdownWriting()
        #expect(try client.lines().count == 1001)
    }

    /// A program that has sent many requests, each of which takes the loop two milliseconds, and is in the midst of them.
    private func flood(_ fixture: LocalServerFixture, count: Int) throws -> UnixClient {
        try fixture.onLoop { _, services in
            services.asked = { [unowned services] in
                services.statuses += 1
                let began = ContinuousClock.now
                while ContinuousClock.now - began < .milliseconds(2) {}
            }
        }
        let flooder = try UnixClient(fixture.path)
        try flooder.send(String(repeating: "{\"bridge\":\"status\"}\n", count: count))
        #expect(try fixture.becomes { _, services in services.statuses > 0 })
        return flooder
    }

    @Test("a program with many requests that are answered at once does not hold another one up")
    func turns() throws {
        let fixture = try LocalServerFixture()
        let other = try UnixClient(fixture.path)
        try other.send(#"{"bridge":"hello"}"#)
        #expect(try other.line() != nil)
        let count = 200
        let flooder = try flood(fixture, count: count)
        try other.send(#"{"bridge":"hello"}"#)
        #expect(try other.line() != nil)
        #expect(try fixture.onLoop { _, services in services.statuses } < count)
        flooder.shutdownWriting()
        #expect(try flooder.lines().count == count)
    }

    @Test("a program that waits for its turn when the daemon stops still gets its answers")
    func turnsAtTheStop() throws {
        let fixture = try LocalServerFixture()
        let flooder = try flood(fixture, count: 100)
        try fixture.beginStopping()
        #expect(try flooder.lines().count == 100)
    }

    @Test("large answers that wait are limited by their bytes")
    func largeAnswers() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(
            #"{"method":"a.b"}{"bridge":"publish","message":{"id":"5","method":"a.b"},"until":"confirmed"}"#)
        #expect(try fixture.becomes { _, services in services.held.count == 2 })
        try fixture.onLoop { _, services in
            let data = Array(("\"" + String(repeating: "x", count: 600_000) + "\"").utf8)
            services.held[1].report(.queued(receipt: 2, id: nil))
            services.held[1].report(.confirmed(receipt: 2, code: 200, data: data, message: nil))
        }
        try client.send("{}")
        try serveAnother(fixture)
        #expect(refusals(fixture) == 0)
        try fixture.onLoop { _, services in services.held[0].report(.queued(receipt: 1, id: nil)) }
        client.shutdownWriting()
        #expect(try client.lines().count == 4)
        #expect(fixture.journal.warnings.isEmpty)
    }

    @Test("too many messages that are followed hold up the next such one, and nothing else")
    func followed() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        let tag = String(repeating: "t", count: 1000)
        let follow =
            #"{"bridge":"publish","message":{"id":"5","method":"a.b"},"until":"delivered","tag":"\#(tag)"}"#
        // 8 MiB, in shares of 256 bytes and the tag with its quotes.
        let most = (8 << 20) / (256 + 1002) + 1
        for _ in 0..<most {
            try client.send(follow)
            _ = try client.line()
        }
        try client.send(#"{"bridge":"status"}"#)
        #expect(try client.line() == #"{"state":"online","clients":1}"#)
        try client.send(#"{"method":"a.b","id":"6"}"#)
        #expect(try client.line() == #"{"id":"6","status":"queued","receipt":\#(most + 1)}"#)
        // This one has to wait, and the answer to what follows waits for its answer.
        try client.send(follow + #"{"bridge":"status"}"#)
        try serveAnother(fixture)
        #expect(try fixture.onLoop { _, services in services.submissions.count } == most + 1)
        try fixture.onLoop { _, services in services.held[0].report(.delivered(receipt: 1)) }
        #expect(try client.line()?.hasPrefix(#"{"receipt":1,"id":"5","status":"delivered""#) == true)
        #expect(try client.line()?.hasPrefix(#"{"id":"5","status":"queued","receipt":\#(most + 2)"#) == true)
        #expect(try client.line() == #"{"state":"online","clients":1}"#)
        // What a client wrote before it went away is carried out all the same.
        try client.send(follow + follow)
        client.close()
        #expect(
            try fixture.becomes { server, services in server.clientCount == 0 && services.submissions.count == most + 4
            })
    }
}
