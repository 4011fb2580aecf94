import Foundation
import Testing

extension EndToEnd {
    @Suite("The watchdog", .serialized)
    struct Watchdog {
        private static let interval = 2.0

        @Test(
            "is fed in time without a port, in back-off, while the cloud is silent, and while it is not there",
            .timeLimit(.minutes(4)))
        func outages() throws {
            let bench = try Workbench(.cloud)
            let manager = try NotifySocket(bench.folder + "/notify")
            defer { manager.close() }
            try bench.edit("\(bench.folder)/tty", "\(bench.folder)/later")
            try bench.start(environment: [
                "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "\(Int(Self.interval * 1e6))",
            ])
            func pass(beats: Int) throws {
                let known = manager.beats.count
                try bench.until("the watchdog was fed \(beats) times", seconds: 30) {
                    manager.beats.count >= known + beats
                }
            }
            func state() throws -> String? { try bench.status()["state"] as? String }
            #expect(try state() == "no-port")
            try pass(beats: 4)

            try bench.disturb("ap down")
            let port = try FileManager.default.destinationOfSymbolicLink(atPath: bench.folder + "/tty")
            try FileManager.default.createSymbolicLink(atPath: bench.folder + "/later", withDestinationPath: port)
            try bench.until("it backs off") { try state() == "backoff" }
            try pass(beats: 4)

            try bench.disturb("ap up")
            try bench.until("it is online") { try state() == "online" }
            try bench.orderCloud("silent on")
            _ = try bench.connect().ask(#"{"params":{"a":1},"method":"thing.event.property.post"}"#)
            try bench.until("the silence is noticed") { try state() != "online" }
            try pass(beats: 6)

            let beats = manager.beats
            let gaps = zip(beats, beats.dropFirst()).map { $1.timeIntervalSince($0) }
            #expect(gaps.allSatisfy { $0 < Self.interval }, "systemd would have ended the daemon: \(gaps)")
            #expect(manager.texts.contains { $0.contains("READY=1") })
            #expect(manager.texts.contains { $0.contains("STATUS=backoff at joining: ") })
        }
    }
}
