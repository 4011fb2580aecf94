import Foundation

/// A real MQTT broker on a loopback port of its own, and an independent subscriber that sees all it gets.
final class Broker {
    /// A user name and password that a broker asks for.
    struct Account {
        var user = "gateway"
        var password = "canary-broker \u{00E9}\u{4E2D}#"
    }

    let port: Int
    private let account: Account?
    private let program: ChildProgram
    private let folder: String
    private(set) var subscriber: ChildProgram?

    /// mosquitto, with each packet in its log.
    ///
    /// - Parameters:
    ///   - account: the only one let in; nil lets everybody in.
    ///   - more: lines for mosquitto.conf(5).
    init(account: Account? = nil, more: String = "", environment: [String: String] = [:]) throws {
        self.account = account
        folder = NSTemporaryDirectory() + "espbridged-broker-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        port = Programs.freePort()
        var entry = "allow_anonymous true"
        if let account {
            guard let tool = Programs.find("mosquitto_passwd") else { throw Missing(name: "mosquitto_passwd") }
            let file = folder + "/passwords"
            let made = try ChildProgram.run(tool, ["-b", "-c", file, account.user, account.password])
            guard made.status == 0 else { throw ChildProgram.Silence(description: made.lines.joined(separator: "\n")) }
            entry = "allow_anonymous false\npassword_file \(file)"
        }
        try """
        listener \(port) 127.0.0.1
        \(entry)
        user root
        log_dest stderr
        log_type all
        max_queued_messages 0
        \(more)
        """.write(toFile: folder + "/mosquitto.conf", atomically: true, encoding: .utf8)
        guard let path = Programs.find("mosquitto") else { throw Missing(name: "mosquitto") }
        program = try ChildProgram(path, ["-c", folder + "/mosquitto.conf"], environment: environment)
        try program.waitForLine("running")
    }

    struct Missing: Error { var name: String }

    deinit {
        subscriber?.end()
        program.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What the broker wrote to its log.
    var log: [String] { program.output }

    /// Waits for a line of its log.
    func waitForLog(_ text: String, seconds: Double = 30) throws { try program.waitForLine(text, seconds: seconds) }

    /// Starts mosquitto_sub on everything; each message is a line `topic hex-of-the-payload`.
    func subscribe() throws { subscriber = try Self.subscriber(port: port, account: account) }

    static func subscriber(port: Int, account: Account? = nil) throws -> ChildProgram {
        guard let path = Programs.find("mosquitto_sub") else { throw Missing(name: "mosquitto_sub") }
        // Its output is a pipe: without stdbuf it would keep its lines to itself.
        let subscriber = try ChildProgram(
            "/usr/bin/stdbuf",
            [
                "-oL", path, "-h", "127.0.0.1", "-p", "\(port)", "-V", "mqttv311", "-q", "1", "-t", "#", "-F", "%t %x",
                "-d",
            ]
                + (account.map { ["-u", $0.user, "-P", $0.password] } ?? []), name: "mosquitto_sub")
        try subscriber.waitForLine("Subscribed")
        return subscriber
    }

    /// The messages the subscriber has seen, in order.
    static func messages(in lines: [String]) -> [(topic: String, payload: [UInt8])] {
        lines.compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].hasPrefix("/"), let payload = bytes(hex: parts[1]) else { return nil }
            return (String(parts[0]), payload)
        }
    }

    static func bytes(hex: Substring) -> [UInt8]? {
        let digits = hex.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }
}
