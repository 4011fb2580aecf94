import Foundation
import Testing

extension EndToEnd {
    @Suite("why, and status --watch", .serialized)
    struct Why {
        private func why(_ bench: Workbench) throws -> (status: Int32, lines: [String]) {
            try ChildProgram.run(Programs.espbridged, ["why", "--socket", bench.socketPath])
        }

        @Test("no daemon: exit 69 and how to start it", .timeLimit(.minutes(1)))
        func noDaemon() throws {
            let end = try ChildProgram.run(Programs.espbridged, ["why", "--socket", "/nowhere/espbridged.sock"])
            #expect(end.status == 69)
            #expect(end.lines.joined().contains("systemctl start espbridged"))
        }

        @Test("online: exit 0; after that the same paragraph in status, with exit 1", .timeLimit(.minutes(3)))
        func paragraph() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let online = try why(bench)
            #expect(online.status == 0)
            #expect(online.lines.count == 1)
            #expect(online.lines.first?.hasPrefix("Online since ") == true)
            try bench.disturb("hangup")
            try bench.until("the daemon knows") { try bench.status()["state"] as? String == "no-port" }
            let end = try why(bench)
            #expect(end.status == 1)
            #expect(end.lines == [try #require(try bench.status()["why"] as? String)])
            let reason = try #require(try bench.status()["reason"] as? String)
            #expect(end.lines.joined().contains(reason))
        }

        @Test(
            "--watch without a terminal: a block for each change, through a restart of the daemon, and 0 at Ctrl-C",
            .timeLimit(.minutes(3)))
        func watch() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let watch = try ChildProgram(
                Programs.espbridged, ["status", "--watch", "--socket", bench.socketPath], name: "watch")
            defer { watch.end() }
            try watch.waitForLine("online since")
            try bench.killDaemon()
            try watch.waitForLine("The daemon is waited for.")
            let known = watch.output.count
            try bench.startOnline()
            try watch.waitForLine("online since", from: known)
            watch.signal(SIGINT)
            #expect(try watch.waitForExit() == 0)
            #expect(!watch.output.joined().contains("\u{1B}"))
        }

        @Test(
            "--watch on a terminal: drawn in its place, the rest of the screen untouched, 0 at Ctrl-C",
            .enabled(if: Programs.find("script") != nil, "needs script (apt install bsdutils)"), .timeLimit(.minutes(2))
        )
        func watchOnTerminal() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            // script(1) gives the program a terminal; the ^C goes through that terminal as a person's would.
            let script = try ChildProgram(
                "/bin/sh",
                [
                    "-c",
                    """
                    mkfifo "$1/keys"; exec 3<>"$1/keys"
                    script -qec '"$0" status --watch --socket "$1"; echo ended $?' /dev/null <&3 \
                    | tr '\\r\\033' '!@' &
                    exec sleep 60
                    """.replacingOccurrences(of: #""$0""#, with: "\"\(Programs.espbridged)\"")
                        .replacingOccurrences(of: #"--socket "$1""#, with: "--socket \"\(bench.socketPath)\""), "sh",
                    bench.folder,
                ], name: "script")
            defer { script.end() }
            try script.waitForLine("@[K", seconds: 20)
            try script.waitFor("a second drawing", seconds: 20) { lines in
                lines.first { $0.firstMatch(of: /@\[\d+A/) != nil }
            }
            let keys = try FileHandle(forWritingTo: URL(fileURLWithPath: bench.folder + "/keys"))
            try keys.write(contentsOf: Data([3]))
            try script.waitForLine("ended 0", seconds: 10)
            let drawn = script.output.joined()
            #expect(!drawn.contains("@[2J"))
            #expect(!drawn.contains("@[H"))
        }
    }
}
