import BridgeCore
import BridgeRuntime
import Testing

/// Whether a program that went away has read its answers: the services are told.
@Suite("How connections end")
struct BrokenConnectionServerTests {
    private let fixture: LocalServerFixture

    init() throws { fixture = try LocalServerFixture() }

    private func departure() throws -> Int64?? {
        #expect(try fixture.becomes { _, services in !services.departures.isEmpty })
        return try fixture.onLoop { _, services in services.departures.first }
    }

    @Test("in order: the answer was read", arguments: [false, true])
    func inOrder(halfCloses: Bool) throws {
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}"#)
        if halfCloses { client.shutdownWriting() }
        #expect(try client.line() != nil)
        client.close()
        #expect(try departure() == .some(nil))
    }

    @Test("broken: the answer had arrived and was not read")
    func unread() throws {
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}"#)
        #expect(client.waitForAnswer())
        client.close()
        #expect(try departure() == 0)
    }

    @Test("broken, but what it has read for certain is known: nothing was left when the next answer was written")
    func readAtFirst() throws {
        let client = try UnixClient(fixture.path)
        for _ in 1...2 {
            try client.send(#"{"method":"a.b"}"#)
            #expect(try client.line() != nil)
        }
        try client.send(#"{"method":"a.b"}"#)
        #expect(client.waitForAnswer())
        client.close()
        #expect(try departure() == 2)
    }

    @Test("broken: what it wrote last is read after it went, which does not make its answers read")
    func readAfterItWent() throws {
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}"#)
        #expect(client.waitForAnswer())
        // While the loop waits for it, it cannot read in between.
        nonisolated(unsafe) let program = client
        try fixture.onLoop { _, _ in
            try program.send(#"{"method":"a.b"}"#)
            program.close()
        }
        #expect(try departure() == 0)
    }

    @Test("broken: it went before the answer")
    func beforeTheAnswer() throws {
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}"#)
        #expect(try fixture.becomes { _, services in services.held.count == 1 })
        client.close()
        #expect(try departure() == 0)
    }

    @Test("what a program wrote before it went is carried out as its connection's, however much it is")
    func carriedOutFirst() throws {
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(String(repeating: #"{"method":"a.b"}"#, count: 1000))
        client.close()
        #expect(try fixture.becomes { _, services in services.held.count == 256 })
        #expect(try fixture.onLoop { _, services in services.departures.isEmpty })
        #expect(
            try fixture.becomes { _, services in
                services.releaseAll()
                return services.submissions.count == 1000
            })
        #expect(try departure() == 0)
    }
}
