import Foundation

/// tshark on the loopback interface: what really went over TCP, read by a program that is none of ours.
final class Capture {
    /// Why nothing can be captured here; nil when it can.
    static let hindrance: String? = {
        guard let path = Programs.find("tshark") else { return "needs tshark (apt install tshark)" }
        let trial = try? ChildProgram.run(path, ["-i", "lo", "-a", "duration:1", "-c", "1", "-w", "/dev/null"])
        guard let trial, trial.status == 0 else { return "needs permission to capture on lo (root)" }
        return nil
    }()

    private let file: String
    let port: Int
    private let tshark: String
    private let program: ChildProgram

    /// Begins to capture what goes over this TCP port.
    init(port: Int, folder: String) throws {
        guard let tshark = Programs.find("tshark") else { throw Broker.Missing(name: "tshark") }
        self.tshark = tshark
        self.port = port
        file = folder + "/capture.pcapng"
        // -B: a test machine under load must not lose segments for want of room.
        program = try ChildProgram(
            tshark, ["-i", "lo", "-B", "16", "-f", "tcp port \(port)", "-w", file], name: "tshark")
        try program.waitForLine("Capture started")
    }

    deinit { program.end() }

    /// Ends the capture; what came before is in the file.
    func end() throws {
        program.signal(SIGINT)
        _ = try program.waitForExit()
    }

    /// The lines of tshark's account of the file so far.
    func read(_ arguments: [String]) throws -> [String] {
        try ChildProgram.run(
            "/bin/sh",
            ["-c", "exec \"$@\" 2>/dev/null", "sh", tshark, "-n", "-r", file, "-d", "tcp.port==\(port),mqtt"]
                + arguments
        ).lines
    }

    /// One row for each frame that a display filter lets through, one column for each field; several values of a field
    /// in one frame are joined with commas.
    func fields(_ names: [String], where filter: String) throws -> [[String]] {
        try read(
            ["-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"] + names.flatMap { ["-e", $0] }
        )
        .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    /// All values of one field, in the order of the stream.
    func values(_ name: String, where filter: String) throws -> [String] {
        try fields([name], where: filter).flatMap { $0[0].split(separator: ",").map(String.init) }
    }

    /// The bytes that one side of a connection sent, put together again by tshark.
    ///
    /// - Parameter node: 0 for the side that opened the connection, 1 for the other.
    func stream(_ number: String, node: Int) throws -> [UInt8] {
        // The other side's bytes are indented by a tab.
        try read(["-q", "-z", "follow,tcp,raw,\(number)"])
            .filter { $0.hasPrefix("\t") == (node == 1) }
            .compactMap { Broker.bytes(hex: $0.drop { $0 == "\t" }) }
            .flatMap { $0 }
    }
}
