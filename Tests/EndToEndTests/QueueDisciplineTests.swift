import Foundation
import Testing

extension EndToEnd {
    @Suite("Who goes first, and what is given up", .serialized)
    struct QueueDiscipline {
        private func post(_ topic: String, _ text: String) -> String {
            #"{"bridge":"publish","topic":"/q/\#(topic)","text":"\#(text)"}"#
        }

        /// The topics in the order of arrival, once `count` messages have come.
        private func arrivals(_ broker: Broker, _ count: Int, seconds: Double = 60) throws -> [String] {
            try #require(broker.subscriber).waitFor("\(count) messages", seconds: seconds) { lines in
                let topics = Broker.messages(in: lines).map(\.topic)
                return topics.count >= count ? topics : nil
            }
        }

        @Test("a program with hundreds of messages waiting does not hold up another's", .timeLimit(.minutes(2)))
        func fairTurns() throws {
            let broker = try Broker()
            try broker.subscribe()
            let bench = try Workbench(.broker(port: broker.port))
            try bench.disturb("mute on")
            try bench.start()
            let greedy = try bench.connect()
            for number in 0..<300 {
                _ = try greedy.ask(post("greedy", "\(number) " + String(repeating: "x", count: 300)))
            }
            let modest = try bench.connect()
            for number in 0..<3 { _ = try modest.ask(post("modest", "\(number)")) }
            try bench.disturb("mute off")
            let order = try arrivals(broker, 303)
            #expect(try #require(order.lastIndex(of: "/q/modest")) < 20)
            #expect(try bench.number("outbox.waiting") == 0)
        }

        @Test(
            "offline, a message with a date of its own is dropped then, and not up to a minute later",
            .timeLimit(.minutes(1)))
        func expires() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("\(bench.folder)/tty", "\(bench.folder)/no-port")
            let daemon = try bench.start()
            let client = try bench.connect()
            for seconds in [40, 2] {
                let answer = try client.ask(
                    #"{"bridge":"publish","message":{"method":"a.b"},"until":"delivered","expires":\#(seconds)}"#)
                #expect(answer["status"] as? String == "queued")
            }
            let began = Date()
            let dropped = try client.answer(seconds: 20)
            #expect(dropped["reason"] as? String == "expired")
            #expect(dropped["receipt"] as? Int == 2)
            #expect(Date().timeIntervalSince(began) < 10)
            try daemon.waitForLine("message 2 was dropped: expired")
            // So it is after a restart.
            _ = try client.ask(#"{"bridge":"publish","message":{"method":"a.b"},"expires":4}"#)
            try bench.killDaemon()
            try bench.start().waitForLine("message 3 was dropped: expired", seconds: 20)
            #expect(try bench.number("outbox.waiting") == 1)
        }

        @Test("fresh-first: after an outage the newest need not wait for all the old", .timeLimit(.minutes(2)))
        func freshFirst() throws {
            let broker = try Broker()
            try broker.subscribe()
            let bench = try Workbench(.broker(port: broker.port))
            try bench.edit("/outbox.db\"", "/outbox.db\"\ndrain = \"fresh-first\"")
            try bench.disturb("mute on")
            let daemon = try bench.start()
            let client = try bench.connect()
            for number in 0..<300 {
                _ = try client.ask(post("old", "\(number) " + String(repeating: "x", count: 300)))
            }
            try bench.disturb("mute off")
            try daemon.waitForLine(": online", seconds: 60)
            _ = try client.ask(post("fresh", "now"))
            let order = try arrivals(broker, 301)
            #expect(try #require(order.firstIndex(of: "/q/fresh")) < 200)
        }

        @Test(
            "a message that the broker cannot stand is set aside, shown, and the rest goes on", .timeLimit(.minutes(5)))
        func poison() throws {
            // Longer packets make it close the connection (mosquitto.conf(5)).
            let broker = try Broker(more: "max_packet_size 2000")
            try broker.subscribe()
            let bench = try Workbench(.broker(port: broker.port), baud: 0)
            let daemon = try bench.startOnline()
            let client = try bench.connect()
            _ = try client.ask(post("before", "1"))
            let bad = String(repeating: "x", count: 3000)
            let publish = #"{"bridge":"publish","topic":"/q/bad","text":"\#(bad)","until":"delivered"}"#
            #expect(try client.ask(publish)["receipt"] as? Int == 2)
            _ = try client.ask(post("behind", "3"))
            let order = try arrivals(broker, 2, seconds: 240)
            #expect(order == ["/q/before", "/q/behind"])
            try daemon.waitForLine("message 2 is set aside")
            #expect(try client.answer()["reason"] as? String == "poison")
            #expect(try bench.number("outbox.dropped.poison") == 1)
            func queue(_ arguments: String...) throws -> [String] {
                try ChildProgram.run(
                    Programs.espbridged,
                    ["queue", arguments[0], "--config", bench.configurationPath] + arguments.dropFirst()
                ).lines
            }
            #expect(try queue("show", "2").first?.contains(bad) == true)
            #expect(try queue("list", "--set-aside").count == 1)
            #expect(try queue("export").first?.contains(#"{"receipt":2,"status":"set-aside""#) == true)
            #expect(try queue("verify").last == "the books balance")
        }

        @Test(
            "the same message after kill -9, and from a program that did not read its answer", .timeLimit(.minutes(1)))
        func repeated() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("mute on")
            try bench.start()
            let post = #"{"id":"77","params":{"n":1},"method":"thing.event.property.post"}"#
            #expect(try bench.connect().ask(post)["receipt"] as? Int == 1)
            // Its connection ended in order: the same once more is another message.
            #expect(try bench.connect().ask(post)["receipt"] as? Int == 2)
            try bench.killDaemon()
            try bench.start()
            let after = try bench.connect()
            #expect(try after.ask(post)["receipt"] as? Int == 2)
            #expect(try after.ask(post.replacing(#""n":1"#, with: #""n":2"#))["receipt"] as? Int == 3)
            #expect(try bench.number("outbox.received") == 3)
        }

        @Test("ids that the daemon gives out are not given out again after kill -9", .timeLimit(.minutes(1)))
        func ids() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("mute on")
            var ids: [String] = []
            for _ in 0..<2 {
                try bench.start()
                let client = try bench.connect()
                for _ in 0..<200 {
                    let answer = try client.ask(#"{"params":{},"method":"thing.event.property.post"}"#)
                    ids.append(try #require(answer["id"] as? String))
                }
                try bench.killDaemon()
            }
            #expect(Set(ids).count == 400)
        }
    }
}
