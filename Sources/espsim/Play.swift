import ArgumentParser
import BridgeCore
import ModemSimulator

struct Play: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play a transcript as a modem on a pseudo-terminal.",
        discussion: """
            Says what the module said then, as soon as the host has said what the host said then. Stars in a transcript, \
            where secrets were, fit anything. Exit status: 0 when all was played, 1 when the host said something else or \
            nothing, 65 when the file is no transcript.
            """)

    @Argument(help: "The transcript; - is standard input.")
    var file: String

    @Option(help: "A symbolic link that leads to the terminal; removed at the end.")
    var link: String?

    @Option(help: "How long the host may say nothing when it is its turn, in seconds.")
    var patience = 60.0

    @Flag(help: "Leave the module's pauses out.")
    var fast = false

    func run() throws {
        let transcript: Transcript
        do {
            transcript = try Transcript(parsing: try Input.text(of: file))
        } catch let error as Transcript.ParseError {
            printError("espsim: \(file): \(error)")
            throw ExitCode(65)
        }
        var player = try TranscriptPlayer(transcript, link: link, pauses: fast ? 0 : 1)
        announce(player.path, link)
        switch player.play(patience: .milliseconds(Int64(max(0, min(patience, 1e6)) * 1000))) {
        case .finished: return
        case .silent: printError("espsim: the host said nothing for \(patience) s")
        case .mismatch(let entry, let expected, let heard):
            printError("espsim: entry \(entry): expected \(Transcript.Entry.toModem(expected))")
            printError("espsim: entry \(entry): heard    \(Transcript.Entry.toModem(heard))")
        }
        throw ExitCode(1)
    }
}
