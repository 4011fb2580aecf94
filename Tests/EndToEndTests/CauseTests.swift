import Foundation
import Testing

extension EndToEnd {
    /// A cause is injected, and `why` has to name it.
    @Suite("why names the cause", .serialized)
    struct Causes {
        /// What is wrong, and what `why` has to say.
        struct Cause: Sendable, CustomTestStringConvertible {
            var word: String
            var rung: String
            var sentence: String
            var inject: @Sendable (Workbench) throws -> Void
            var peer: @Sendable () -> Workbench.Peer = { .cloud }

            var testDescription: String { word }
        }

        static let causes: [Cause] = [
            Cause(word: "port-missing", rung: "no-port", sentence: "There is no serial port") {
                try $0.edit("\($0.folder)/tty", "\($0.folder)/later")
            },
            Cause(word: "port-held", rung: "opening", sentence: "is held by cat[") { bench in
                let holder = try ChildProgram("/bin/cat", [bench.folder + "/tty"])
                bench.keep(holder)
                try bench.until("the port is held") {
                    let files = "/proc/\(holder.processIdentifier)/fd"
                    let open = try FileManager.default.contentsOfDirectory(atPath: files)
                    return open.contains { name in
                        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\(name)"))?
                            .hasPrefix("/dev/pts/") == true
                    }
                }
            },
            Cause(word: "port-not-a-terminal", rung: "opening", sentence: "/dev/null is not a terminal") {
                try $0.edit("\($0.folder)/tty", "/dev/null")
            },
            Cause(word: "modem-silent", rung: "syncing", sentence: "The modem does not answer.") {
                try $0.disturb("mute on")
            },
            Cause(
                word: "wrong-password", rung: "joining", sentence: "does not take the password. Correct wifi.password."
            ) {
                try $0.edit("canary, ", "other, ")
            },
            Cause(word: "no-such-ap", rung: "joining", sentence: "There is no access point \"elsewhere\" in range.") {
                try $0.edit("ssid = \"workshop\"", "ssid = \"elsewhere\"")
            },
            Cause(word: "join-failed", rung: "joining", sentence: "Joining \"workshop\" failed") {
                try $0.disturb("ap refuse")
            },
            Cause(word: "no-address", rung: "addressing", sentence: "\"workshop\" was joined, but gave no address.") {
                try $0.disturb("dhcp off")
            },
            Cause(word: "dns", rung: "dialling", sentence: "The name nowhere.example could not be resolved.") {
                try $0.edit("max_rate", "endpoint = \"nowhere.example\"\nmax_rate")
            },
            Cause(
                word: "refused", rung: "dialling", sentence: "broker.test refuses connections to port 1883.",
                inject: { _ in }, peer: { .broker(port: Programs.freePort()) }),
            Cause(
                word: "unreachable", rung: "dialling", sentence: "192.0.2.9 does not answer on port 1883.",
                inject: { try $0.edit("broker.test", "192.0.2.9") }, peer: { .broker(port: Programs.freePort()) }),
            Cause(word: "connack-protocol-version", rung: "connecting", sentence: "protocol version not supported") {
                try $0.orderCloud("refuse 1")
            },
            Cause(
                word: "connack-identifier-rejected", rung: "connecting",
                sentence: "mqtt.keep_alive is between 30 and 1200"
            ) {
                try $0.orderCloud("refuse 2")
            },
            Cause(word: "connack-server-unavailable", rung: "connecting", sentence: "server unavailable") {
                try $0.orderCloud("refuse 3")
            },
            Cause(
                word: "connack-bad-credentials", rung: "connecting", sentence: "bad user name or password (CONNACK 4)"
            ) {
                try "another-secret-0123456789abcdef".write(
                    toFile: $0.folder + "/device-secret", atomically: false, encoding: .utf8)
            },
            Cause(word: "connack-not-authorized", rung: "connecting", sentence: "whether the device was disabled") {
                try $0.orderCloud("refuse 5")
            },
            Cause(word: "no-connack", rung: "connecting", sentence: "CONNECT was not answered.") {
                try $0.orderCloud("silent on")
            },
        ]

        @Test(
            "each cause by its word, its rung, its sentence and what to do", .timeLimit(.minutes(3)), arguments: causes)
        func named(cause: Cause) throws {
            let bench = try Workbench(cause.peer())
            try cause.inject(bench)
            try bench.start()
            try bench.until("\(cause.word) is known", seconds: 90) {
                try bench.status()["reason_word"] as? String == cause.word
            }
            let end = try ChildProgram.run(Programs.espbridged, ["why", "--socket", bench.socketPath])
            #expect(end.status == 1)
            let paragraph = end.lines.joined(separator: " ")
            #expect(end.lines.count == 1)
            #expect(paragraph.hasPrefix("Not online since 20"))
            #expect(paragraph.contains(": it fails at \(cause.rung) since 20"), "\(paragraph)")
            #expect(paragraph.contains(cause.sentence), "\(paragraph)")
            #expect(!paragraph.contains("canary"))
        }
    }
}
