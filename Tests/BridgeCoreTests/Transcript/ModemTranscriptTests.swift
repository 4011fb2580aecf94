import Foundation
import Testing

@testable import BridgeCore

/// Every file in Fixtures/transcripts, played against the modem machine.
@Suite struct ModemTranscriptTests {
    static let names: [String] = {
        let folder = Bundle.module.url(forResource: "transcripts", withExtension: nil, subdirectory: "Fixtures")
        let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        return files.filter { $0.hasSuffix(".at") }.sorted()
    }()

    static func load(_ name: String) throws -> Transcript {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures/transcripts"))
        return try Transcript(parsing: try String(contentsOf: url, encoding: .utf8))
    }

    static let seeds: [UInt64] = [1, 2, 3, 5, 8]

    static var pieces: [TranscriptPlayer.Pieces] {
        [.whole, .drip] + seeds.map(TranscriptPlayer.Pieces.random(seed:))
    }

    @Test(arguments: names, pieces)
    func goesAsWritten(name: String, pieces: TranscriptPlayer.Pieces) throws {
        var player = TranscriptPlayer(pieces: pieces)
        try player.play(try Self.load(name))
    }

    @Test(arguments: names)
    func showsNoSecret(name: String) throws {
        var player = TranscriptPlayer()
        try player.play(try Self.load(name))
        #expect(!player.said.isEmpty)
        for line in player.said {
            #expect(!line.text.contains("s3cret"))
            #expect(!line.text.contains("quoted"))
        }
    }

    @Test(arguments: names)
    func survivesWritingAndReading(name: String) throws {
        let transcript = try Self.load(name)
        #expect(try Transcript(parsing: transcript.description) == transcript)
    }
}
