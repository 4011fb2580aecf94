import Foundation
import Testing

extension EndToEnd {
    @Suite("SIGHUP", .serialized)
    struct Reload {
        /// Reads the configuration again, and returns what the daemon says about it.
        private func reload(_ bench: Workbench) throws -> String {
            let daemon = try #require(bench.daemon)
            let known = daemon.output.count
            daemon.signal(SIGHUP)
            return try daemon.waitForLine("configuration", from: known)
        }

        @Test("SIGHUP as soon as the daemon says READY reloads, and does not end it", .timeLimit(.minutes(1)))
        func atOnce() throws {
            for _ in 0..<3 {
                let bench = try Workbench(.cloud)
                let manager = try NotifySocket(bench.folder + "/notify")
                defer { manager.close() }
                let daemon = try ChildProgram(
                    Programs.espbridged, ["run", "--config", bench.configurationPath],
                    environment: ["NOTIFY_SOCKET": manager.path])
                defer { daemon.end() }
                manager.whenReady { daemon.signal(SIGHUP) }
                try daemon.waitForLine("configuration read again")
                #expect(try bench.status()["version"] != nil)
            }
        }

        @Test("what does not touch the link is in force at once and keeps it", .timeLimit(.minutes(2)))
        func keepsTheLink() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            #expect(try reload(bench).contains("configuration read again: nothing has changed; the link stays"))
            try bench.edit("level = \"info\"", "level = \"debug\"")
            try bench.edit("max_rate = 10", "max_rate = 9")
            try bench.edit("outbox.db\"", "outbox.db\"\nmax_bytes = 70000\n\n[mqtt]\nqos = 0")
            try bench.edit("[socket]", "[socket]\nmax_message = 2000")
            let line = try reload(bench)
            #expect(
                line.contains(
                    "aliyun.max_rate, mqtt.qos, socket.max_message, outbox.max_bytes, log.level in force; the link stays"
                ))
            #expect(try bench.status()["state"] as? String == "online")
            #expect(try bench.number("counters.connects") == 1)
            // The new limits hold.
            let client = try bench.connect()
            let text = String(repeating: "x", count: 3000)
            #expect(
                try client.ask(#"{"params":{"a":"\#(text)"},"method":"thing.event.property.post"}"#)["error"] as? String
                    == "too-large")
            _ = try client.ask(#"{"params":{"reloaded":1},"method":"thing.event.property.post"}"#)
            try bench.cloud?.waitForLine(#""reloaded":1"#)
        }

        @Test("what the session needs makes a new one, on the network that stands", .timeLimit(.minutes(2)))
        func newSession() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            try bench.edit("[outbox]", "[mqtt]\nkeep_alive = 60\n\n[outbox]")
            let known = daemon.output.count
            #expect(try reload(bench).contains("the link is brought up anew for mqtt.keep_alive"))
            let answer = try bench.connect().ask(#"{"params":{"kept":1},"method":"thing.event.property.post"}"#)
            #expect(answer["status"] as? String == "queued")
            try daemon.waitForLine(": online", from: known)
            try bench.cloud?.waitForLine(#""kept":1"#)
            #expect(try bench.number("session.keep_alive") == 60)
            #expect(try bench.number("counters.resets") == 1, "the modem was reset for a new session")
            try bench.cloud?.waitForLine("disconnected device")
        }

        private func publish(_ topic: String, to broker: Broker) throws {
            let tool = try #require(Programs.find("mosquitto_pub"))
            let sent = try ChildProgram.run(
                tool, ["-h", "127.0.0.1", "-p", "\(broker.port)", "-q", "1", "-t", topic, "-m", "{}"])
            try #require(sent.status == 0, "\(sent.lines)")
        }

        @Test(
            "other subscriptions are made in the session that stands; with another session, in that",
            .timeLimit(.minutes(2)))
        func subscriptions() throws {
            let broker = try Broker()
            let bench = try Workbench(
                .broker(port: broker.port),
                more: """
                    [mqtt]
                    clean_session = false
                    subscribe = [{ filter = "room/old", qos = 1 }, { filter = "room/kept", qos = 1 }]
                    """)
            let daemon = try bench.startOnline()
            let program = try bench.connect()
            _ = try program.ask(#"{"bridge":"subscribe","topics":["room/#"]}"#)
            try publish("room/old", to: broker)
            #expect(try program.answer()["topic"] as? String == "room/old")

            try bench.edit("room/old", "room/new")
            var known = daemon.output.count
            #expect(
                try reload(bench).contains(
                    "mqtt.subscribe goes to the broker in the session that stands; the link stays"))
            let said = "the broker took the change over: subscribed to room/new; unsubscribed from room/old"
            try daemon.waitForLine(said, from: known)
            for topic in ["room/old", "room/new", "room/kept"] { try publish(topic, to: broker) }
            #expect(try program.answer()["topic"] as? String == "room/new")
            #expect(try program.answer()["topic"] as? String == "room/kept")
            #expect(try bench.number("counters.connects") == 1)
            #expect(try bench.status()["state"] as? String == "online")

            // The broker keeps the session, and with it the subscription that is removed meanwhile.
            try bench.edit("{ filter = \"room/new\", qos = 1 }, ", "")
            try bench.edit("clean_session", "keep_alive = 60\nclean_session")
            known = daemon.output.count
            let line = try reload(bench)
            #expect(
                line.contains(
                    "the link is brought up anew for mqtt.keep_alive; mqtt.subscribe goes to the broker at the next sign-in"
                ))
            try daemon.waitForLine("unsubscribed from room/new", from: known)
            for topic in ["room/new", "room/kept"] { try publish(topic, to: broker) }
            #expect(try program.answer()["topic"] as? String == "room/kept")
            #expect(try bench.number("counters.connects") == 2)
        }

        @Test("a subscription that the cloud refuses is said as at sign-in", .timeLimit(.minutes(2)))
        func refusedSubscription() throws {
            let bench = try Workbench(.cloud, more: "[mqtt]\nsubscribe = []")
            let daemon = try bench.startOnline()
            try bench.edit("subscribe = []", "subscribe = [{ filter = \"/theirs/another/user/get\", qos = 1 }]")
            let known = daemon.output.count
            _ = try reload(bench)
            try daemon.waitForLine("the broker refused the subscription to /theirs/another/user/get", from: known)
            #expect(try bench.number("counters.connects") == 1)
        }

        @Test("another access point is joined, and a wrong one is said", .timeLimit(.minutes(2)))
        func newNetwork() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            try bench.edit("ssid = \"workshop\"", "ssid = \"elsewhere\"")
            #expect(try reload(bench).contains("brought up anew for wifi.ssid"))
            try bench.until("it is missed") { try bench.status()["reason_word"] as? String == "no-such-ap" }
            try bench.edit("ssid = \"elsewhere\"", "ssid = \"workshop\"")
            let known = daemon.output.count
            _ = try reload(bench)
            try daemon.waitForLine(": online", from: known)
        }

        @Test("two changes within one orderly end of the link are both in force", .timeLimit(.minutes(2)))
        func twice() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            try bench.edit("ssid = \"workshop\"", "ssid = \"elsewhere\"")
            #expect(try reload(bench).contains("brought up anew for wifi.ssid"))
            try bench.edit("[outbox]", "[mqtt]\nkeep_alive = 60\n\n[outbox]")
            #expect(try reload(bench).contains("brought up anew for mqtt.keep_alive"))
            #expect(try bench.number("counters.connects") == 1, "the first change had its link already")
            try bench.until("the new network is missed") {
                try bench.status()["reason_word"] as? String == "no-such-ap"
            }
            #expect(try bench.number("counters.connects") == 1)
        }

        @Test("what needs a restart is said by its key, until there was one", .timeLimit(.minutes(2)))
        func restart() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            try bench.edit("outbox.db\"", "other.db\"")
            try bench.edit("[socket]", "[socket]\nmode = \"0600\"")
            let said = "socket.mode, outbox.path will be in force after a restart of the daemon; the link stays"
            #expect(try reload(bench).contains(said))
            #expect(try reload(bench).contains(said))
            #expect(!FileManager.default.fileExists(atPath: bench.folder + "/other.db"))
        }
    }
}
