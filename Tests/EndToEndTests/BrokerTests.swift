import Foundation
import Testing

extension EndToEnd {
    @Suite("Real brokers, with an independent subscriber", .serialized)
    struct Brokers {
        @Test(
            "RabbitMQ: 200 messages, byte for byte and in order",
            .enabled(
                if: RabbitMQ.isInstalled, "needs rabbitmq-server with its MQTT plugin (apt install rabbitmq-server)"),
            .timeLimit(.minutes(5)))
        func rabbitMQ() throws {
            let rabbit = try RabbitMQ(account: .init(password: "canary-broker-7"))
            let subscriber = try Broker.subscriber(port: rabbit.port, account: rabbit.account)
            defer { subscriber.end() }
            try deliver(to: rabbit.port, rabbit.account, subscriber)
        }

        @Test(
            "mosquitto: the same 200 messages, byte for byte and in order, in both modes", .timeLimit(.minutes(3)),
            arguments: ["transparent", "packet"])
        func mosquitto(mode: String) throws {
            let account = Broker.Account()
            let broker = try Broker(account: account)
            try broker.subscribe()
            try deliver(to: broker.port, account, try #require(broker.subscriber), mode: mode)
            #expect(broker.log.contains { $0.contains("as gateway-1 (p2, c1, k60, u'\(account.user)')") })
        }

        private func deliver(
            to port: Int, _ account: Broker.Account, _ subscriber: ChildProgram, mode: String = "transparent"
        ) throws {
            let bench = try Workbench(
                .broker(port: port, user: account.user, password: account.password), baud: 0,
                more: "[modem]\nmode = \"\(mode)\"\n\n[mqtt]\nkeep_alive = 60")
            // The daemon writes no faster than the line that it believes in.
            try bench.edit("[wifi]", "baud = 921600\n\n[wifi]")
            let daemon = try bench.startOnline()
            let consignment = try Consignment(seed: 200)
            try consignment.send(try bench.connect())
            let count = consignment.messages.count
            let lines = try subscriber.waitFor("\(count) messages", seconds: 60) { lines in
                lines.count { $0.hasPrefix("/") } >= count ? lines : nil
            }
            #expect(consignment.difference(from: lines) == nil)
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }
            #expect(try bench.number("outbox.delivered") == count)
            #expect(try bench.number("counters.connects") == 1)
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            // Nothing comes behind what was expected.
            #expect(consignment.difference(from: subscriber.output) == nil)
        }

        @Test("a wrong password is a refusal and said as one", .timeLimit(.minutes(2)))
        func wrongPassword() throws {
            let broker = try Broker(account: .init())
            let bench = try Workbench(.broker(port: broker.port, user: "gateway", password: "another-canary"))
            let daemon = try bench.start()
            try bench.until("the broker refused") { try bench.number("counters.refusals") == 1 }
            #expect(try bench.status()["failed_rung"] as? String == "connecting")
            let said = daemon.output.joined(separator: "\n")
            #expect(!said.contains("another-canary"))
        }

        @Test("a session that outlives a lost connection: resent with DUP, none lost", .timeLimit(.minutes(4)))
        func sessionSurvives() throws {
            let broker = try Broker()
            try broker.subscribe()
            let bench = try Workbench(
                .broker(port: broker.port),
                more: "[mqtt]\nclean_session = false\nkeep_alive = 5\nsubscribe = [{ filter = \"/down/#\", qos = 1 }]")
            let daemon = try bench.startOnline()
            let client = try bench.connect()
            let total = 40
            for number in 0..<total {
                // So long that the line is busy with them for seconds: some are in flight whenever the cut comes.
                let text = "\(number) " + String(repeating: "x", count: 2000)
                let answer = try client.ask(
                    #"{"bridge":"publish","topic":"/up/\#(number)","text":"\#(text)","qos":1}"#)
                #expect(answer["status"] as? String == "queued")
            }
            try broker.waitForLog("Sending PUBACK to gateway-1")
            let known = daemon.output.count
            try bench.disturb("drop-hold 3")
            try daemon.waitForLine("link lost", from: known)
            // While the bridge is away the broker keeps what is sent to it.
            let publisher = try #require(Programs.find("mosquitto_pub"))
            let sent = try ChildProgram.run(
                publisher,
                ["-h", "127.0.0.1", "-p", "\(broker.port)", "-q", "1", "-t", "/down/kept", "-m", "while-you-were-away"])
            #expect(sent.status == 0)
            try daemon.waitForLine(": online again", from: known, seconds: 90)
            try daemon.waitForLine("/down/kept", from: known)
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }

            let accepted = broker.log.filter { $0.contains("Sending CONNACK to gateway-1") }
            #expect(accepted.first?.hasSuffix("(0, 0)") == true)
            #expect(
                accepted.dropFirst().allSatisfy { $0.hasSuffix("(1, 0)") }, "the session was not there: \(accepted)")
            #expect(accepted.count > 1)
            let resent = broker.log.filter { $0.contains("Received PUBLISH from gateway-1 (d1, q1,") }
            #expect(!resent.isEmpty, "nothing was resent with DUP")
            let seen = Broker.messages(in: try #require(broker.subscriber).output).filter { $0.topic.hasPrefix("/up/") }
            let numbers = seen.compactMap { Int($0.topic.dropFirst(4)) }
            #expect(Set(numbers) == Set(0..<total))
            try judgeRepeats(in: broker.log, total: total)
            for message in seen {
                let number = message.topic.dropFirst(4)
                #expect(
                    message.payload == Array("\(number) ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 2000))
            }
        }

        /// A topic that the broker received again came with DUP and under the packet identifier that it had.
        private func judgeRepeats(in log: [String], total: Int) throws {
            var identifiers: [Substring: Substring] = [:]
            for line in log {
                guard let found = line.firstMatch(of: /PUBLISH from gateway-1 \(d(\d), q1, r0, m(\d+), '(\/up\/\d+)'/)
                else {
                    continue
                }
                if let earlier = identifiers[found.3] {
                    #expect(found.1 == "1", "again without DUP: \(line)")
                    #expect(found.2 == earlier, "again under another packet identifier: \(line)")
                }
                identifiers[found.3] = found.2
            }
            #expect(identifiers.count == total)
        }
    }
}
