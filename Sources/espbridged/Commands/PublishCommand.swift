import ArgumentParser
import BridgeCore

/// `espbridged publish`: hands JSON documents to the daemon and prints a receipt line for each.
struct PublishCommand: ParsableCommand {
    /// How far a message has to get before the command is content.
    enum Until: String, CaseIterable, ExpressibleByArgument {
        case queued, delivered, confirmed
    }

    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Hand JSON documents to the daemon and print a receipt for each.",
        discussion: """
            Reads the documents of the files, or of standard input: any layout, any number, one after the other. \
            Those of standard input are handed over as they come. Each answer of the daemon is printed as it comes, \
            one line of JSON. Exit status: 0 when all got as far as asked, 1 when one was refused, dropped or not \
            done in time, 69 when no daemon answers.
            """)

    @OptionGroup var socket: SocketOption

    @Option(help: "Wait until each message is queued (on disk), delivered (PUBACK) or confirmed (the cloud's reply).")
    var until = Until.queued

    @Option(help: ArgumentHelp("Give up when nothing comes for so long.", valueName: "seconds"))
    var timeout = 60.0

    @Argument(help: "Files with JSON documents; standard input when there are none, or for -.")
    var files: [String] = []

    func validate() throws {
        guard timeout > 0, timeout <= 1_000_000_000 else {
            throw ValidationError("--timeout takes a number of seconds above 0")
        }
    }

    func run() throws {
        let source = try PublishSource(files.isEmpty ? ["-"] : files)
        let allDone: Bool
        do {
            var session = PublishSession(
                client: try BridgeClient(path: socket.path), until: until.rawValue,
                milliseconds: Int(timeout * 1000), source: source)
            allDone = try session.run()
        } catch let error as BridgeClient.Unreachable {
            throw Failure.unavailable(error.description)
        }
        if !allDone { throw Failure.no }
    }
}
