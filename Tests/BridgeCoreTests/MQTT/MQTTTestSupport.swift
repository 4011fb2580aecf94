import TestSupport
import Testing

@testable import BridgeCore

/// The bytes of a hexadecimal text, for fixtures that are known to be right.
func mqtt(_ text: String) -> [UInt8] { HexText.bytes(text) ?? [] }

/// How a stream is cut into chunks.
enum MQTTCutting: CaseIterable, CustomTestStringConvertible {
    case whole, byteByByte, random1, random2, random3

    var testDescription: String { "\(self)" }

    func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var generator: SplitMix
        switch self {
        case .whole: return [bytes[...]]
        case .byteByByte: return bytes.indices.map { bytes[$0...$0] }
        case .random1: generator = SplitMix(seed: 1)
        case .random2: generator = SplitMix(seed: 2)
        case .random3: generator = SplitMix(seed: 3)
        }
        var chunks: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(Int.random(in: 1...17, using: &generator))
            chunks.append(chunk)
            rest = rest.dropFirst(chunk.count)
        }
        return chunks
    }
}

/// One packet of each type and shape, with the bytes it has on the wire.
struct MQTTSample: CustomTestStringConvertible {
    var name: String
    var packet: MQTTPacket
    var bytes: [UInt8]

    var testDescription: String { name }

    init(_ name: String, _ packet: MQTTPacket, _ bytes: [UInt8]) {
        self.name = name
        self.packet = packet
        self.bytes = bytes
    }

    static let all: [MQTTSample] = [
        MQTTSample(
            "CONNECT of the device form",
            .connect(
                .init(
                    clientIdentifier: "gw|a=1|", cleanSession: true, keepAlive: 100, username: "gw&pk",
                    password: Array("5EC2E7".utf8))),
            mqtt("10 22 00 04 4D 51 54 54 04 C2 00 64") + [0, 7] + Array("gw|a=1|".utf8) + [0, 5]
                + Array("gw&pk".utf8) + [0, 6] + Array("5EC2E7".utf8)),
        MQTTSample(
            "CONNECT with a will, session kept",
            .connect(
                .init(
                    clientIdentifier: "a", cleanSession: false, keepAlive: 0,
                    will: .init(topic: "w", message: [0, 255], qos: .exactlyOnce, retain: true))),
            mqtt("10 14 00 04 4D 51 54 54 04 34 00 00 00 01 61 00 01 77 00 02 00 FF")),
        MQTTSample(
            "CONNECT without identifier", .connect(.init(clientIdentifier: "", keepAlive: 60)),
            mqtt("10 0C 00 04 4D 51 54 54 04 02 00 3C 00 00")),
        MQTTSample("CONNACK 0", .connectAcknowledgement(.init()), mqtt("20 02 00 00")),
        MQTTSample(
            "CONNACK with session", .connectAcknowledgement(.init(sessionPresent: true)), mqtt("20 02 01 00")),
        MQTTSample(
            "CONNACK 1", .connectAcknowledgement(.init(returnCode: .unacceptableProtocolVersion)), mqtt("20 02 00 01")),
        MQTTSample(
            "CONNACK 2", .connectAcknowledgement(.init(returnCode: .identifierRejected)), mqtt("20 02 00 02")),
        MQTTSample(
            "CONNACK 3", .connectAcknowledgement(.init(returnCode: .serverUnavailable)), mqtt("20 02 00 03")),
        MQTTSample(
            "CONNACK 4", .connectAcknowledgement(.init(returnCode: .badUserNameOrPassword)), mqtt("20 02 00 04")),
        MQTTSample("CONNACK 5", .connectAcknowledgement(.init(returnCode: .notAuthorized)), mqtt("20 02 00 05")),
        MQTTSample(
            "PUBLISH of QoS 0", .publish(.init(topic: "a/b", payload: [0x68, 0x69])), mqtt("30 07 00 03 61 2F 62 68 69")
        ),
        MQTTSample(
            "PUBLISH of QoS 1",
            .publish(.init(topic: "a", payload: [], qos: .atLeastOnce, packetIdentifier: 10)),
            mqtt("32 05 00 01 61 00 0A")),
        MQTTSample(
            "PUBLISH of QoS 1 again, retained",
            .publish(
                .init(topic: "a", payload: [1], qos: .atLeastOnce, retain: true, dup: true, packetIdentifier: 0xFFFF)),
            mqtt("3B 06 00 01 61 FF FF 01")),
        MQTTSample(
            "PUBLISH of QoS 2",
            .publish(.init(topic: "a", payload: [1], qos: .exactlyOnce, packetIdentifier: 1)),
            mqtt("34 06 00 01 61 00 01 01")),
        MQTTSample("PUBACK", .pubAck(.init(packetIdentifier: 0x1234)), mqtt("40 02 12 34")),
        MQTTSample("PUBREC", .pubRec(.init(packetIdentifier: 1)), mqtt("50 02 00 01")),
        MQTTSample("PUBREL", .pubRel(.init(packetIdentifier: 1)), mqtt("62 02 00 01")),
        MQTTSample("PUBCOMP", .pubComp(.init(packetIdentifier: 1)), mqtt("70 02 00 01")),
        MQTTSample(
            "SUBSCRIBE",
            .subscribe(
                .init(
                    packetIdentifier: 10,
                    subscriptions: [.init(filter: "a/b", qos: .atLeastOnce), .init(filter: "#", qos: .exactlyOnce)])),
            mqtt("82 0C 00 0A 00 03 61 2F 62 01 00 01 23 02")),
        MQTTSample(
            "SUBACK",
            .subAck(.init(packetIdentifier: 10, granted: [.atMostOnce, .atLeastOnce, .exactlyOnce, nil])),
            mqtt("90 06 00 0A 00 01 02 80")),
        MQTTSample(
            "UNSUBSCRIBE", .unsubscribe(.init(packetIdentifier: 3, filters: ["a", "+/c"])),
            mqtt("A2 0A 00 03 00 01 61 00 03 2B 2F 63")),
        MQTTSample("UNSUBACK", .unsubAck(.init(packetIdentifier: 3)), mqtt("B0 02 00 03")),
        MQTTSample("PINGREQ", .pingReq, mqtt("C0 00")),
        MQTTSample("PINGRESP", .pingResp, mqtt("D0 00")),
        MQTTSample("DISCONNECT", .disconnect, mqtt("E0 00")),
    ]
}
