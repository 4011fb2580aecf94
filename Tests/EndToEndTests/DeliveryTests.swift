import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("What was queued arrives", .serialized)
    struct Delivery {
        @Test("a message reaches mosquitto byte for byte, whatever its layout", .timeLimit(.minutes(2)))
        func byteForByte() throws {
            let broker = try Broker()
            try broker.subscribe()
            let bench = try Workbench(.broker(port: broker.port))
            try bench.startOnline()
            let client = try bench.connect()
            let odd =
                "{ \"id\" : \"7\",\n\t\"version\":\"1.0\", \"params\":{\"t\":1.0e1,\"s\":\"\\u00e9é\\/\"}, \"method\":\"thing.event.property.post\" }"
            #expect(try client.ask(odd)["status"] as? String == "queued")
            let raw = #"{"bridge":"publish","topic":"/raw/bytes","base64":"AAEC/f7/Kysr","qos":0}"#
            #expect(try client.ask(raw)["status"] as? String == "queued")
            let text = #"{"bridge":"publish","topic":"/raw/text","text":"+++"}"#
            #expect(try client.ask(text)["status"] as? String == "queued")
            let seen = try #require(broker.subscriber).waitFor("three messages") { lines in
                let messages = Broker.messages(in: lines)
                return messages.count >= 3 ? messages : nil
            }
            #expect(seen[0].topic == "/sys/broker/gateway-1/thing/event/property/post")
            #expect(String(decoding: seen[0].payload, as: UTF8.self) == odd)
            #expect(seen[1].topic == "/raw/bytes")
            #expect(seen[1].payload == [0, 1, 2, 0xFD, 0xFE, 0xFF, 0x2B, 0x2B, 0x2B])
            #expect(seen[2].payload == Array("+++".utf8))
        }

        @Test(
            "every firmware in both modes: up, a message each way, a reset in between, and an orderly end",
            .timeLimit(.minutes(2)), arguments: ["nonos-1.3", "nonos-1.7", "esp-at-2"], ["transparent", "packet"])
        func firmwares(firmware: String, mode: String) throws {
            let bench = try Workbench(.cloud, firmware: firmware, more: "[modem]\nmode = \"\(mode)\"")
            let daemon = try bench.startOnline()
            let client = try bench.connect()
            for number in 1...2 {
                let publish =
                    #"{"bridge":"publish","until":"confirmed","message":{"params":{"n":\#(number)},"method":"thing.event.property.post"}}"#
                #expect(try client.ask(publish)["status"] as? String == "queued")
                #expect(try client.answer()["status"] as? String == "delivered")
                #expect(try client.answer()["code"] as? Int == 200)
                guard number == 1 else { continue }
                let known = daemon.output.count
                try bench.disturb("reset")
                try daemon.waitForLine(": online again", from: known, seconds: 60)
            }
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            try bench.cloud?.waitForLine("disconnected")
        }

        @Test(
            "1,000 messages and kill -9 in the middle: each one that was answered queued arrives",
            .timeLimit(.minutes(4)))
        func killedInTheMiddle() throws {
            let broker = try Broker()
            try broker.subscribe()
            let bench = try Workbench(.broker(port: broker.port), baud: 0)
            try bench.startOnline()
            var queued: Set<Int> = []
            for round in 0..<4 {
                let client = try bench.connect()
                let batch = (round * 250..<(round + 1) * 250)
                for number in batch { try client.send(Self.message(number)) }
                // Killed at another place in each round: nothing is known of what was not answered.
                let answered = [250, 100, 30, 250][round]
                for number in batch.prefix(answered) {
                    #expect(try client.answer()["status"] as? String == "queued")
                    queued.insert(number)
                }
                try bench.killDaemon()
                if round == 3 { try bench.startOnline() } else { try bench.start() }
            }
            try bench.until("the outbox is empty", seconds: 120) { try bench.number("outbox.waiting") == 0 }
            let seen = Set(
                Broker.messages(in: try #require(broker.subscriber).output).compactMap { Self.number($0.payload) })
            #expect(queued.subtracting(seen).isEmpty)
            #expect(queued.count == 630)
            let books = try #require(try bench.status()["outbox"] as? [String: Any])
            let received = books["received"] as? Int
            #expect(received == books["delivered"] as? Int)
        }

        @Test("10,000 messages of 4 programs while the link is cut at random", .timeLimit(.minutes(10)))
        func cutAtRandom() async throws {
            let bench = try Workbench(.cloud, baud: 0, unlimited: true)
            try bench.startOnline()
            let path = bench.socketPath
            let total = 10_000
            async let programs: Void = withThrowingTaskGroup(of: Void.self) { group in
                for program in 0..<4 {
                    group.addTask { try Self.publish(program: program, count: total / 4, to: path) }
                }
                try await group.waitForAll()
            }
            let seed = UInt64.random(in: 1...UInt64.max)
            print("cuts with seed \(seed)")
            var random = SplitMix(seed: seed)
            let cloud = try #require(bench.cloud)
            for _ in 0..<4 {
                poll(nil, 0, Int32.random(in: 300...1500, using: &random))
                try bench.disturb(["drop", "drop-hold 1", "reset"].randomElement(using: &random) ?? "drop")
                let known = cloud.output.count
                try cloud.waitFor("the next session", seconds: 100) { lines in
                    lines.dropFirst(known).contains { $0.hasPrefix("connected ") } ? true : nil
                }
            }
            try await programs
            try bench.until("the outbox is empty", seconds: 240) { try bench.number("outbox.waiting") == 0 }
            try Self.judge(cloud.output, total: total)
        }

        /// Reads the cloud's record: all there, in order for each program, and twice only in another session or with DUP.
        private static func judge(_ record: [String], total: Int) throws {
            var session = 0
            var sessionOf: [String: Int] = [:]
            var last: [Int: Int] = [:]
            for line in record {
                if line.hasPrefix("connected ") { session += 1 }
                guard let found = line.firstMatch(of: /"p":(\d+),"n":(\d+)/), line.hasPrefix("message "),
                    let program = Int(found.1), let number = Int(found.2)
                else { continue }
                let key = "\(program)/\(number)"
                if let earlier = sessionOf[key] {
                    let isMarked = earlier < session || line.contains(" dup true")
                    #expect(isMarked, "twice in one session without DUP: \(line)")
                } else {
                    #expect(number == (last[program] ?? -1) + 1, "out of order: \(line)")
                    last[program] = number
                    sessionOf[key] = session
                }
            }
            #expect(sessionOf.count == total)
            #expect(session > 3)
        }

        private static func publish(program: Int, count: Int, to path: String) throws {
            let client = try SocketClient(path)
            var answered = 0
            for number in 0..<count {
                try client.send(
                    #"{"params":{"p":\#(program),"n":\#(number)},"method":"thing.event.property.post"}"# + "\n")
                while number - answered >= 32 {
                    try expectQueued(client)
                    answered += 1
                }
            }
            for _ in answered..<count { try expectQueued(client) }
        }

        private static func expectQueued(_ client: SocketClient) throws {
            let answer = try client.answer(seconds: 60)
            guard answer["status"] as? String == "queued" else {
                throw SocketClient.Broken(description: "not queued: \(answer)")
            }
        }

        private static func message(_ number: Int) -> String {
            #"{"id":"\#(number)","version":"1.0","params":{"n":\#(number)},"method":"thing.event.property.post"}"#
                + "\n"
        }

        private static func number(_ payload: [UInt8]) -> Int? {
            let text = String(decoding: payload, as: UTF8.self)
            return text.firstMatch(of: /"n":(\d+)/).flatMap { Int($0.1) }
        }
    }
}
