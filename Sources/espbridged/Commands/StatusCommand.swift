import ArgumentParser
import BridgeCore

/// `espbridged status`: the link ladder, counters and queue, for people or as JSON.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show where the link stands, the counters and the queue.",
        discussion: """
            With --watch it is asked every second until Ctrl-C: a terminal shows it in its place, anything else gets a \
            new block (or line of JSON) for each change. A restart of the daemon is waited for.

            Exit status: 0, or 69 when no daemon answers.
            """)

    @OptionGroup var socket: SocketOption

    @Flag(help: "Print the daemon's answer as it is: one JSON object.")
    var json = false

    @Flag(help: "Refresh every second until interrupted.")
    var watch = false

    func run() throws {
        if watch {
            var view = StatusWatch(path: socket.path, json: json)
            return try view.run()
        }
        let answer = try StatusQuery.once(socket.path)
        Standard.say(json ? answer.serialized : StatusText(answer).text)
    }
}
