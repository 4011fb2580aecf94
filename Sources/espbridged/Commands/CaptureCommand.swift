import ArgumentParser
import BridgeCore
import BridgeRuntime
import Glibc

/// `espbridged capture`: records the serial line of the running daemon.
struct CaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Record the serial line of the running daemon, passwords masked, until Ctrl-C.",
        discussion: """
            FILE gets a transcript (> to the modem, < from it, ~ a pause), which `espsim play FILE` can play as a modem. \
            --pcapng writes the MQTT side for Wireshark and tshark, in made-up TCP packets on port 1883. Either may be -, \
            which is standard output. For root and the daemon's own user.

            Exit status: 0, or 69 when no daemon answers, when it refuses, or when it ends.
            """)

    /// How long a signal may go unnoticed.
    private static let period = 200
    /// How long silence has to last, after the end was asked for, to be sure that nothing is on its way.
    private static let remainder = 20
    /// For how long it is waited for that silence.
    private static let patience = Int64(1000)

    @OptionGroup var socket: SocketOption

    @Option(help: ArgumentHelp("Write the MQTT side in pcapng format.", valueName: "file"))
    var pcapng: String?

    @Option(help: ArgumentHelp("End by itself after so long.", valueName: "seconds"))
    var seconds: Double?

    @Argument(help: "The transcript.")
    var file: String?

    func validate() throws {
        guard file != nil || pcapng != nil else { throw ValidationError("a FILE or --pcapng is needed") }
        guard file != "-" || pcapng != "-" else { throw ValidationError("only one of the two can be standard output") }
        guard seconds.map({ $0 > 0 && $0 <= 1_000_000_000 }) ?? true else {
            throw ValidationError("--seconds takes a number above 0")
        }
    }

    func run() throws {
        Interrupt.watch()
        let ended: Bool
        do {
            ended = try record()
        } catch let error as BridgeClient.Unreachable {
            throw Failure.unavailable(error.description)
        }
        if ended { throw Failure.unavailable("\(socket.path): the daemon has ended the connection") }
    }

    /// Records until it is enough; says whether it was the daemon that ended it.
    private func record() throws -> Bool {
        var client = try BridgeClient(path: socket.path)
        let status = try StatusQuery.ask(&client, path: socket.path)
        try client.send("{\"bridge\":\"capture\",\"stream\":\(pcapng != nil)}\n".utf8)
        guard case .line(let answer) = try client.readLine(milliseconds: 10_000) else { return true }
        if let refusal = try? JSONValue(parsing: Array(answer.utf8)), refusal["status"]?.text == "refused" {
            throw Failure.unavailable(refusal["detail"]?.text ?? answer)
        }
        var files = try CaptureFiles(
            transcript: file, packets: pcapng, application: "espbridged \(Espbridged.version)")
        let modem = status["modem"]
        try files.remark(
            "espbridged \(Espbridged.version), \(modem?["device"]?.text ?? "?") at "
                + "\(modem?["baud"]?.integer ?? 0) baud, recorded from \(WallTime.now.text) on, "
                + "the link was \(status["state"]?.text ?? "?")")
        Standard.complain("recording; Ctrl-C ends it")
        let end = seconds.map { WallTime.now.milliseconds + Int64($0 * 1000) }
        var overSince: Int64?
        while true {
            // What has come before the end belongs to the recording.
            let now = WallTime.now.milliseconds
            let isOver = Interrupt.hasCome || end.map { now >= $0 } ?? false
            if isOver, overSince == nil { overSince = now }
            if let overSince, now - overSince >= Self.patience { return false }
            switch try client.readLine(milliseconds: isOver ? Self.remainder : Self.period) {
            case .line(let line):
                if let event = try? JSONValue(parsing: Array(line.utf8)) { try files.take(event) }
            case .timedOut where isOver: return false
            case .timedOut: continue
            case .ended: return !isOver
            }
        }
    }
}
