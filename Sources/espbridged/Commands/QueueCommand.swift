import ArgumentParser
import BridgeCore
import BridgeRuntime

/// `espbridged queue …`: looks into the outbox, with the daemon running or not.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Look into the outbox, whether or not the daemon runs.",
        subcommands: [List.self, Show.self, Verify.self, Export.self, Purge.self])

    /// Which outbox.
    struct Place: ParsableArguments {
        @Option(name: .customLong("config"), help: "The configuration file, which names the outbox.")
        var file = "/etc/espbridged.conf"

        @Option(name: .customLong("outbox"), help: "The database itself, instead of the one of the configuration.")
        var outbox: String?

        func path() throws -> String {
            if let outbox { return outbox }
            do throws(ConfigurationFile.Rejected) {
                return try ConfigurationFile.load(file).configuration.outbox.path
            } catch {
                throw Failure.configuration(error.lines)
            }
        }

        func inspector() throws -> QueueInspector {
            let path = try path()
            do throws(OutboxError) {
                let inspector = try QueueInspector(path: path)
                if QueueInspector.isInUse(path: path) { settle() }
                return inspector
            } catch {
                throw Failure.io(error.description)
            }
        }

        /// The socket of the daemon that works with this outbox, as far as the configuration tells: nil for an outbox that is
        /// not the configuration's.
        func socketPath() -> String? {
            guard let configuration = try? ConfigurationFile.load(file).configuration,
                outbox == nil || outbox == configuration.outbox.path
            else { return nil }
            return configuration.socket.path
        }

        /// A running daemon writes down what has left so far when it is asked for a receipt, whichever. Without its answer
        /// the outbox is shown as it is on disk: a few messages that have left may still stand there.
        private func settle() {
            guard let socket = socketPath(), var client = try? BridgeClient(path: socket) else { return }
            try? client.send(#"{"bridge":"receipt","receipt":1}"#.utf8)
            _ = try? client.readLine(milliseconds: 5_000)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what waits, oldest first, without payloads.")

        @OptionGroup var place: Place
        @Option(help: "At most so many.") var limit = 100
        @Flag(help: "One JSON object a line.") var json = false
        @Flag(help: "What was set aside as poison, instead.") var setAside = false

        func validate() throws {
            guard limit >= 0 else { throw ValidationError("--limit takes a number from 0") }
        }

        func run() throws {
            let inspector = try place.inspector()
            try QueueCommand.reading {
                try inspector.forEach(setAside ? .setAside : .waiting, limit: limit) { entry in
                    Standard.say(
                        json ? JSONValue.object(QueueCommand.members(entry)).serialized : QueueCommand.line(entry))
                }
                let waiting = try inspector.books().waiting
                if !json, !setAside, waiting > limit { Standard.say("… and \(waiting - Int64(limit)) more (--limit)") }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one message: payload and all; or what became of it.",
            discussion: "Exit status: 0, or 1 when nothing is known of it.")

        @OptionGroup var place: Place
        @Argument(help: "Its receipt.") var receipt: Int64

        func run() throws {
            let inspector = try place.inspector()
            try QueueCommand.reading {
                if let (entry, payload) = try inspector.message(receipt) {
                    Standard.say(QueueCommand.object(entry, payload).serialized)
                } else if let known = try inspector.receipt(receipt) {
                    Standard.write(String(decoding: LocalAnswer.receipt(known, tag: nil), as: UTF8.self), to: 1)
                } else {
                    Standard.complain("nothing is known of message \(receipt), or no longer")
                    throw Failure.no
                }
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read the whole outbox, and compare it with its books.",
            discussion: "Exit status: 0 when all is well, 1 when not.")

        @OptionGroup var place: Place

        func run() throws {
            let inspector = try place.inspector()
            try QueueCommand.reading {
                let found = try inspector.verify()
                let books = found.books
                for damage in found.damages { Standard.say("damaged: \(damage)") }
                Standard.say(
                    "received \(books.received) = delivered \(books.delivered) + waiting \(books.waiting) + dropped "
                        + "\(books.droppedInTotal)\(books.balance == 0 ? "" : ", which it is not")")
                Standard.say(
                    "waiting messages: \(found.rows), \(found.bytes) bytes; the books say \(books.waiting), \(books.bytes)"
                )
                guard found.isBalanced else { throw Failure.no }
                Standard.say("the books balance")
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all that waits and all that was set aside, one JSON object a line, with payloads.",
            discussion: "The outbox keeps it.")

        @OptionGroup var place: Place

        func run() throws {
            let inspector = try place.inspector()
            try QueueCommand.reading {
                var receipts: [Int64] = []
                for shelf in QueueInspector.Shelf.allCases {
                    try inspector.forEach(shelf) { receipts.append($0.receipt) }
                }
                for receipt in receipts {
                    // Delivered meanwhile.
                    guard let (entry, payload) = try inspector.message(receipt) else { continue }
                    Standard.say(QueueCommand.object(entry, payload).serialized)
                }
            }
        }
    }

    // MARK: Forms

    static func reading(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Failure.io("the outbox cannot be read: \(QueueInspector.words(error))")
        }
    }

    static func members(_ entry: QueueInspector.Entry) -> [JSONValue.Member] {
        [
            .init("receipt", .int(Int(entry.receipt))),
            .init("status", .string(entry.setAsideAt == nil ? "waiting" : "set-aside")),
            .init("set_aside_at", entry.setAsideAt.map { .string(WallTime(milliseconds: $0).text) } ?? .null),
            .init("queued_at", entry.queuedAt.map { .string(WallTime(milliseconds: $0).text) } ?? .null),
            .init("expires_at", entry.expiresAt.map { .string(WallTime(milliseconds: $0).text) } ?? .null),
            .init("qos", .int(Int(entry.qos))), .init("id", entry.alinkID.map { .string($0) } ?? .null),
            .init("topic", .string(entry.topic)), .init("bytes", .int(entry.bytes)),
        ]
    }

    /// With the payload: as text when it is UTF-8, else as base64.
    static func object(_ entry: QueueInspector.Entry, _ payload: [UInt8]) -> JSONValue {
        let content: JSONValue.Member =
            String(validating: payload, as: UTF8.self).map { .init("text", .string($0)) }
            ?? .init("base64", .string(String(decoding: Base64.encode(payload), as: UTF8.self)))
        return .object(members(entry) + [content])
    }

    static func line(_ entry: QueueInspector.Entry) -> String {
        let since = entry.queuedAt.map { WallTime(milliseconds: $0).text } ?? "clock not set"
        let id = entry.alinkID.map { " id \($0)" } ?? ""
        return "\(entry.receipt)  \(since)  QoS \(entry.qos)  \(entry.bytes) bytes  \(entry.topic)\(id)"
    }
}
