import BridgeCore
import BridgeRuntime
import Testing

/// Programs that record the line, on a real socket.
@Suite("Programs that record the line")
struct LocalCaptureTests {
    private func capturing(_ request: String, _ fixture: LocalServerFixture) throws -> UnixClient {
        let client = try UnixClient(fixture.path)
        try client.send(request + "\n")
        #expect(try client.line()?.hasPrefix(#"{"status":"capturing""#) == true)
        return client
    }

    private func tell(_ text: String, isStream: Bool, _ fixture: LocalServerFixture) throws {
        try fixture.onLoop { server, _ in server.tellCapture(Array((text + "\n").utf8), isStream: isStream) }
    }

    @Test("each gets what it asked for, and nobody is asked after the last has gone")
    func choice() throws {
        let fixture = try LocalServerFixture()
        #expect(try fixture.onLoop { server, _ in !server.isCaptured })
        let line = try capturing(#"{"bridge":"capture","tag":7}"#, fixture)
        let both = try capturing(#"{"bridge":"capture","stream":true}"#, fixture)
        #expect(try fixture.onLoop { server, _ in server.isCaptured })
        try tell("stream", isStream: true, fixture)
        try tell("line", isStream: false, fixture)
        #expect(try line.line() == "line")
        #expect(try both.line() == "stream")
        #expect(try both.line() == "line")
        #expect(fixture.journal.texts.contains { $0.contains("records the serial line") })
        line.close()
        both.close()
        #expect(try fixture.becomes { server, _ in !server.isCaptured })
    }

    @Test("one that has closed its writing half still records")
    func halfClosed() throws {
        let fixture = try LocalServerFixture()
        let client = try capturing(#"{"bridge":"capture"}"#, fixture)
        client.shutdownWriting()
        try client.send("")
        try tell("line", isStream: false, fixture)
        #expect(try client.line() == "line")
    }

    @Test("one that does not keep up is disconnected, with a line in the journal; others are not slowed")
    func slow() throws {
        let fixture = try LocalServerFixture()
        let slow = try capturing(#"{"bridge":"capture"}"#, fixture)
        let other = try UnixClient(fixture.path)
        let chunk = String(repeating: "x", count: 65_535)
        for _ in 0..<64 {
            try tell(chunk, isStream: false, fixture)
            try other.send(#"{"bridge":"hello"}"# + "\n")
            #expect(try other.line()?.contains("version") == true)
        }
        #expect(try fixture.becomes { server, _ in !server.isCaptured })
        #expect(fixture.journal.warnings.contains { $0.text.contains("did not read its answers") })
        _ = slow
    }

    @Test("what it may ask for", arguments: [#""stream":1"#, #""stream":"true""#])
    func invalid(member: String) throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        try client.send(#"{"bridge":"capture",\#(member)}"# + "\n")
        #expect(try client.line()?.contains("invalid-request") == true)
    }
}
