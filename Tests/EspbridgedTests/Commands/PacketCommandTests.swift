import Testing

/// `espbridged packet`, as a shell sees it.
@Suite("Packets by hand")
struct PacketCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "encode",
        arguments: [
            ("pingreq", "C0 00"), ("disconnect", "E0 00"),
            ("connect --client-id a", "10 0D 00 04 4D 51 54 54 04 02 00 64 00 01 61"),
            (
                "connect --client-id a --keep-alive 60 --no-clean-session --username u",
                "10 10 00 04 4D 51 54 54 04 80 00 3C 00 01 61 00 01 75"
            ),
            (
                "connect --client-id a --will-topic t --will-message m --will-qos 1 --will-retain",
                "10 13 00 04 4D 51 54 54 04 2E 00 64 00 01 61 00 01 74 00 01 6D"
            ),
            ("subscribe --filter a/b", "82 08 00 01 00 03 61 2F 62 01"),
            ("subscribe --topic a --filter b --qos 0 --packet-id 258", "82 0A 01 02 00 01 61 00 00 01 62 00"),
            ("publish --topic a --payload hi", "30 05 00 01 61 68 69"),
            ("publish --topic a --payload hi --qos 1 --packet-id 10 --dup", "3A 07 00 01 61 00 0A 68 69"),
            ("publish --topic a --qos 2 --retain", "35 05 00 01 61 00 01"),
            ("publish --topic a --payload-hex 00ff", "30 05 00 01 61 00 FF"),
        ])
    func encode(arguments: String, expected: String) throws {
        let outcome = try Program.run(["packet", "encode"] + arguments.split(separator: " ").map(String.init))
        #expect(outcome.complaint == "")
        #expect(outcome.output == expected + "\n")
        #expect(outcome.status == 0)
    }

    @Test("encode takes passwords and payloads from files or standard input")
    func encodeFiles() throws {
        let password = try Program.run(
            ["packet", "encode", "connect", "--client-id", "a", "--username", "u", "--password-file", "-"],
            input: "pw\n")
        #expect(password.output == "10 14 00 04 4D 51 54 54 04 C2 00 64 00 01 61 00 01 75 00 02 70 77\n")
        let file = try folder.write("payload", [0x00, 0xFF, 0x0A])
        let payload = try Program.run(["packet", "encode", "publish", "--topic", "a", "--payload-file", file])
        #expect(payload.output == "30 06 00 01 61 00 FF 0A\n")
    }

    @Test("a PUBLISH of 146 bytes has two bytes of remaining length")
    func twoLengthBytes() throws {
        let outcome = try Program.run(
            ["packet", "encode", "publish", "--topic", "a", "--payload", String(repeating: "x", count: 143)])
        #expect(outcome.output.hasPrefix("30 92 01 00 01 61 78"))
    }

    @Test(
        "encode refuses what the standard forbids",
        arguments: [
            ("publish --topic a/+", "MQTT-3.3.2-2"), ("publish --topic a --dup", "MQTT-3.3.1-2"),
            ("publish --topic a --packet-id 1", "MQTT-2.3.1-5"), ("publish --topic a --qos 3", "--qos"),
            ("publish --topic a --qos 1 --packet-id 0", "MQTT-2.3.1-1"), ("subscribe", "--filter"),
            ("subscribe --filter a#", "MQTT-4.7.1-2"), ("connect", "--client-id"),
            ("connect --client-id a --keep-alive 65536", "--keep-alive"),
            ("connect --client-id a --will-retain", "--will-topic"),
            ("connect --client-id a --password-file /dev/null", "MQTT-3.1.2-22"),
            ("publish --topic a --payload a --payload-hex 00", "--payload-hex"),
            ("publish --topic a --payload-hex 0", "--payload-hex"), ("nonsense", "nonsense"),
        ])
    func encodeRefuses(arguments: String, word: String) throws {
        let outcome = try Program.run(["packet", "encode"] + arguments.split(separator: " ").map(String.init))
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.complaint.contains(word))
    }

    @Test(
        "decode takes the bytes however they are written",
        arguments: [
            ["C000"], ["C0 00"], ["c0", "00"], ["0xC0", "0x00"], ["c0:00"], ["0xC0,0x00"], ["-"], [],
        ])
    func decodeForms(hex: [String]) throws {
        let outcome = try Program.run(["packet", "decode"] + hex, input: "C0\n00\n")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("PINGREQ, 2 bytes\n"))
    }

    @Test("decode shows each field, and no password")
    func decodeFields() throws {
        let hex = "10 14 00 04 4D 51 54 54 04 C2 00 64 00 01 61 00 01 75 00 02 70 77"
        let outcome = try Program.run(["packet", "decode"], input: hex)
        #expect(outcome.status == 0)
        for word in ["CONNECT, 22 bytes", "\"MQTT\"", "100 s", "client identifier", "\"u\"", "•••"] {
            #expect(outcome.output.contains(word), "\(word)")
        }
        #expect(!outcome.output.contains("70 77") && !outcome.output.contains("pw"))
    }

    @Test("decode as JSON: an array with an object for each packet")
    func decodeJSON() throws {
        let outcome = try Program.run(["packet", "decode", "--json", "C000 D000"])
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("[{\"packet\":\"PINGREQ\",\"offset\":0,\"length\":2,"))
        #expect(outcome.output.contains("{\"packet\":\"PINGRESP\",\"offset\":2,\"length\":2,"))
        #expect(outcome.output.hasSuffix("]\n"))
    }

    @Test("decode ends with 1 when bytes are wrong or missing, with the explanation", arguments: ["C1 00", "30 92 01"])
    func decodeWrong(hex: String) throws {
        let outcome = try Program.run(["packet", "decode", hex])
        #expect(outcome.status == 1)
        #expect(!outcome.output.isEmpty)
    }

    @Test("decode ends with 65 when the text is not hexadecimal", arguments: ["zz", "C", "C0 0", ""])
    func decodeNonsense(hex: String) throws {
        let outcome = try Program.run(["packet", "decode"], input: hex)
        #expect(outcome.status == 65)
        #expect(outcome.output == "")
    }
}
