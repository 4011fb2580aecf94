import Foundation
import Testing

extension EndToEnd {
    @Suite("From the cloud to a program and back", .serialized)
    struct Downlink {
        private static let prefix = "/sys/\(Workbench.productKey)/\(Workbench.deviceName)/"

        private func publish(_ rest: String, _ payload: String, _ bench: Workbench) throws {
            try bench.orderCloud("publish1 \(Self.prefix)\(rest) \(payload)")
        }

        @Test(
            "a property set and a service call reach the program that subscribed, and its answers the cloud",
            .timeLimit(.minutes(2)))
        func requestsAndAnswers() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let program = try bench.connect()
            #expect(
                try program.ask(#"{"bridge":"subscribe","methods":["thing.service.*"],"tag":1}"#)["status"] as? String
                    == "subscribed")
            for (rest, id) in [("thing/service/property/set", "101"), ("thing/service/reboot", "102")] {
                try publish(rest, #"{"id":"\#(id)","version":"1.0","params":{"lamp":1.0}}"#, bench)
                let event = try program.answer()
                #expect(event["event"] as? String == "message")
                #expect(event["topic"] as? String == Self.prefix + rest)
                #expect((event["message"] as? [String: Any])?["id"] as? String == id)
                let answer = #"{"id":"\#(id)","code":200,"data":{"done":true}}"#
                #expect(try program.ask(answer)["status"] as? String == "queued")
                try bench.cloud?.waitForLine(Self.prefix + rest + "_reply")
            }
            // Each request is answered once.
            let again = try program.ask(#"{"id":"102","code":200,"data":{}}"#)
            #expect(again["error"] as? String == "invalid-request")
        }

        @Test(
            "a synchronous request that nobody takes is answered 503 within its 8 s; the program that takes it answers it",
            .timeLimit(.minutes(2)))
        func synchronous() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            try publish("rrpc/request/900", #"{"id":"103","params":{}}"#, bench)
            let line = try #require(bench.cloud).waitForLine("rrpc/response/900", seconds: 8)
            #expect(line.contains("503"))
            try daemon.waitForLine("no program takes it")
            let program = try bench.connect()
            _ = try program.ask(#"{"bridge":"subscribe","topics":["/sys/+/+/rrpc/request/+"]}"#)
            try publish("rrpc/request/901", #"{"id":"104","params":{}}"#, bench)
            _ = try program.answer()
            _ = try program.ask(#"{"id":"104","code":200,"data":{}}"#)
            try bench.cloud?.waitForLine("rrpc/response/901", seconds: 8)
        }

        @Test("an answer overtakes what waits", .timeLimit(.minutes(2)))
        func overtakes() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let program = try bench.connect()
            _ = try program.ask(#"{"bridge":"subscribe","methods":["thing.service.*"]}"#)
            let bulk = try bench.connect()
            // A minute's worth of the line.
            let filler = String(repeating: "x", count: 6_000)
            for _ in 0..<100 {
                _ = try bulk.ask(#"{"params":{"f":"\#(filler)"},"method":"thing.event.property.post"}"#)
            }
            try publish("thing/service/reboot", #"{"id":"105","params":{}}"#, bench)
            _ = try program.answer()
            _ = try program.ask(#"{"id":"105","code":200,"data":{}}"#)
            try bench.cloud?.waitForLine("thing/service/reboot_reply", seconds: 20)
            #expect(try bench.number("outbox.waiting") > 20)
        }

        @Test("a property set waits for the program that comes later; watch looks on", .timeLimit(.minutes(2)))
        func laterAndWatch() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let watcher = try ChildProgram(
                Programs.espbridged, ["watch", "--socket", bench.socketPath], name: "watch")
            try watcher.waitForLine(#""event":"link","state":"online""#)
            try publish("thing/service/property/set", #"{"id":"106","params":{"lamp":0}}"#, bench)
            try watcher.waitForLine("thing/service/property/set")
            let program = try bench.connect()
            _ = try program.ask(#"{"bridge":"subscribe","methods":["thing.service.property.set"]}"#)
            let event = try program.answer()
            #expect((event["message"] as? [String: Any])?["id"] as? String == "106")
            // What was handed over late is acknowledged then.
            try bench.cloud?.waitForLine("acknowledged")
            let known = watcher.output.count
            try bench.disturb("reset")
            try watcher.waitForLine(#""state":"backoff""#, from: known, seconds: 60)
            try watcher.waitForLine(#""state":"online""#, from: known, seconds: 60)
            try bench.killDaemon()
            #expect(try watcher.waitForExit() == 69)
        }
    }
}
