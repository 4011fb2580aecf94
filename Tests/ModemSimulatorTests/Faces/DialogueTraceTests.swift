import BridgeCore
import Synchronization
import Testing

@testable import ModemSimulator

@Suite struct DialogueTraceTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func linesOfBothSides() {
        let lines = Lines()
        var trace = DialogueTrace { lines.add($0) }
        trace.note(Array("AT\r".utf8), fromHost: true, inDataMode: false, now: .zero)
        trace.note(Array("AT\r".utf8), fromHost: false, inDataMode: false, now: .zero)
        trace.note([0x0A], fromHost: true, inDataMode: false, now: .zero)
        trace.note(Array("\r\n\r\nOK\r\n".utf8), fromHost: false, inDataMode: false, now: .zero)
        trace.note(Array("> ".utf8), fromHost: false, inDataMode: false, now: .zero + .milliseconds(250))
        #expect(trace.deadline == .zero + .milliseconds(290))
        trace.timePassed(.zero + .milliseconds(290))
        #expect(lines.all == [#"> AT\r\n"#, #"< AT\r\r\n"#, #"< \r\n"#, #"< OK\r\n"#, "~ 290ms", #"< >\x20"#])
    }

    @Test(arguments: [1, 7, 100])
    func passwordOfTheNetworkIsMasked(chunk: Int) {
        let lines = Lines()
        var trace = DialogueTrace { lines.add($0) }
        var now = Moment.zero
        let command = Array("AT+CWJAP_CUR=\"workshop\",\"very secret\"\r\n".utf8)
        for start in stride(from: 0, to: command.count, by: chunk) {
            let part = Array(command[start..<min(start + chunk, command.count)])
            trace.note(part, fromHost: true, inDataMode: false, now: now)
            trace.note(part, fromHost: false, inDataMode: false, now: now)
            now = now + .milliseconds(60)
            trace.timePassed(now)
        }
        trace.finish(now: now)
        #expect(lines.all.contains(#"> AT+CWJAP_CUR="workshop","***"\r\n"#))
        #expect(!lines.all.contains { $0.contains("secret") })
    }

    @Test func passwordOfConnectIsMasked() {
        let lines = Lines()
        var trace = DialogueTrace { lines.add($0) }
        let packet = MQTTPacket.connect(
            MQTTPacket.Connect(clientIdentifier: "id", keepAlive: 60, username: "user", password: Array("secret".utf8)))
        for byte in packet.encoded() {
            trace.note([byte], fromHost: true, inDataMode: true, now: .zero)
        }
        trace.finish(now: .zero)
        #expect(lines.all == [#"> \x10\x1C\x00\x04MQTT\x04\xC2\x00<\x00\x02id\x00\x04user\x00\x06******"#])
    }
}
