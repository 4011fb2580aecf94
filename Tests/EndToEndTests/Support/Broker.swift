import Foundation

/// A real MQTT broker on a loopback port of its own, and an independent subscriber that sees all it gets.
final class Broker {
    let port: Int
    private let program: ChildProgram
    private let folder: String
    private(set) var subscriber: ChildProgram?

    /// mosquitto, with each packet in its log.
    init() throws {
        folder = NSTemporaryDirectory() + "espbridged-broker-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        port = Programs.freePort()
        try """
        listener \(port) 127.0.0.1
        allow_anonymous true
        log_dest stderr
        log_type all
        max_queued_messages 0
        """.write(toFile: folder + "/mosquitto.conf", atomically: true, encoding: .utf8)
        guard let path = Programs.find("mosquitto") else { throw Missing(name: "mosquitto") }
        program = try ChildProgram(path, ["-c", folder + "/mosquitto.conf"])
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

    /// Starts mosquitto_sub on everything; each message is a line `topic hex-of-the-payload`.
    func subscribe(user: String? = nil, password: String? = nil) throws {
        subscriber = try Self.subscriber(port: port, arguments: [])
    }

    static func subscriber(port: Int, arguments: [String]) throws -> ChildProgram {
        guard let path = Programs.find("mosquitto_sub") else { throw Missing(name: "mosquitto_sub") }
        // Its output is a pipe: without stdbuf it would keep its lines to itself.
        let subscriber = try ChildProgram(
            "/usr/bin/stdbuf",
            [
                "-oL", path, "-h", "127.0.0.1", "-p", "\(port)", "-V", "mqttv311", "-q", "1", "-t", "#", "-F", "%t %x",
                "-d",
            ]
                + arguments, name: "mosquitto_sub")
        try subscriber.waitForLine("Subscribed")
        return subscriber
    }

    /// The messages the subscriber has seen, in order.
    static func messages(in lines: [String]) -> [(topic: String, payload: [UInt8])] {
        lines.compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, parts[0].hasPrefix("/"), let payload = bytes(hex: parts[1]) else { return nil }
            return (String(parts[0]), payload)
        }
    }

    private static func bytes(hex: Substring) -> [UInt8]? {
        guard hex.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var rest = hex
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let byte = UInt8("\(high)\(low)", radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
