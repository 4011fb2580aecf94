import BridgeCore
import BridgeRuntime
import Testing

/// Programs that subscribe, on a real socket.
@Suite("Programs that subscribe")
struct LocalSubscriptionServerTests {
    private static let topic = "/sys/pk/dn/thing/service/property/set"

    private func subscribed(_ request: String, _ fixture: LocalServerFixture) throws -> UnixClient {
        let client = try UnixClient(fixture.path)
        try client.send(request + "\n")
        #expect(try client.line() == #"{"status":"subscribed"}"#)
        return client
    }

    private func offer(_ payload: String, _ fixture: LocalServerFixture, to topic: String = topic) throws -> Int {
        try fixture.onLoop { server, _ in server.offer(topic: topic, payload: Array(payload.utf8)) }
    }

    @Test("a message goes to everyone whose patterns fit, and to nobody else")
    func fits() throws {
        let fixture = try LocalServerFixture()
        let byMethod = try subscribed(#"{"bridge":"subscribe","methods":["thing.service.*"]}"#, fixture)
        let byTopic = try subscribed(#"{"bridge":"subscribe","topics":["/sys/+/+/thing/#"]}"#, fixture)
        let other = try subscribed(#"{"bridge":"subscribe","methods":["thing.event.*"]}"#, fixture)
        #expect(try offer(#"{"id":"1"}"#, fixture) == 2)
        let line = #"{"event":"message","topic":"/sys/pk/dn/thing/service/property/set","message":{"id":"1"}}"#
        #expect(try byMethod.line() == line)
        #expect(try byTopic.line() == line)
        try other.send(#"{"bridge":"hello"}"# + "\n")
        #expect(try other.line()?.contains("version") == true)
    }

    @Test("one that only looks on hears it, and has not taken it")
    func observer() throws {
        let fixture = try LocalServerFixture()
        let observer = try subscribed(##"{"bridge":"subscribe","topics":["#"],"observe":true}"##, fixture)
        #expect(try offer("1", fixture) == 0)
        #expect(try observer.line()?.hasSuffix(#""message":1}"#) == true)
    }

    @Test("with link, how it stands comes at once, and each change after that; a second subscribe replaces the first")
    func link() throws {
        let fixture = try LocalServerFixture()
        let client = try subscribed(#"{"bridge":"subscribe","link":true}"#, fixture)
        #expect(try client.line() == #"{"event":"link","state":"online"}"#)
        try fixture.onLoop { server, _ in server.tellLink() }
        #expect(try client.line() == #"{"event":"link","state":"online"}"#)
        try client.send(#"{"bridge":"subscribe","methods":["a"]}"# + "\n")
        #expect(try client.line() == #"{"status":"subscribed"}"#)
        try fixture.onLoop { server, _ in server.tellLink() }
        #expect(try offer(#"{"method":"a"}"#, fixture, to: "/x") == 1)
        #expect(try client.line()?.contains("message") == true)
        #expect(try fixture.onLoop { _, services in services.subscriptions } == 2)
    }

    @Test("a program that has said all it had to say listens on; when it goes, nobody is there")
    func listensOn() throws {
        let fixture = try LocalServerFixture()
        let client = try subscribed(#"{"bridge":"subscribe","methods":["*"]}"#, fixture)
        client.shutdownWriting()
        #expect(try offer("{}", fixture) == 1)
        #expect(try client.line() != nil)
        client.close()
        #expect(try fixture.becomes { server, _ in server.clientCount == 0 })
        #expect(try offer("{}", fixture) == 0)
    }

    @Test("one that does not read is disconnected, and costs the others nothing")
    func slow() throws {
        let fixture = try LocalServerFixture()
        let slow = try subscribed(#"{"bridge":"subscribe","methods":["*"]}"#, fixture)
        let brisk = try subscribed(#"{"bridge":"subscribe","methods":["*"]}"#, fixture)
        let payload = "\"" + String(repeating: "x", count: 60_000) + "\""
        for _ in 0..<60 {
            _ = try offer(payload, fixture)
            #expect(try brisk.line()?.utf8.count ?? 0 > 60_000)
        }
        #expect(try fixture.becomes { server, _ in server.clientCount == 1 })
        #expect(fixture.journal.warnings.contains { $0.text.contains("did not read") })
        _ = slow
    }

    @Test("an answer is passed on as it was written, and answered as a publish is")
    func answers() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        try client.send(#"{ "id":"1","code":200,"data":{} }{"id":"2","code":200}"# + "\n")
        #expect(try client.line() == #"{"id":"1","status":"queued","receipt":7}"#)
        #expect(try client.line()?.contains("invalid-request") == true)
        let payload = try fixture.onLoop { _, services in services.answers.first?.payload }
        #expect(payload == Array(#"{ "id":"1","code":200,"data":{} }"#.utf8))
    }

    @Test("purge, for root and the daemon's own user")
    func purge() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        try client.send(
            #"{"bridge":"purge","all":true,"tag":1}{"bridge":"purge","receipt":4}{"bridge":"purge"}"# + "\n")
        #expect(try client.line() == #"{"status":"purged","messages":3,"tag":1}"#)
        #expect(try client.line() == #"{"status":"purged","messages":1}"#)
        #expect(try client.line()?.contains("invalid-request") == true)
    }

    @Test("a receipt that is known, and one that is not")
    func receipts() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        try client.send(#"{"bridge":"receipt","receipt":1,"tag":"a"}{"bridge":"receipt","id":"9"}"# + "\n")
        #expect(try client.line() == #"{"receipt":1,"id":"5","status":"delivered","tag":"a"}"#)
        let unknown = try client.line()
        #expect(unknown?.contains(#""error":"unknown-receipt""#) == true)
        #expect(unknown?.contains(#""id":"9""#) == true)
        // A disk that cannot be read is no reason to send the message again.
        try client.send(#"{"bridge":"receipt","receipt":13}"# + "\n")
        #expect(try client.line()?.contains(#""error":"disk-full","detail":"#) == true)
    }
}
