import ArgumentParser
import BridgeCore
import Glibc

/// `espbridged status`: the link ladder, counters and queue, for people or as JSON.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show where the link stands, the counters and the queue.",
        discussion: "Exit status: 0, or 69 when no daemon answers.")

    @OptionGroup var socket: SocketOption

    @Flag(help: "Print the daemon's answer as it is: one JSON object.")
    var json = false

    @Flag(help: "Refresh every second until interrupted.")
    var watch = false

    func run() throws {
        repeat {
            let answer = try ask()
            let clearing = watch && !json ? "\u{1B}[H\u{1B}[2J" : ""
            Standard.say(clearing + (json ? answer.serialized : StatusText(answer).text))
            if watch { sleep(1) }
        } while watch
    }

    private func ask() throws -> JSONValue {
        do throws(BridgeClient.Unreachable) {
            var client = try BridgeClient(path: socket.path)
            try client.send("{\"bridge\":\"status\"}\n".utf8)
            guard case .line(let line) = try client.readLine(milliseconds: 10_000) else {
                throw BridgeClient.Unreachable(description: "\(socket.path): no answer within 10 s")
            }
            guard let answer = try? JSONValue(parsing: Array(line.utf8)) else {
                throw BridgeClient.Unreachable(description: "\(socket.path): the answer is not JSON: \(line)")
            }
            return answer
        } catch {
            throw Failure.unavailable(error.description)
        }
    }
}
