import Foundation
import Testing

extension EndToEnd {
    @Suite("status and publish, from outside", .serialized)
    struct PublishCommands {
        private static let post = #"{"params":{"temp":21.5},"method":"thing.event.property.post"}"#

        private func publish(
            _ bench: Workbench, _ arguments: [String] = [], input: String
        ) throws -> (status: Int32, lines: [String]) {
            try ChildProgram.run(
                Programs.espbridged, ["publish", "--socket", bench.socketPath] + arguments, input: input)
        }

        private func statuses(_ lines: [String]) throws -> [String] {
            try lines.filter { $0.hasPrefix("{") }.compactMap { line in
                (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["status"] as? String
            }
        }

        @Test("no daemon: exit 69 and the way out")
        func noDaemon() throws {
            let status = try ChildProgram.run(Programs.espbridged, ["status", "--socket", "/nowhere/espbridged.sock"])
            #expect(status.status == 69)
            #expect(status.lines.joined().contains("/nowhere/espbridged.sock"))
            let publish = try ChildProgram.run(
                Programs.espbridged, ["publish", "--socket", "/nowhere/espbridged.sock"], input: Self.post)
            #expect(publish.status == 69)
            #expect(publish.lines.joined().contains("Start it (systemctl start espbridged)"))
        }

        @Test(
            "status for people and for programs; publish up to queued, delivered and confirmed", .timeLimit(.minutes(3))
        )
        func online() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let people = try ChildProgram.run(Programs.espbridged, ["status", "--socket", bench.socketPath])
            #expect(people.status == 0)
            #expect(people.lines.contains { $0.contains("online since ") })
            #expect(people.lines.contains { $0.contains("[online]") })
            let programs = try ChildProgram.run(
                Programs.espbridged, ["status", "--json", "--socket", bench.socketPath])
            #expect(programs.status == 0)
            #expect(programs.lines.count == 1)
            let status = try #require(
                try JSONSerialization.jsonObject(with: Data(programs.lines.joined().utf8)) as? [String: Any])
            #expect(status["state"] as? String == "online")
            for key in ["version", "since", "modem", "session", "outbox", "counters", "clients"] {
                #expect(status[key] != nil, "\(key) is missing")
            }

            let queued = try publish(bench, input: Self.post + "\n{\n \"method\" : \"thing.event.property.set\"\n}")
            #expect(queued.status == 0)
            #expect(try statuses(queued.lines) == ["queued", "queued"])
            let delivered = try publish(bench, ["--until", "delivered"], input: Self.post)
            #expect(delivered.status == 0)
            #expect(try statuses(delivered.lines) == ["queued", "delivered"])
            let confirmed = try publish(bench, ["--until", "confirmed"], input: Self.post + Self.post)
            #expect(confirmed.status == 0)
            let said = try statuses(confirmed.lines)
            #expect(said.count { $0 == "queued" } == 2)
            #expect(said.count { $0 == "confirmed" } == 2)
            #expect(confirmed.lines.contains { $0.contains(#""code":200"#) })
        }

        @Test(
            "publish: refused documents are told with their place, and the good ones go through",
            .timeLimit(.minutes(2)))
        func refused() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let mixed = try publish(bench, input: "{\"method\":\"no way\"}\n\(Self.post)\n{broken\n\(Self.post)\n[1]\n")
            #expect(mixed.status == 1)
            let said = try statuses(mixed.lines)
            #expect(said.count { $0 == "queued" } == 2)
            #expect(said.count { $0 == "refused" } == 3)
            #expect(mixed.lines.contains { $0.contains("invalid-method") })
            #expect(mixed.lines.contains { $0.contains("invalid-json") })
            #expect(mixed.lines.contains { $0.contains("not-an-object") })
            let nothing = try publish(bench, input: " \n")
            #expect(nothing.status == 64)
            let absent = try ChildProgram.run(
                Programs.espbridged, ["publish", "--socket", bench.socketPath, "/nowhere/message.json"])
            #expect(absent.status == 74)
        }

        @Test("where a message stands: by number, by id, on another connection, after kill -9", .timeLimit(.minutes(2)))
        func receipts() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let post = #"{"id":"77","params":{"t":1},"method":"thing.event.property.post"}"#
            let receipt = try #require(try bench.connect().ask(post)["receipt"] as? Int)
            try bench.until("the reply is noted") {
                try bench.connect().ask(#"{"bridge":"receipt","id":"77"}"#)["status"] as? String == "confirmed"
            }
            try bench.killDaemon()
            try bench.startOnline()
            let asked = try bench.connect().ask("{\"bridge\":\"receipt\",\"receipt\":\(receipt),\"tag\":\"x\"}")
            #expect(asked["status"] as? String == "confirmed")
            #expect(asked["code"] as? Int == 200)
            #expect(asked["id"] as? String == "77")
            #expect(asked["tag"] as? String == "x")
            let unknown = try bench.connect().ask(#"{"bridge":"receipt","receipt":4711}"#)
            #expect(unknown["error"] as? String == "unknown-receipt")
        }

        @Test("publish: a time-out while the link is down is 1, and the message is not lost", .timeLimit(.minutes(3)))
        func timeout() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("ap down")
            try bench.start()
            let began = Date()
            let end = try publish(bench, ["--until", "delivered", "--timeout", "2"], input: Self.post)
            #expect(end.status == 1)
            #expect((2..<10).contains(Date().timeIntervalSince(began)))
            #expect(try statuses(end.lines) == ["queued"])
            #expect(end.lines.joined().contains("within 2 s"))
            try bench.disturb("ap up")
            try bench.cloud?.waitForLine(#""temp":21.5"#, seconds: 120)
        }

        @Test("publish: each answer is printed as it comes, through a pipe too", .timeLimit(.minutes(1)))
        func answersAtOnce() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("ap down")
            try bench.start()
            let document = bench.folder + "/post.json"
            try Self.post.write(toFile: document, atomically: false, encoding: .utf8)
            let publish = try ChildProgram(
                Programs.espbridged, ["publish", "--until", "delivered", "--socket", bench.socketPath, document])
            try publish.waitForLine(#""status":"queued""#, seconds: 20)
            #expect(publish.isRunning)
            publish.end()
        }
    }
}
