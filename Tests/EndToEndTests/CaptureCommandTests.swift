import BridgeCore
import Foundation
import Testing

extension EndToEnd {
    @Suite("capture", .serialized)
    struct Capturing {
        /// A bench whose daemon waits for its port, so that a recording can have all of the bring-up.
        private func waitingBench(tls: TLSServer? = nil) throws -> (bench: Workbench, daemon: ChildProgram) {
            let bench = try Workbench(.cloud, tls: tls)
            try bench.edit("\(bench.folder)/tty", "\(bench.folder)/later")
            return (bench, try bench.start())
        }

        private func plugIn(_ bench: Workbench) throws {
            let port = try FileManager.default.destinationOfSymbolicLink(atPath: bench.folder + "/tty")
            try FileManager.default.createSymbolicLink(atPath: bench.folder + "/later", withDestinationPath: port)
        }

        private func capture(_ bench: Workbench, _ arguments: String...) throws -> ChildProgram {
            let program = try ChildProgram(
                Programs.espbridged, ["capture", "--socket", bench.socketPath] + arguments, name: "capture")
            try program.waitForLine("recording")
            return program
        }

        private func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

        @Test("a recording is a transcript without secrets, and plays the modem again", .timeLimit(.minutes(3)))
        func playedAgain() throws {
            let (bench, daemon) = try waitingBench()
            let file = bench.folder + "/line.at"
            let program = try capture(bench, file)
            defer { program.end() }
            try plugIn(bench)
            try daemon.waitForLine(": online", seconds: 40)
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            #expect(try program.waitForExit() == 69, "the daemon has ended, and with it the recording")
            let text = try contents(file)
            let transcript = try Transcript(parsing: text)
            #expect(transcript.entries.contains(.order("begin reset")))
            #expect(transcript.entries.contains(.outcome("climbed online")))
            #expect(transcript.entries.last == .outcome("left"))
            #expect(text.contains(#"> AT+CWJAP_CUR="workshop","***"\r\n"#))
            #expect(!text.contains("canary"))
            #expect(!text.contains("wifi\\\\"))
            let permissions = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(permissions == 0o600)

            let player = try ChildProgram(
                Programs.espsim, ["play", file, "--link", bench.folder + "/again", "--fast"], name: "play")
            defer { player.end() }
            try player.waitForLine(" on /dev/")
            try bench.edit("\(bench.folder)/later", "\(bench.folder)/again")
            let again = try bench.start()
            try again.waitForLine(": online", seconds: 40)
            again.signal(SIGTERM)
            #expect(try player.waitForExit() == 0)
        }

        @Test(
            "--pcapng: MQTT without fault to tshark, the password overwritten",
            .enabled(if: Programs.find("tshark") != nil, "needs tshark (apt install tshark)"), .timeLimit(.minutes(3)),
            arguments: [false, true])
        func wireshark(secured: Bool) throws {
            let (bench, daemon) = try waitingBench(tls: secured ? try TLSServer() : nil)
            let file = bench.folder + "/mqtt.pcapng"
            let program = try capture(bench, "--pcapng", file)
            defer { program.end() }
            try plugIn(bench)
            try daemon.waitForLine(": online", seconds: 40)
            let client = try bench.connect()
            _ = try client.ask(#"{"id":"77","params":{"seen":1},"version":"1","method":"thing.event.property.post"}"#)
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }
            daemon.signal(SIGTERM)
            #expect(try program.waitForExit() == 69, "the daemon has ended, and with it the recording")
            let tshark = try #require(Programs.find("tshark"))
            func read(_ arguments: String...) throws -> [String] {
                try ChildProgram.run(
                    "/bin/sh",
                    [
                        "-c", "exec \"$@\" 2>/dev/null", "sh", tshark, "-n", "-r", file, "-o",
                        "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                    ] + arguments
                ).lines
            }
            let faults = try read(
                "-Y",
                "_ws.malformed || tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0")
            #expect(faults.isEmpty)
            let types = try read("-Y", "mqtt", "-T", "fields", "-e", "mqtt.msgtype", "-E", "occurrence=a")
                .flatMap { $0.split(separator: ",") }
            for type in ["1", "2", "8", "9", "3", "4", "14"] {
                #expect(types.contains(Substring(type)), "type \(type)")
            }
            #expect(try read("-Y", "mqtt.msgtype == 3", "-V").contains { $0.contains("thing/event/property/post") })
            let password = try read("-Y", "mqtt.msgtype == 1", "-T", "fields", "-e", "mqtt.passwd").joined()
            #expect(!password.isEmpty)
            #expect(password.allSatisfy { $0 == "*" })
            // A handshake and an end for each connection.
            #expect(try read("-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0").count == 1)
            #expect(try read("-Y", "tcp.flags.fin == 1").count == 2)
        }

        @Test(
            "another user may publish, but not record",
            .enabled(
                if: getuid() == 0 && Programs.find("setpriv") != nil, "needs root and setpriv (apt install util-linux)"),
            .timeLimit(.minutes(1)))
        func notPermitted() throws {
            let bench = try Workbench(.cloud)
            try bench.edit("[socket]", "[socket]\nmode = \"0666\"")
            try bench.start()
            let setpriv = try #require(Programs.find("setpriv"))
            let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
            func ask(_ request: String) throws -> String {
                try ChildProgram.run(
                    setpriv, nobody + ["/usr/bin/socat", "-t", "5", "-", "UNIX-CONNECT:\(bench.socketPath)"],
                    input: request + "\n"
                ).lines.joined()
            }
            #expect(try ask(#"{"params":{"a":1},"method":"thing.event.property.post"}"#).contains("queued"))
            #expect(
                try ask(#"{"bridge":"capture"}"#).contains("only root and the daemon's own user may record the line"))
        }

        @Test("--seconds ends it; a usage mistake and a missing daemon are said", .timeLimit(.minutes(2)))
        func ends() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let program = try capture(bench, "-", "--seconds", "1")
            #expect(try program.waitForExit() == 0)
            #expect(program.output.contains { $0.hasPrefix("# espbridged ") && $0.contains("the link was online") })
            #expect(try ChildProgram.run(Programs.espbridged, ["capture"]).status == 64)
            #expect(
                try ChildProgram.run(Programs.espbridged, ["capture", "-", "--socket", "/nowhere/socket"]).status == 69)
        }
    }
}
