import ArgumentParser
import BridgeCore

/// `espbridged why`: one paragraph about what keeps the link from being online.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say in one paragraph why the link is not online, since when, and what to do.",
        discussion: "Exit status: 0 when it is online, 1 when it is not, 69 when no daemon answers.")

    @OptionGroup var socket: SocketOption

    func run() throws {
        let answer = try StatusQuery.once(socket.path)
        guard let paragraph = answer["why"]?.text, let state = answer["state"]?.text else {
            throw Failure.unavailable("\(socket.path): the answer is not this daemon's: \(answer.serialized)")
        }
        Standard.say(paragraph)
        if state != Rung.online.rawValue { throw Failure.no }
    }
}
