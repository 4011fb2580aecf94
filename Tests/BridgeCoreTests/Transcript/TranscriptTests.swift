import Testing

@testable import BridgeCore

@Suite struct TranscriptTests {
    @Test func isRead() throws {
        let text =
            "# found in the field\n\n! begin reset\n> AT\\r\\n\n< \\x00\\xFF\\t\\\\ a\\x20\n~ 500ms\n~ 2s\n"
            + "= failed dns\r\n"
        #expect(
            try Transcript(parsing: text).entries == [
                .comment("found in the field"), .order("begin reset"), .toModem([0x41, 0x54, 13, 10]),
                .fromModem([0, 0xFF, 9, 0x5C, 0x20, 0x61, 0x20]), .pause(.milliseconds(500)), .pause(.seconds(2)),
                .outcome("failed dns"),
            ])
    }

    @Test(
        arguments: [
            ("AT", .unknownSign), (" > AT", .unknownSign), (">AT", .missingBlank), (">", .empty), ("> ", .empty),
            ("> \\", .badEscape), ("> \\q", .badEscape), ("> \\x4", .badEscape), ("> \\x4g", .badEscape),
            ("> \\x+4", .badEscape), ("< é", .notASCII), ("< \t", .notASCII),
            ("~ 5", .badDuration), ("~ ms", .badDuration), ("~ -5ms", .badDuration), ("~ 5min", .badDuration),
            ("~ 99999999999999999999s", .badDuration),
        ] as [(String, Transcript.ParseError.Reason)])
    func tellsWhereItIsWrong(line: String, reason: Transcript.ParseError.Reason) {
        #expect(throws: Transcript.ParseError(line: 3, reason: reason)) {
            try Transcript(parsing: "# one\n\n" + line + "\n")
        }
    }

    @Test func everyByteSurvives() throws {
        for byte in UInt8.min...UInt8.max {
            let transcript = Transcript([.toModem([byte, byte, byte]), .fromModem([byte])])
            #expect(try Transcript(parsing: transcript.description) == transcript)
        }
    }

    /// A player that accepts anything would be no test.
    @Test(arguments: [
        "! begin reset\n> ++\n", "! begin reset\n> AT\\r\\n\n", "! begin reset\n= opened\n",
        "! begin reset\n> +++\n> AT\\r\\n\n~ 400ms\n< \\r\\nOK\\r\\n\n", "! begin reset\n> +++\n~ 2s\n",
        "! leave\n", "! dance\n", "! begin reset\n> +++\n> AT\\r\\n\n! leave\n= failed dns\n",
    ])
    func thePlayerNoticesDifferences(text: String) throws {
        var player = TranscriptPlayer()
        let transcript = try Transcript(parsing: text)
        #expect(throws: TranscriptPlayer.Mismatch.self) { try player.play(transcript) }
    }
}
