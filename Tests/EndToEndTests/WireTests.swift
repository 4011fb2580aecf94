import Foundation
import Testing

extension EndToEnd {
    @Suite("The TCP side, read by tshark", .serialized)
    struct Wire {
        /// Lengths around which the remaining length takes another byte, and a few more.
        private static let sizes = [
            0, 1, 2, 100, 108, 109, 110, 111, 127, 128, 1000, 1460, 1461, 2047, 2048, 2049, 4096, 5000,
        ]

        @Test(
            "a whole session is MQTT without fault",
            .enabled(if: Capture.hindrance == nil, Comment(rawValue: Capture.hindrance ?? "")), .timeLimit(.minutes(3)))
        func session() throws {
            let broker = try Broker()
            let bench = try Workbench(
                .broker(port: broker.port, user: "gateway", password: "canary-broker"),
                more: """
                    [mqtt]
                    keep_alive = 5
                    subscribe = [{ filter = "/down/#", qos = 1 }, { filter = "/other/+/温度", qos = 0 }]
                    """)
            let capture = try Capture(port: broker.port, folder: bench.folder)
            let daemon = try bench.startOnline()
            let client = try bench.connect()
            var expected: [(topic: String, payload: [UInt8])] = []
            for (number, size) in Self.sizes.enumerated() {
                for qos in 0...1 {
                    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }
                    let topic = "/up/\(qos)/\(size)"
                    let answer = try client.ask(
                        #"{"bridge":"publish","topic":"\#(topic)","base64":"\#(Data(payload).base64EncodedString())","qos":\#(qos)}"#
                    )
                    #expect(answer["status"] as? String == "queued")
                    expected.append((topic, payload))
                }
            }
            try bench.until("the outbox is empty") { try bench.number("outbox.waiting") == 0 }
            try broker.waitForLog("Sending PINGRESP to gateway-1")
            let publisher = try #require(Programs.find("mosquitto_pub"))
            let address = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-i", "publisher"]
            #expect(
                try ChildProgram.run(publisher, address + ["-q", "1", "-t", "/down/x", "-m", "hello"]).status == 0)
            try broker.waitForLog("Received PUBACK from gateway-1")
            daemon.signal(SIGTERM)
            #expect(try daemon.waitForExit() == 0)
            try broker.waitForLog("Received DISCONNECT from gateway-1")
            try bench.until("the capture holds the end", seconds: 20) {
                try !capture.read(["-Y", "mqtt.msgtype == 14"]).isEmpty
            }
            try capture.end()
            try judge(capture, expected: expected)
        }

        private func judge(_ capture: Capture, expected: [(topic: String, payload: [UInt8])]) throws {
            let faults = try capture.read([
                "-Y",
                "_ws.malformed || mqtt.unknown_version || mqtt.illegal_topic_length || mqtt.prop_unknown"
                    + " || tcp.ack_lost_segment || tcp.analysis.lost_segment",
            ])
            #expect(faults == [])
            let stream = try #require(
                try capture.fields(["tcp.stream"], where: "mqtt.clientid == \"gateway-1\"").first?.first)
            // CONNECT 1, CONNACK 2, PUBLISH 3, PUBACK 4, SUBSCRIBE 8, SUBACK 9, PINGREQ 12, PINGRESP 13, DISCONNECT 14.
            let mine = "tcp.stream == \(stream)"
            let sent = "\(mine) && tcp.dstport == \(capture.port)"
            let up = try capture.values("mqtt.msgtype", where: sent)
            #expect(Set(up) == ["1", "3", "4", "8", "12", "14"])
            #expect(up.first == "1" && up.last == "14")
            #expect(up.count { $0 == "3" } == expected.count)
            let down = try capture.values("mqtt.msgtype", where: "\(mine) && tcp.srcport == \(capture.port)")
            #expect(Set(down) == ["2", "3", "4", "9", "13"])
            #expect(down.first == "2")
            #expect(down.count { $0 == "4" } == expected.count / 2)
            #expect(down.count { $0 == "13" } == up.count { $0 == "12" })

            #expect(try capture.values("mqtt.topic", where: "\(sent) && mqtt.msgtype == 3") == expected.map(\.topic))
            let payloads = try capture.values("mqtt.msg", where: "\(sent) && mqtt.msgtype == 3")
            #expect(payloads == expected.map { $0.payload.isEmpty ? "<MISSING>" : Self.hex($0.payload) })
            #expect(try capture.values("mqtt.kalive", where: sent) == ["5"])
            #expect(try capture.values("mqtt.sub.qos", where: sent) == ["1", "0"])
            #expect(try capture.values("mqtt.suback.qos", where: mine) == ["1", "0"])

            // 10 <length> 00 04 "MQTT" 04, user name, password and clean session, 5 s.
            let bytes = try capture.stream(stream, node: 0)
            let connect = bytes.prefix(12)
            #expect(connect.first == 0x10)
            #expect(Array(connect.dropFirst(2)) == [0x00, 0x04, 0x4D, 0x51, 0x54, 0x54, 0x04, 0xC2, 0x00, 0x05])
            // The stream ends with DISCONNECT, and holds PINGREQ before it.
            #expect(bytes.suffix(2) == [0xE0, 0x00])
        }

        private static func hex(_ bytes: [UInt8]) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
