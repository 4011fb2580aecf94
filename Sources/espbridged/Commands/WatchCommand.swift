import ArgumentParser
import BridgeCore
import Glibc

/// `espbridged watch`: messages from the cloud and link events, one JSON line each.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print messages from the cloud and changes of the link, one JSON line each.",
        discussion: """
            A pattern with a slash is an MQTT topic filter (+ and # are its wildcards), any other a pattern of Alink \
            methods, in which * stands for any characters. Without patterns everything is printed. Looking on takes \
            nothing away: a request that no other program takes is answered to the cloud as ever.

            Exit status: 69 when no daemon answers or when it ends.
            """)

    /// For how long the first answer is waited for, in milliseconds.
    private static let patience = 10_000

    @OptionGroup var socket: SocketOption

    @Argument(help: "Topic filters or method patterns.")
    var patterns: [String] = []

    func run() throws {
        let topics = patterns.filter { $0.contains("/") || $0 == "#" || $0 == "+" }
        let methods = patterns.filter { !topics.contains($0) }
        let request: JSONValue = [
            "bridge": "subscribe", "link": .bool(true), "observe": .bool(true),
            "topics": .array((patterns.isEmpty ? ["#"] : topics).map { .string($0) }),
            "methods": .array(methods.map { .string($0) }),
        ]
        var refusal: JSONValue?
        do throws(BridgeClient.Unreachable) {
            var client = try BridgeClient(path: socket.path)
            try client.send((request.serialized + "\n").utf8)
            var patience: Int? = Self.patience
            while refusal == nil, case .line(let line) = try client.readLine(milliseconds: patience) {
                patience = nil
                guard let answer = try? JSONValue(parsing: Array(line.utf8)) else { continue }
                if answer["event"] != nil { Standard.say(line) }
                if answer["status"]?.text == "refused" { refusal = answer }
            }
        } catch {
            throw Failure.unavailable(error.description)
        }
        if let refusal {
            let words = refusal["detail"]?.text ?? refusal.serialized
            throw refusal["error"]?.text == RequestError.notPermitted.rawValue
                ? Failure.unavailable(words) : Failure.usage(words)
        }
        throw Failure.unavailable("\(socket.path): the daemon does not answer, or has ended the connection")
    }
}
