import Foundation
import Testing

extension EndToEnd {
    @Suite("MQTT packets by hand", .serialized)
    struct PacketCommands {
        private func packet(_ arguments: [String], input: String? = nil) throws -> (status: Int32, lines: [String]) {
            try ChildProgram.run(Programs.espbridged, ["packet"] + arguments, input: input)
        }

        @Test(
            "encode gives the bytes of the standard",
            arguments: [
                (["pingreq"], "C0 00"), (["disconnect"], "E0 00"),
                (["connect", "--client-id", "a"], "10 0D 00 04 4D 51 54 54 04 02 00 64 00 01 61"),
                (
                    ["subscribe", "--filter", "a/b", "--qos", "1", "--packet-id", "10"],
                    "82 08 00 0A 00 03 61 2F 62 01"
                ),
                (["publish", "--topic", "a/b", "--payload", "hi"], "30 07 00 03 61 2F 62 68 69"),
                (
                    [
                        "publish", "--topic", "a/b", "--payload-hex", "00ff", "--qos", "1", "--packet-id", "258",
                        "--dup",
                    ],
                    "3A 09 00 03 61 2F 62 01 02 00 FF"
                ),
            ])
        func encode(arguments: [String], expected: String) throws {
            let made = try packet(["encode"] + arguments)
            #expect(made.status == 0)
            #expect(made.lines == [expected])
            let explained = try packet(["decode"] + expected.split(separator: " ").map(String.init))
            #expect(explained.status == 0)
            #expect(explained.lines.first?.contains(arguments[0].uppercased()) == true)
        }

        @Test("an answer that cannot be written is 74, with the reason")
        func fullDisk() throws {
            let result = try ChildProgram.run(
                "/bin/sh", ["-c", "\(Programs.espbridged) packet encode pingreq 2>&1 >/dev/full"])
            #expect(result.status == 74)
            #expect(result.lines == ["espbridged: standard output: No space left on device"])
        }

        @Test("a PUBLISH of 146 bytes begins with 30 92 01, and comes back through decode --json")
        func roundTrip() throws {
            let payload = String(repeating: "x", count: 141)
            let made = try packet(["encode", "publish", "--topic", "a/b", "--payload-file", "-"], input: payload)
            #expect(made.status == 0)
            #expect(made.lines.first?.hasPrefix("30 92 01 00 03 61 2F 62 78 78") == true)
            let explained = try packet(["decode", "--json"], input: made.lines.joined())
            #expect(explained.status == 0)
            let packets = try #require(
                try JSONSerialization.jsonObject(with: Data(explained.lines.joined().utf8)) as? [[String: Any]])
            #expect(packets.count == 1)
            #expect(packets.first?["packet"] as? String == "PUBLISH")
            #expect(packets.first?["length"] as? Int == 149)
        }

        @Test("a password is neither taken as an argument nor shown")
        func secrets() throws {
            let made = try packet(
                ["encode", "connect", "--client-id", "a", "--username", "u", "--password-file", "-"],
                input: "canary\n")
            #expect(made.status == 0)
            let explained = try packet(["decode", made.lines.joined()])
            #expect(explained.status == 0)
            let shown = explained.lines.joined(separator: "\n")
            #expect(shown.contains("CONNECT"))
            #expect(!shown.contains("canary") && !shown.uppercased().contains("63 61 6E 61 72 79"))
            let json = try packet(["decode", "--json", made.lines.joined()])
            #expect(!json.lines.joined().contains("canary"))
            #expect(try packet(["encode", "connect", "--client-id", "a", "--password", "canary"]).status == 64)
        }

        @Test(
            "what is wrong or not complete is 1, what is no hexadecimal 65",
            arguments: [("F0 00", 1), ("30 92 01 00", 1), ("82 02 00 00", 1), ("C1 00", 1), ("C", 65), ("xyz", 65)])
        func errors(bytes: String, status: Int32) throws {
            let explained = try packet(["decode", bytes])
            #expect(explained.status == status)
            #expect(!explained.lines.isEmpty)
        }
    }
}
