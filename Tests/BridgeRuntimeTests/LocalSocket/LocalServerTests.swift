import BridgeCore
import BridgeRuntime
import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@Suite struct LocalServerTests {
    private static let message =
        #"{"id":"1562283421","version":"1.0.0","params":{"temp":12},"method":"thing.event.property.set"}"#

    @Test("The message of the field notes is submitted byte for byte and answered")
    func fieldNotes() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        try client.send(Self.message + "\n")
        #expect(try client.line() == #"{"id":"1562283421","status":"queued","receipt":1}"#)
        let submission = try #require(try fixture.onLoop { _, services in services.submissions.first })
        #expect(submission.request.payload == Array(Self.message.utf8))
        #expect(submission.request.topic == "/sys/pk/dn/thing/event/property/set")
        #expect(submission.peer.pid == getpid())
        #expect(submission.peer.uid == getuid())
    }

    @Test(
        "One byte at a time, pretty-printed, several in one write, no newline at the end", arguments: [1, 7, 100_000])
    func layouts(size: Int) throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        let pretty = "{\n  \"id\": \"1\",\n  \"method\": \"a.b\",\n  \"params\": {\n    \"t\": [1, 2]\n  }\n}"
        let stream = Array(
            (pretty + pretty + "\n\n" + #"{"bridge":"hello","tag":{"x": 1}}"# + "  " + Self.message).utf8)
        for start in stride(from: 0, to: stream.count, by: size) {
            try client.send(Array(stream[start..<min(stream.count, start + size)]))
        }
        client.shutdownWriting()
        #expect(
            try client.lines() == [
                #"{"id":"1","status":"queued","receipt":1}"#, #"{"id":"1","status":"queued","receipt":2}"#,
                #"{"version":"1.2.3","protocol":1,"tag":{"x":1}}"#,
                #"{"id":"1562283421","status":"queued","receipt":3}"#,
            ])
    }

    @Test("A client that closes its writing half gets the answers that come later")
    func halfClose() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(#"{"method":"a.b"}{"bridge":"status"}{"method":"a.c"}{"oops"#)
        client.shutdownWriting()
        #expect(try fixture.becomes { _, services in services.held.count == 2 })
        try fixture.onLoop { _, services in
            // The second commit is told first.
            for entry in services.held.reversed() { entry.report(.queued(receipt: entry.receipt, id: nil)) }
        }
        #expect(
            try client.lines() == [
                #"{"id":"100","status":"queued","receipt":1}"#, #"{"state":"online","clients":1}"#,
                #"{"id":"101","status":"queued","receipt":2}"#,
                #"{"status":"refused","error":"invalid-json","detail":"the input ended inside a document","offset":57}"#,
            ])
        #expect(try fixture.becomes { server, _ in server.clientCount == 0 })
    }

    @Test("Further lines come as the message gets on, with the tag, until the last one asked for")
    func until() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        for (tag, until) in [("1", "delivered"), ("2", "confirmed"), ("3", "confirmed"), ("4", "queued")] {
            try client.send(
                "{\"bridge\":\"publish\",\"message\":{\"id\":\"\(tag)\",\"method\":\"a.b\"},\"until\":\"\(until)\",\"tag\":\(tag)}"
            )
        }
        client.shutdownWriting()
        #expect(try fixture.becomes { _, services in services.submissions.count == 4 })
        try fixture.onLoop { _, services in
            for entry in services.held { entry.report(.delivered(receipt: entry.receipt)) }
            services.held[0].report(.dropped(receipt: 1, .purged))
            services.held[1].report(
                .confirmed(receipt: 2, code: 200, data: Array("{ }".utf8), message: "success"))
            services.held[2].report(.dropped(receipt: 3, .noReply))
            services.held[2].report(.dropped(receipt: 3, .noReply))
        }
        #expect(
            try client.lines() == [
                #"{"id":"1","status":"queued","receipt":1,"tag":1}"#,
                #"{"id":"2","status":"queued","receipt":2,"tag":2}"#,
                #"{"id":"3","status":"queued","receipt":3,"tag":3}"#,
                #"{"id":"4","status":"queued","receipt":4,"tag":4}"#,
                #"{"receipt":1,"id":"1","status":"delivered","tag":1}"#,
                #"{"receipt":2,"id":"2","status":"delivered","tag":2}"#,
                #"{"receipt":3,"id":"3","status":"delivered","tag":3}"#,
                #"{"receipt":2,"id":"2","status":"confirmed","code":200,"data":{},"message":"success","tag":2}"#,
                #"{"receipt":3,"id":"3","status":"dropped","reason":"no-reply","tag":3}"#,
            ])
    }

    @Test("A refusal of the outbox carries the id and the tag")
    func refused() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        try client.send(#"{"bridge":"publish","message":{"id":"5","method":"a.b"},"tag":"t"}"#)
        #expect(try fixture.becomes { _, services in services.held.count == 1 })
        try fixture.onLoop { _, services in services.held[0].report(.refused(.queueFull, detail: "full")) }
        #expect(try client.line() == #"{"id":"5","status":"refused","error":"queue-full","detail":"full","tag":"t"}"#)
    }

    @Test("Bad lines are answered one for one, and the next good object is read")
    func badInput() throws {
        let fixture = try LocalServerFixture(maxMessage: 200)
        let client = try UnixClient(fixture.path)
        let deep = "{\"a\":" + String(repeating: "[", count: 64)
        let large = "{\"a\":\"" + String(repeating: "x", count: 1000)
        try client.send("hello ;)\n[1]\n\(deep)\n\(large)\n{\"a\":1}\n" + #"{"bridge":"status"}"#)
        client.shutdownWriting()
        let lines = try client.lines()
        let errors = try lines.map { try JSONValue(parsing: $0.utf8) }
        #expect(
            errors.map { $0["error"]?.text } == [
                "invalid-json", "not-an-object", "too-deep", "too-large", "invalid-request", nil,
            ])
        #expect(errors.map { $0["offset"]?.integer } == [0, 9, 81, 283, nil, nil])
        #expect(lines.last == #"{"state":"online","clients":1}"#)
    }

    @Test("Two programs at once do not mix")
    func twoAtOnce() throws {
        let fixture = try LocalServerFixture()
        let clients = [try UnixClient(fixture.path), try UnixClient(fixture.path)]
        for index in 0..<200 {
            for (number, client) in clients.enumerated() {
                try client.send("{\"id\":\"\(index * 2 + number)\",\"method\":\"a.b\"}")
            }
        }
        for (number, client) in clients.enumerated() {
            client.shutdownWriting()
            let ids = try client.lines().map { try JSONValue(parsing: $0.utf8)["id"]?.text }
            #expect(ids == (0..<200).map { "\($0 * 2 + number)" })
        }
    }

    @Test(
        "What a client wrote before it went away is carried out, more than may wait at once too",
        arguments: [true, false])
    func fireAndForget(answersMeetClosedSocket: Bool) throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = UncheckedBox(try UnixClient(fixture.path))
        try client.value.send(String(repeating: "{\"method\":\"a.b\"}\n", count: 8000))
        if answersMeetClosedSocket {
            #expect(try fixture.becomes { _, services in services.held.count == 256 })
            // The loop gets no chance to see the end before it writes.
            try fixture.onLoop { _, services in
                client.value.close()
                services.releaseAll()
            }
        } else {
            client.value.close()
        }
        #expect(
            try fixture.becomes { _, services in
                services.releaseAll()
                return services.submissions.count == 8000
            })
        #expect(try fixture.becomes { server, _ in server.clientCount == 0 })
    }

    @Test("No more than 256 requests of a client wait for their commit")
    func commitBackpressure() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        for _ in 0..<400 { try client.send("{\"method\":\"a.b\"}\n") }
        #expect(try fixture.becomes { _, services in services.submissions.count >= 256 })
        // Another client is served all the same, after everything the first one sent was received.
        let other = try UnixClient(fixture.path)
        try other.send(#"{"bridge":"status"}"#)
        #expect(try other.line() != nil)
        #expect(try fixture.onLoop { _, services in services.submissions.count } == 256)
        try fixture.onLoop { _, services in
            let first = services.held.removeFirst()
            first.report(.queued(receipt: 1, id: nil))
        }
        #expect(try client.line() == #"{"id":"100","status":"queued","receipt":1}"#)
        #expect(try fixture.becomes { _, services in services.submissions.count == 257 })
        try fixture.onLoop { _, services in
            services.holds = false
            services.releaseAll()
        }
        client.shutdownWriting()
        #expect(try client.lines().count == 399)
    }

    @Test("All clients together have a limit; those that asked for little are served meanwhile")
    func sharedBackpressure() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        try fixture.onLoop { server, _ in server.settings.maxPendingBytes = 1 << 20 }
        let text = "{\"method\":\"a.b\",\"params\":\"\(String(repeating: "x", count: 50_000))\"}"
        let stream = String(repeating: text, count: 10)
        let writers = DispatchGroup()
        for _ in 0..<3 {
            let client = UncheckedBox(try UnixClient(fixture.path))
            writers.enter()
            Thread {
                try? client.value.send(stream)
                client.value.shutdownWriting()
                _ = try? client.value.lines()
                writers.leave()
            }.start()
        }
        // 21 messages make up 1 MiB; 30 were sent.
        #expect(try fixture.becomes { _, services in services.held.count >= 21 })
        let small = try UnixClient(fixture.path)
        try small.send(#"{"bridge":"status"}"#)
        #expect(try small.line() != nil)
        // A client that comes late has its own little share beyond the limit: at most two messages for each of two.
        #expect((21...25).contains(try fixture.onLoop { _, services in services.submissions.count }))
        #expect(
            try fixture.becomes { _, services in
                services.releaseAll()
                return services.submissions.count == 30
            })
        try fixture.onLoop { _, services in services.releaseAll() }
        writers.wait()
    }

    @Test("A client that does not read is disconnected with a warning; another is not slowed")
    func notReading() throws {
        let fixture = try LocalServerFixture()
        let deaf = try UnixClient(fixture.path)
        let other = try UnixClient(fixture.path)
        let flood = Array(String(repeating: #"{"bridge":"status"}"# + "\n", count: 5000).utf8)
        var wasCut = false
        for _ in 0..<100 {
            do {
                try deaf.send(flood)
            } catch let failure as UnixClient.Failure {
                wasCut = failure.code == EPIPE || failure.code == ECONNRESET
                break
            }
            try other.send(#"{"bridge":"hello"}"#)
            #expect(try other.line() != nil)
        }
        #expect(wasCut)
        #expect(try fixture.becomes { server, _ in server.clientCount == 1 })
        let warning = try #require(fixture.journal.warnings.first)
        #expect(warning.text.contains("did not read its answers"))
        #expect(warning.metadata["peer-pid"] == "\(getpid())")
        #expect(warning.metadata["peer-uid"] == "\(getuid())")
        try other.send(Self.message)
        #expect(try other.line()?.contains("queued") == true)
    }

    @Test("A client that reads late, but reads, gets every answer")
    func readingLate() throws {
        let fixture = try LocalServerFixture()
        let client = try UnixClient(fixture.path)
        // Some 600 kB of answers: more than the kernel holds, less than the limit.
        for _ in 0..<15_000 { try client.send(#"{"bridge":"status"}"#) }
        client.shutdownWriting()
        #expect(try client.lines().count == 15_000)
        #expect(fixture.journal.warnings.isEmpty)
    }

    @Test("4 MiB of random bytes, then a good message", arguments: [1, 2] as [UInt64])
    func randomBytes(seed: UInt64) throws {
        let fixture = try LocalServerFixture(maxMessage: 4096)
        let client = try UnixClient(fixture.path)
        let reader = Mutex<[String]>([])
        let group = DispatchGroup()
        let box = UncheckedBox(client)
        DispatchQueue.global().async(group: group) {
            let lines = (try? box.value.lines()) ?? []
            reader.withLock { $0 = lines }
        }
        var state = seed
        let before = residentBytes()
        for _ in 0..<64 {
            try client.send(
                (0..<65_536).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(truncatingIfNeeded: state >> 56)
                })
        }
        try client.send("\n\u{1}\n" + Self.message)
        client.shutdownWriting()
        group.wait()
        let lines = reader.withLock { $0 }
        #expect(lines.last == #"{"id":"1562283421","status":"queued","receipt":1}"#)
        #expect(lines.count > 10_000)
        #expect(lines.dropLast().allSatisfy { $0.hasPrefix(#"{"status":"refused","error":""#) })
        #expect(residentBytes() - before < 64 << 20)
    }

    @Test("A client beyond max_clients is told so and closed; a place that becomes free can be had")
    func maxClients() throws {
        let fixture = try LocalServerFixture(maxClients: 2)
        let first = try UnixClient(fixture.path)
        let second = try UnixClient(fixture.path)
        #expect(try fixture.becomes { server, _ in server.clientCount == 2 })
        for _ in 0..<3 {
            let lines = try UnixClient(fixture.path).lines()
            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix(#"{"status":"refused","error":"not-permitted","detail":""#) == true)
        }
        #expect(fixture.journal.warnings.count == 1)
        first.close()
        #expect(try fixture.becomes { server, _ in server.clientCount == 1 })
        let third = try UnixClient(fixture.path)
        try third.send(Self.message)
        #expect(try third.line()?.contains("queued") == true)
        try second.send(Self.message)
        #expect(try second.line()?.contains("queued") == true)
    }

    @Test("Stopping answers what waits, refuses what is new, then closes")
    func stopping() throws {
        let fixture = try LocalServerFixture()
        try fixture.onLoop { _, services in services.holds = true }
        let client = try UnixClient(fixture.path)
        let idle = try UnixClient(fixture.path)
        try client.send("{\"method\":\"a.b\"}\n")
        #expect(try fixture.becomes { server, services in services.held.count == 1 && server.clientCount == 2 })
        try fixture.beginStopping()
        #expect(try idle.lines() == [])
        #expect(throws: UnixClient.Failure.self) { try UnixClient(fixture.path) }
        try client.send("{\"id\":\"7\",\"method\":\"a.b\"}\n")
        // The new request is behind the held one; both answers come in order.
        let journal = fixture.journal
        #expect(try fixture.becomes { _, _ in journal.texts.contains { $0.contains("shutting-down") } })
        try fixture.onLoop { _, services in services.held[0].report(.queued(receipt: 1, id: nil)) }
        #expect(
            try client.lines() == [
                #"{"id":"100","status":"queued","receipt":1}"#,
                #"{"id":"7","status":"refused","error":"shutting-down","detail":"the daemon is stopping"}"#,
            ])
        #expect(try fixture.onLoop { server, _ in server.clientCount } == 0)
    }
}

/// Hands one client to two threads: one writes, one reads.
private struct UncheckedBox: @unchecked Sendable {
    let value: UnixClient
    init(_ value: UnixClient) { self.value = value }
}

/// Resident memory of this process (statm of proc(5)).
private func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
}
