import ArgumentParser
import BridgeCore
import BridgeRuntime
import Dispatch

extension QueueCommand {
    struct Purge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give up waiting messages; each is counted as dropped, reason purged.",
            discussion: """
                A running daemon is asked to do it; what is with the broker at the moment stays. Exit status: 0, or 1 when \
                a message does not wait.
                """)

        @OptionGroup var place: Place
        @Option(help: "The daemon's socket, instead of the one of the configuration.") var socket: String?
        @Flag(help: "All that waits.") var all = false
        @Argument(help: "Receipts.") var receipts: [Int64] = []

        func validate() throws {
            guard all != !receipts.isEmpty else { throw ValidationError("either receipts or --all") }
        }

        func run() throws {
            let selections: [Int64?] = all ? [nil] : receipts.map { $0 }
            let path = try place.path()
            let purged: Int
            do {
                purged = QueueInspector.isInUse(path: path) ? try ask(selections) : try open(path, selections)
            } catch let error as OutboxError {
                throw Failure.io(error.description)
            }
            Standard.say("\(purged) purged")
            if !all, purged < receipts.count { throw Failure.no }
        }

        private func ask(_ selections: [Int64?]) throws -> Int {
            // Any other daemon would throw away what is not meant.
            guard let socket = socket ?? place.socketPath() else {
                throw Failure.usage(
                    "a daemon works with this outbox, and no configuration says which: name its socket (--socket)")
            }
            do throws(BridgeClient.Unreachable) {
                var client = try BridgeClient(path: socket)
                var purged = 0
                for selection in selections {
                    let what = selection.map { "\"receipt\":\($0)" } ?? "\"all\":true"
                    try client.send("{\"bridge\":\"purge\",\(what)}\n".utf8)
                    guard case .line(let line) = try client.readLine(milliseconds: 60_000),
                        let answer = try? JSONValue(parsing: Array(line.utf8))
                    else { throw BridgeClient.Unreachable(description: "\(socket): no answer") }
                    guard let count = answer["messages"]?.integer else {
                        throw BridgeClient.Unreachable(description: answer["detail"]?.text ?? line)
                    }
                    purged += count
                }
                return purged
            } catch {
                throw Failure.unavailable(error.description)
            }
        }

        private func open(_ path: String, _ selections: [Int64?]) throws -> Int {
            // Looked at first: opening it for writing would make a new one.
            try QueueCommand.reading { _ = try QueueInspector(path: path).books() }
            let outbox = try Outbox(path: path, limits: OutboxLimits())
            let purged = outbox.purgeAndWait(selections)
            outbox.close(inOrder: outbox.crash == nil)
            return purged
        }
    }
}
