import BridgeCore
import Glibc

/// `espbridged status --watch`: asks every second until Ctrl-C, and outlives a restart of the daemon.
///
/// On a terminal the block is drawn anew in its place; elsewhere a new one is printed for each change.
struct StatusWatch {
    private static let period: Int32 = 1000

    let path: String
    let json: Bool
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private var block = ScreenBlock()
    private var shown: String?

    init(path: String, json: Bool) {
        self.path = path
        self.json = json
    }

    /// Ends on a signal; throws when no daemon can be reached to begin with.
    mutating func run() throws {
        Interrupt.watch()
        var hasAnswered = false
        while !Interrupt.hasCome {
            do throws(BridgeClient.Unreachable) {
                try follow(&hasAnswered)
            } catch {
                guard hasAnswered || Interrupt.hasCome else { throw Failure.unavailable(error.description) }
                show(json ? nil : "\(error)\nThe daemon is waited for.")
                Interrupt.pause(milliseconds: Self.period)
            }
        }
        // The terminal has shown ^C in the line below the block.
        if isTerminal { Standard.write("\r\u{1B}[K", to: STDOUT_FILENO) }
    }

    private mutating func follow(_ hasAnswered: inout Bool) throws(BridgeClient.Unreachable) {
        var client = try BridgeClient(path: path)
        while !Interrupt.hasCome {
            let answer = try StatusQuery.ask(&client, path: path)
            hasAnswered = true
            show(json ? answer.serialized : StatusText(answer).text)
            Interrupt.pause(milliseconds: Self.period)
        }
    }

    private mutating func show(_ text: String?) {
        guard let text else { return }
        if isTerminal, !json {
            let size = ScreenBlock.terminalSize
            Standard.write(block.drawing(text, columns: size.columns, rows: size.rows), to: STDOUT_FILENO)
        } else if text != shown {
            let separator = shown == nil || json ? "" : "\n"
            Standard.say(separator + text)
        }
        shown = text
    }
}
