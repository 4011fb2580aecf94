import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// TLS ends in the daemon; the modem's line stays as it is.
    @Suite("TLS", .serialized)
    struct TLS {
        @Test(
            "online, delivered and ended in order, in both modes", .timeLimit(.minutes(2)),
            arguments: ["transparent", "packet"])
        func online(mode: String) throws {
            let bench = try Workbench(.cloud, tls: TLSServer(), more: "[modem]\nmode = \"\(mode)\"")
            let daemon = try bench.startOnline()
            let session = try #require(try bench.status()["session"] as? [String: Any])
            #expect(session["security"] as? String == "tls")
            #expect((session["tls_version"] as? String)?.hasPrefix("TLS 1.") == true)
            #expect((session["tls_cipher"] as? String)?.hasPrefix("TLS_") == true)
            #expect((session["certificate_expires"] as? String)?.hasPrefix("20") == true)
            #expect((session["client_id"] as? String)?.contains("securemode=2") == true)
            let document = #"{"params":{"temp":21.5},"method":"thing.event.property.post"}"#
            try document.write(toFile: bench.folder + "/m", atomically: true, encoding: .utf8)
            let end = try ChildProgram.run(
                Programs.espbridged,
                ["publish", "--socket", bench.socketPath, "--until", "confirmed", bench.folder + "/m"])
            #expect(end.status == 0)
            #expect(end.lines.last?.contains("\"status\":\"confirmed\"") == true)
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            try bench.cloud?.waitForLine("disconnected device")
        }

        @Test(
            "mosquitto: 200 messages, byte for byte and in order, in both modes, with TLS 1.3 and as the platform has it",
            .timeLimit(.minutes(4)),
            arguments: zip(["transparent", "packet"], ["TLS 1.2", "TLS 1.3"]))
        func mosquitto(mode: String, version: String) throws {
            let server = try TLSServer(kind: version == "TLS 1.2" ? .rsa : .ecdsa)
            let folder = try server.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let plain = Programs.freePort()
            let broker = try Broker(
                more: TLSServer.settings(folder) + "\nlistener \(plain) 127.0.0.1",
                environment: version == "TLS 1.2" ? ["OPENSSL_CONF": folder + "/openssl.conf"] : [:])
            let subscriber = try Broker.subscriber(port: plain)
            defer { subscriber.end() }
            let bench = try Workbench(
                .broker(port: broker.port), baud: 0, tls: server, more: "[modem]\nmode = \"\(mode)\"")
            try bench.edit("[wifi]", "baud = 921600\n\n[wifi]")
            let daemon = try bench.startOnline()
            #expect((try bench.status()["session"] as? [String: Any])?["tls_version"] as? String == version)
            let consignment = try Consignment(seed: 201)
            try consignment.send(try bench.connect())
            let count = consignment.messages.count
            let lines = try subscriber.waitFor("\(count) messages", seconds: 90) { lines in
                lines.count { $0.hasPrefix("/") } >= count ? lines : nil
            }
            #expect(consignment.difference(from: lines) == nil)
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }
            #expect(try bench.number("counters.connects") == 1)
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
        }

        @Test("QoS 0 is not delivered before the line has taken it", .timeLimit(.minutes(2)))
        func notDeliveredEarly() throws {
            let bench = try Workbench(
                .cloud, tls: TLSServer(), more: "[modem]\nmode = \"packet\"\nheartbeat = 5")
            try bench.startOnline()
            try bench.disturb("network down")
            let client = try bench.connect()
            let message =
                #"{"bridge":"publish","topic":"/a1B2c3D4e5F/gateway-1/user/update","text":"\#(String(repeating: "x", count: 300))","qos":0}"#
            for _ in 0..<60 { try client.send(message + "\n") }
            try bench.until("the link is given up") { try bench.status()["state"] as? String != "online" }
            #expect(try bench.number("outbox.received") == 60)
            #expect(try bench.number("outbox.delivered") < 10)
        }

        /// What is wrong, and what `why` has to say.
        struct Cause: Sendable, CustomTestStringConvertible {
            var word: String
            var sentence: String
            var server: @Sendable () throws -> TLSServer? = { try TLSServer() }
            var inject: @Sendable (Workbench) throws -> Void = { _ in }
            var mode = "transparent"

            var testDescription: String { "\(word), \(mode)" }
        }

        static let causes: [Cause] = [
            Cause(
                word: "certificate-untrusted",
                sentence: "is from an authority that is not trusted here: CN=espbridged test authority.",
                inject: {
                    try TestAuthority(name: "another").root.pem().certificate.write(
                        toFile: $0.folder + "/ca.pem", atomically: true, encoding: .utf8)
                }),
            Cause(
                word: "certificate-wrong-name",
                sentence: "is not for \(Workbench.cloudHost): it is for other.test, 127.0.0.1.",
                server: { try TLSServer(names: ["other.test"]) }),
            Cause(
                word: "certificate-expired", sentence: "The server's certificate expired at 20",
                server: { try TLSServer(ends: -60) }),
            Cause(
                word: "certificate-not-yet-valid", sentence: "Wait until then, or set this machine's clock",
                server: { try TLSServer(begins: 7200) }),
            Cause(
                word: "clock-wrong", sentence: "This machine's clock is wrong: it says 20",
                server: { try TLSServer(begins: 3 * 86_400) }),
            Cause(
                word: "tls-closed", sentence: "hangs up like this; then set mqtt.security = \"tcp\".", server: { nil },
                inject: secure),
            Cause(
                word: "tls-closed", sentence: "hangs up like this; then set mqtt.security = \"tcp\".", server: { nil },
                inject: secure, mode: "packet"),
        ]

        /// The daemon wants TLS, and its server has none.
        @Sendable private static func secure(_ bench: Workbench) throws {
            try TLSServer().write(to: bench.folder)
            try bench.edit("[socket]", "[mqtt]\nsecurity = \"tls\"\nca_file = \"ca.pem\"\n\n[socket]")
        }

        @Test("each cause by its word, its sentence and what to do", .timeLimit(.minutes(2)), arguments: causes)
        func named(cause: Cause) throws {
            let bench = try Workbench(
                .cloud, tls: try cause.server(), more: "[modem]\nmode = \"\(cause.mode)\"")
            try cause.inject(bench)
            try bench.start()
            try bench.until("\(cause.word) is known") { try bench.status()["reason_word"] as? String == cause.word }
            let end = try ChildProgram.run(Programs.espbridged, ["why", "--socket", bench.socketPath])
            let paragraph = end.lines.joined(separator: " ")
            #expect(paragraph.contains(": it fails at securing since 20"), "\(paragraph)")
            #expect(paragraph.contains(cause.sentence), "\(paragraph)")
            #expect(try bench.number("counters.connects") == 0)
        }

        @Test("a server that speaks something else", .timeLimit(.minutes(2)))
        func otherProtocol() throws {
            let port = Programs.freePort()
            let socat = try #require(Programs.find("socat"))
            let server = try ChildProgram(
                socat,
                [
                    "TCP-LISTEN:\(port),bind=127.0.0.1,reuseaddr,fork",
                    "SYSTEM:head -c 1 >/dev/null; echo HTTP/1.1 400 Bad Request; cat >/dev/null",
                ])
            let bench = try Workbench(.broker(port: port), tls: TLSServer())
            bench.keep(server)
            try bench.start()
            try bench.until("it is known") { try bench.status()["reason_word"] as? String == "tls-not-spoken" }
            #expect(
                (try bench.status()["reason"] as? String)?.contains("broker.test does not speak TLS on port 1883.")
                    == true)
        }

        @Test("once clock and certificate agree the link comes up by itself", .timeLimit(.minutes(3)))
        func heals() throws {
            let bench = try Workbench(.cloud, tls: try TLSServer(begins: 20))
            let daemon = try bench.start()
            try bench.until("it is known") {
                try bench.status()["reason_word"] as? String == "certificate-not-yet-valid"
            }
            // The next attempt comes after 30 to 90 s.
            try daemon.waitForLine(": online", seconds: 120)
        }

        @Test("a server of long ago, which has nothing above TLS 1.1", .timeLimit(.minutes(2)))
        func oldServer() throws {
            let server = try TLSServer()
            let folder = try server.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let port = Programs.freePort()
            let openssl = try #require(Programs.find("openssl"))
            let old = try ChildProgram(
                openssl,
                [
                    "s_server", "-accept", "127.0.0.1:\(port)", "-cert", folder + "/server.pem", "-key",
                    folder + "/server-key.pem", "-www", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
                ])
            try old.waitForLine("ACCEPT")
            let bench = try Workbench(.broker(port: port), tls: server)
            bench.keep(old)
            try bench.start()
            try bench.until("it is known") { try bench.status()["reason_word"] as? String == "tls-refused" }
            #expect(
                (try bench.status()["reason"] as? String)
                    == "No TLS session could be agreed on: tlsv1 alert protocol version.")
        }

        @Test(
            "connections cut and bytes lost: all that was queued arrives", .timeLimit(.minutes(4)),
            arguments: ["transparent", "packet"])
        func cut(mode: String) throws {
            let bench = try Workbench(.cloud, unlimited: true, tls: TLSServer(), more: "[modem]\nmode = \"\(mode)\"")
            let daemon = try bench.startOnline()
            let client = try bench.connect()
            let text = String(repeating: "x", count: 400)
            for number in 0..<60 {
                let answer = try client.ask(
                    #"{"params":{"n":\#(number),"t":"\#(text)"},"method":"thing.event.property.post"}"#)
                #expect(answer["status"] as? String == "queued")
            }
            try bench.cloud?.waitForLine(#""n":5,"#)
            var known = daemon.output.count
            try bench.disturb("drop")
            try daemon.waitForLine("link lost", from: known)
            try daemon.waitForLine(": online again", from: known, seconds: 90)
            known = daemon.output.count
            try bench.orderCloud("kick")
            try daemon.waitForLine("link lost", from: known)
            try bench.until("the outbox is empty", seconds: 120) { try bench.number("outbox.waiting") == 0 }
            let said = bench.cloud?.output.joined(separator: "\n") ?? ""
            for number in 0..<60 { #expect(said.contains("\"n\":\(number),"), "\(number) is missing") }
        }

        /// What is done to the link, and what the daemon takes it for.
        struct Mishap: Sendable, CustomTestStringConvertible {
            var order: String
            var sentence: String
            var testDescription: String { order }
        }

        @Test(
            "what happens to the link under a session, by its own words", .timeLimit(.minutes(2)),
            arguments: [
                Mishap(order: "drop", sentence: "The TCP connection was lost; the modem made another one"),
                // The server's alert, or the connection that the module makes anew, whichever is seen first.
                Mishap(order: "lose-sent 16", sentence: "link lost."),
                Mishap(order: "lose-received 1", sentence: "What came is not what TLS expects"),
                Mishap(order: "garbage 200", sentence: "What came is not what TLS expects"),
                Mishap(order: "reset", sentence: "The modem restarted while messages were flowing."),
            ])
        func mishap(mishap: Mishap) throws {
            let bench = try Workbench(.cloud, tls: TLSServer())
            let daemon = try bench.startOnline()
            let known = daemon.output.count
            try bench.disturb(mishap.order)
            let client = try bench.connect()
            for number in 0..<5 {
                let answer = try client.ask(#"{"params":{"n":\#(number),"x":0},"method":"thing.event.property.post"}"#)
                #expect(answer["status"] as? String == "queued")
            }
            let line = try daemon.waitForLine("link lost", from: known)
            #expect(line.contains(mishap.sentence), "\(line)")
            try daemon.waitForLine(": online again", from: known, seconds: 60)
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }
            for number in 0..<5 { try bench.cloud?.waitForLine("\"n\":\(number),") }
        }

        @Test(
            "plain TCP to a server that takes TLS only: said so", .timeLimit(.minutes(2)),
            arguments: ["transparent", "packet"])
        func tlsExpected(mode: String) throws {
            let bench = try Workbench(.cloud, tls: TLSServer(), more: "[modem]\nmode = \"\(mode)\"")
            try bench.edit("security = \"tls\"\nca_file = \"ca.pem\"", "")
            try bench.start()
            try bench.until("the cause is known", seconds: 60) {
                try bench.status()["reason_word"] as? String == "tls-expected"
            }
            let end = try ChildProgram.run(Programs.espbridged, ["why", "--socket", bench.socketPath])
            #expect(end.lines.joined().contains("Set mqtt.security = \"tls\""), "\(end.lines)")
        }

        @Test("a reload changes from TCP to TLS", .timeLimit(.minutes(2)))
        func reload() throws {
            let server = try TLSServer()
            let folder = try server.folder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let plain = try Broker()
            let secure = try Broker(more: TLSServer.settings(folder))
            let bench = try Workbench(.broker(port: plain.port))
            let daemon = try bench.startOnline()
            try server.write(to: bench.folder)
            // The simulated network has the one name; an address of the loopback interface needs none.
            try bench.edit("broker.test", "127.0.0.1")
            try bench.edit(
                "[socket]",
                "[mqtt]\nport = \(secure.port)\nsecurity = \"tls\"\nca_file = \"ca.pem\"\n\n[socket]")
            let known = daemon.output.count
            daemon.signal(SIGHUP)
            try daemon.waitForLine(
                "the link is brought up anew for broker.host, mqtt.port, mqtt.security, mqtt.ca_file", from: known)
            try daemon.waitForLine(": online", from: known)
            try secure.waitForLog("as gateway-1 (p2")
            #expect(try bench.number("counters.resets") == 1)
        }
    }
}
