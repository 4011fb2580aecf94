import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("doctor", .serialized)
    struct Doctoring {
        private typealias End = (status: Int32, lines: [String])

        private func doctor(_ bench: Workbench) throws -> End {
            let end = try ChildProgram.run(
                Programs.espbridged, ["doctor", "--config", bench.configurationPath], seconds: 120)
            #expect(!end.lines.joined().contains("canary"))
            return end
        }

        private func has(_ end: End, _ result: String, _ rung: String, _ words: String = "") -> Bool {
            end.lines.contains {
                $0.hasPrefix(result) && $0.contains(" \(rung) ") && (words.isEmpty || $0.contains(words))
            }
        }

        /// Whether the modem takes commands, asked by a program that is none of ours.
        private func answersAT(_ bench: Workbench) throws -> Bool {
            let reply = try ChildProgram.run(
                "/bin/sh", ["-c", "printf 'AT\\r\\n' | socat -t 2 - $0,rawer", bench.folder + "/tty"])
            return reply.lines.contains { $0.contains("OK") }
        }

        @Test(
            "a healthy line: each rung with its facts, exit 0, the modem in command mode", .timeLimit(.minutes(2)),
            arguments: zip(["nonos-1.7", "nonos-1.3", "esp-at-2"], ["transparent", "packet", "transparent"]))
        func healthy(firmware: String, mode: String) throws {
            let bench = try Workbench(.cloud, firmware: firmware, more: "[modem]\nmode = \"\(mode)\"")
            let end = try doctor(bench)
            #expect(end.status == 0, "\(end.lines)")
            for rung in ["clock", "port", "baud", "AT", "firmware", "access point", "join", "address", "DNS", "TCP"] {
                #expect(has(end, "ok", rung), "\(rung): \(end.lines)")
            }
            for rung in ["CONNACK", "SUBACK", "round trip"] { #expect(has(end, "ok", rung, " ms"), "\(end.lines)") }
            #expect(has(end, "skip", "TLS", "plain TCP is configured"))
            #expect(end.lines.last == "All rungs are good.")
            try bench.cloud?.waitForLine("disconnected device")
            #expect(try answersAT(bench))
        }

        @Test("with TLS: version, cipher, certificate; and what is wrong with it", .timeLimit(.minutes(2)))
        func secured() throws {
            let bench = try Workbench(.cloud, tls: TLSServer())
            let end = try doctor(bench)
            #expect(end.status == 0, "\(end.lines)")
            #expect(has(end, "ok", "TCP", " ms"))
            #expect(has(end, "ok", "TLS", ", certificate of CN=test server until 20"), "\(end.lines)")
            #expect(has(end, "ok", "TLS", " days) after "), "\(end.lines)")
            #expect(has(end, "ok", "TLS", "TLS 1.3, TLS_"), "\(end.lines)")
            try TLSServer().write(to: bench.folder)
            let again = try doctor(bench)
            #expect(again.status == 1)
            #expect(has(again, "FAIL", "TLS", "not trusted here: CN=espbridged test authority."), "\(again.lines)")
            #expect(again.lines.joined().contains("try: If this is the server you mean"))
            #expect(try answersAT(bench))
        }

        @Test("a running daemon is not disturbed: exit 69, with its name", .timeLimit(.minutes(2)))
        func occupied() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            let end = try doctor(bench)
            #expect(end.status == 69)
            #expect(end.lines.joined().contains("espbridged[\(daemon.processIdentifier)]"))
            #expect(end.lines.joined().contains("systemctl stop"))
            #expect(try bench.status()["state"] as? String == "online")
            #expect(try bench.number("counters.connects") == 1)
        }

        @Test("a module in data mode, as a killed daemon leaves it", .timeLimit(.minutes(2)))
        func dataMode() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            try bench.killDaemon()
            let end = try doctor(bench)
            #expect(has(end, "ok", "AT", "only after +++"), "\(end.lines)")
            #expect(end.status == 0, "\(end.lines)")
            #expect(try answersAT(bench))
        }

        @Test("a module at another speed is found there", .timeLimit(.minutes(2)))
        func otherSpeed() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("speed 57600")
            let end = try doctor(bench)
            #expect(end.status == 1)
            #expect(has(end, "FAIL", "baud", "57600"), "\(end.lines)")
            #expect(end.lines.contains { $0.contains("try: Set serial.baud to 57600") })
        }

        @Test("TX tied to RX", .timeLimit(.minutes(2)))
        func ownEcho() throws {
            let bench = try Workbench(.cloud)
            let loop = bench.folder + "/loop"
            let wire = try ChildProgram("/usr/bin/socat", ["PTY,link=\(loop),rawer", "PIPE"], name: "socat")
            defer { wire.end() }
            try bench.until("the loop is there") { FileManager.default.fileExists(atPath: loop) }
            try bench.edit("\(bench.folder)/tty", loop)
            let end = try doctor(bench)
            #expect(end.status == 1)
            #expect(has(end, "FAIL", "AT", "TX is tied to RX"), "\(end.lines)")
        }

        @Test(
            "TX tied to RX, on a UART", .timeLimit(.minutes(2)),
            .enabled(if: LoopedUART.path != nil, "ESPBRIDGED_UART names no UART that may be used (see CONTRIBUTING.md)")
        )
        func ownEchoOfUART() throws {
            let bench = try Workbench(.cloud)
            let uart = try LoopedUART()
            uart.letGo()
            try bench.edit("\(bench.folder)/tty", uart.path)
            let end = try doctor(bench)
            #expect(end.status == 1)
            #expect(has(end, "FAIL", "AT", "TX is tied to RX"), "\(end.lines)")
            // The daemon goes on trying, and shows what the UART counts.
            try bench.start()
            let modem = try bench.status()["modem"] as? [String: Any]
            let errors = try #require(modem?["uart_errors"] as? [String: Any])
            #expect(errors["frame"] as? Int != nil)
        }

        @Test("nothing on the line", .timeLimit(.minutes(3)))
        func nothing() throws {
            let bench = try Workbench(.cloud)
            try bench.disturb("mute on")
            let end = try doctor(bench)
            #expect(end.status == 1)
            #expect(has(end, "FAIL", "AT", "Nothing is heard"), "\(end.lines)")
            #expect(end.lines.contains { $0.contains("try: Swap TX and RX") })
        }

        @Test("access point, password, name and port of the peer", .timeLimit(.minutes(4)))
        func network() throws {
            let outOfRange = try Workbench(.cloud)
            try outOfRange.edit("ssid = \"workshop\"", "ssid = \"elsewhere\"")
            let first = try doctor(outOfRange)
            #expect(first.status == 1)
            #expect(has(first, "skip", "access point", "\"workshop\""), "what is in range is listed: \(first.lines)")
            #expect(has(first, "FAIL", "join", "There is no access point \"elsewhere\" in range."))

            // One scan without it proves nothing.
            let missed = try Workbench(.cloud)
            try missed.disturb("lose-text +CWLAP")
            #expect(try doctor(missed).status == 0)

            let wrongPassword = try Workbench(.cloud)
            try wrongPassword.edit("canary, ", "other, ")
            #expect(has(try doctor(wrongPassword), "FAIL", "join", "does not take the password"))

            let unknown = try Workbench(.cloud)
            try unknown.edit("max_rate", "endpoint = \"nowhere.example\"\nmax_rate")
            #expect(has(try doctor(unknown), "FAIL", "DNS", "nowhere.example"))

            let refused = try Workbench(.broker(port: Programs.freePort()))
            let end = try doctor(refused)
            #expect(has(end, "FAIL", "TCP", "refuses connections"), "\(end.lines)")
            #expect(end.status == 1)
            #expect(try answersAT(refused))

            // Without the network nothing answers a question for a name either.
            try refused.disturb("network down")
            #expect(has(try doctor(refused), "FAIL", "DNS", "broker.test"))
        }

        @Test(
            "refused signature, disabled device, keep-alive, silence: told apart, and left in command mode",
            .timeLimit(.minutes(4)))
        func cloud() throws {
            let bench = try Workbench(.cloud)
            for (code, words) in [(2, "identifier rejected"), (4, "bad user name or password"), (5, "not authorized")] {
                try bench.orderCloud("refuse \(code)")
                let end = try doctor(bench)
                #expect(end.status == 1)
                #expect(has(end, "FAIL", "CONNACK", words), "\(end.lines)")
                #expect(end.lines.contains { $0.contains("try: ") })
                #expect(try answersAT(bench), "after CONNACK \(code)")
            }
            try bench.orderCloud("accept")
            try bench.orderCloud("silent on")
            #expect(has(try doctor(bench), "FAIL", "CONNACK", "CONNECT was not answered"))
            #expect(try answersAT(bench))
        }

        @Test("no port, and a file with mistakes", .timeLimit(.minutes(1)))
        func noPort() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("\(bench.folder)/tty", "/nowhere/tty")
            let end = try doctor(bench)
            #expect(end.status == 1)
            #expect(has(end, "FAIL", "port", "/nowhere/tty"))
            try bench.edit("[wifi]", "[wifi]\nnonsense = 1")
            #expect(try doctor(bench).status == 78)
        }
    }
}
