import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("Hostile bytes, ports and refusals", .serialized)
    struct Faults {
        @Test("16 MiB of random bytes from a local program cost nobody a message", .timeLimit(.minutes(4)))
        func hostileProgram() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            let before = try Memory.resident(daemon.processIdentifier)
            var random = SplitMix(seed: 16)
            var sent = 0
            while sent < 16 << 20 {
                // A client that does not read its answers is disconnected: then the next one goes on.
                let client = try bench.connect()
                do {
                    while sent < 16 << 20 {
                        let chunk = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &random) }
                        try client.send(chunk)
                        sent += chunk.count
                    }
                } catch is SocketClient.Broken {}
            }
            let answer = try bench.connect().ask(#"{"params":{"after":1},"method":"thing.event.property.post"}"#)
            #expect(answer["status"] as? String == "queued")
            try bench.cloud?.waitForLine(#""after":1"#)
            let growth = try Memory.resident(daemon.processIdentifier) - before
            #expect(growth < 32 << 20, "resident memory grew by \(growth) bytes")
        }

        @Test("16 MiB of random bytes from the modem's side", .timeLimit(.minutes(6)))
        func hostileModem() throws {
            let bench = try Workbench(.cloud, baud: 0)
            let daemon = try bench.startOnline()
            let before = try Memory.resident(daemon.processIdentifier)
            // Online first, then on whatever rung the daemon stands: the noise goes on through several attempts, until
            // the daemon has read all of it (nobody reads a serial line between two attempts).
            try bench.until("16 MiB were read", seconds: 300) {
                for _ in 0..<8 { try bench.disturb("garbage 65536") }
                return try bench.number("counters.bytes_received") >= 16 << 20
            }
            let known = try #require(bench.cloud).output.count
            try bench.disturb("reset")
            let answer = try bench.connect().ask(#"{"params":{"after":2},"method":"thing.event.property.post"}"#)
            #expect(answer["status"] as? String == "queued")
            try bench.cloud?.waitForLine(#""after":2"#, from: known, seconds: 240)
            #expect(daemon.isRunning)
            let growth = try Memory.resident(daemon.processIdentifier) - before
            #expect(growth < 32 << 20, "resident memory grew by \(growth) bytes")
        }

        @Test("a port that is missing is said, waited for, and used when it comes", .timeLimit(.minutes(2)))
        func missingPort() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("\(bench.folder)/tty", "\(bench.folder)/later")
            let daemon = try bench.start()
            try daemon.waitForLine("\(bench.folder)/later")
            // It is looked at every second; that is no news, and no change of state: until a message expires, some looks
            // later, the link has nothing to tell.
            let client = try bench.connect()
            try client.send(#"{"bridge":"subscribe","link":true}"# + "\n")
            try client.send(
                #"{"bridge":"publish","message":{"method":"a.b"},"until":"delivered","expires":3}"# + "\n")
            var lines: [String] = []
            while let line = try client.line(seconds: 20), !line.contains("expired") { lines.append(line) }
            let events = lines.filter { $0.contains(#""event":"link""#) }
            #expect(events.count == 1, "how it stands, and nothing after that: \(lines)")
            #expect(events.first?.contains(#""state":"no-port""#) == true, "\(lines)")
            #expect(daemon.output.filter { $0.contains("link: opening") }.count == 1)
            let port = try FileManager.default.destinationOfSymbolicLink(atPath: bench.folder + "/tty")
            try FileManager.default.createSymbolicLink(atPath: bench.folder + "/later", withDestinationPath: port)
            try daemon.waitForLine(": online", seconds: 40)
        }

        @Test("a port that is no terminal is said", .timeLimit(.minutes(1)))
        func notATerminal() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("\(bench.folder)/tty", "/dev/null")
            try bench.start().waitForLine("not a terminal")
        }

        @Test("a port that another program holds is said with its name, and taken when free", .timeLimit(.minutes(2)))
        func heldPort() throws {
            let bench = try Workbench(.cloud)
            let holder = try ChildProgram(
                "/bin/sh", ["-c", "exec 3<>\(bench.folder)/tty; echo holding; exec sleep 300"])
            try holder.waitForLine("holding")
            let daemon = try bench.start()
            try daemon.waitForLine("sleep[\(holder.processIdentifier)]")
            holder.end()
            try daemon.waitForLine(": online", seconds: 40)
        }

        @Test("unplugged and plugged in again, and no descriptor stays behind", .timeLimit(.minutes(2)))
        func replugged() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            let descriptors = try Memory.descriptors(daemon.processIdentifier)
            for _ in 0..<3 {
                try bench.disturb("hangup")
                try bench.until("the daemon knows") { try bench.status()["state"] as? String == "no-port" }
                let known = daemon.output.count
                try bench.disturb("replug")
                try daemon.waitForLine(": online", from: known, seconds: 60)
            }
            try bench.until("descriptors are closed") {
                try Memory.descriptors(daemon.processIdentifier) == descriptors
            }
        }

        @Test("a second daemon does not take the socket from the first", .timeLimit(.minutes(1)))
        func secondDaemon() throws {
            let bench = try Workbench(.cloud)
            try bench.start()
            let second = try ChildProgram(Programs.espbridged, ["run", "--config", bench.configurationPath])
            #expect(try second.waitForExit() != 0)
            #expect(second.output.joined().contains(bench.socketPath))
            #expect(try bench.status()["state"] != nil)
        }

        @Test("a wrong password, an absent access point and a wrong secret are told apart", .timeLimit(.minutes(3)))
        func reasons() throws {
            let wrongPassword = try Workbench(.cloud)
            try wrongPassword.edit("canary, ", "other, ")
            try wrongPassword.start().waitForLine("wrong-password".isEmpty ? "" : "password", seconds: 60)
            #expect(try wrongPassword.status()["reason_word"] as? String == "wrong-password")

            let noAccessPoint = try Workbench(.cloud)
            try noAccessPoint.edit("ssid = \"workshop\"", "ssid = \"elsewhere\"")
            let daemon = try noAccessPoint.start()
            try daemon.waitForLine("elsewhere", seconds: 60)
            try noAccessPoint.until("it gave up") {
                try noAccessPoint.status()["reason_word"] as? String == "no-such-ap"
            }

            let wrongSecret = try Workbench(.cloud)
            try "another-secret-0123456789abcdef".write(
                toFile: wrongSecret.folder + "/device-secret", atomically: false, encoding: .utf8)
            try wrongSecret.start()
            try wrongSecret.until("the cloud refused") {
                try wrongSecret.status()["state"] as? String == "backoff"
            }
            #expect(try wrongSecret.number("counters.refusals") == 1)
        }

        @Test("SIGTERM: DISCONNECT, and the modem answers AT again", .timeLimit(.minutes(2)))
        func orderlyStop() throws {
            let bench = try Workbench(.cloud)
            let daemon = try bench.startOnline()
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            try bench.cloud?.waitForLine("disconnected device")
            let reply = try ChildProgram.run(
                "/bin/sh", ["-c", "printf 'AT\\r\\n' | socat -t 2 - $0,rawer", bench.folder + "/tty"])
            #expect(reply.lines.contains { $0.contains("OK") })
        }

        @Test("no secret in any line, at debug level", .timeLimit(.minutes(2)))
        func secrets() throws {
            let bench = try Workbench(.cloud, more: "[log]\nlevel = \"trace\"")
            let daemon = try bench.startOnline()
            let status = try #require(try bench.connect().ask(#"{"bridge":"status"}"#) as [String: Any]?)
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            let said = daemon.output.joined(separator: "\n") + "\(status)"
            #expect(said.contains("AT+CWJAP"), "the dialogue is missing, so nothing was tested")
            #expect(said.contains("CONNECT"))
            for canary in [Workbench.secret, "canary, \"wifi", "canary\\, \\\"wifi"] {
                #expect(!said.contains(canary))
            }
        }
    }
}
