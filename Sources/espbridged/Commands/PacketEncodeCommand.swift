import ArgumentParser
import BridgeCore

/// `espbridged packet encode`: prints a packet as hexadecimal pairs.
struct PacketEncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Make an MQTT packet; print it as hexadecimal pairs.",
        subcommands: [
            Connect.self, Subscribe.self, Publish.self, PingReq.self, Disconnect.self,
        ])

    struct Connect: PacketMaker {
        static let configuration = CommandConfiguration(commandName: "connect", abstract: "A client introduces itself.")

        @Option(help: "The client identifier.")
        var clientID: String

        @Option(help: ArgumentHelp("0 is off.", valueName: "seconds"))
        var keepAlive: UInt16 = 100

        @Flag(inversion: .prefixedNo, help: "Whether the server forgets the session.")
        var cleanSession = true

        @Option(help: "The user name.")
        var username: String?

        @Option(
            help: ArgumentHelp(
                "File with the password, - for standard input. Never an argument: those are visible to everybody.",
                valueName: "file"))
        var passwordFile: String?

        @Option(help: "Topic of the will.")
        var willTopic: String?

        @Option(help: "Text of the will.")
        var willMessage: String?

        @Option(help: "QoS of the will.")
        var willQos = QoS.atMostOnce

        @Flag(help: "The will is retained.")
        var willRetain = false

        func validate() throws {
            guard willTopic != nil || (willMessage == nil && willQos == .atMostOnce && !willRetain) else {
                throw ValidationError("--will-message, --will-qos and --will-retain need --will-topic")
            }
        }

        func packet() throws -> MQTTPacket {
            let password = try passwordFile.map { try SecretFile.contents(of: $0, prompt: "Password: ") }
            let will = willTopic.map {
                MQTTPacket.Will(topic: $0, message: Array((willMessage ?? "").utf8), qos: willQos, retain: willRetain)
            }
            return .connect(
                .init(
                    clientIdentifier: clientID, cleanSession: cleanSession, keepAlive: keepAlive, will: will,
                    username: username, password: password.map { Array($0.value.utf8) }))
        }
    }

    struct Subscribe: PacketMaker {
        static let configuration = CommandConfiguration(commandName: "subscribe", abstract: "A client wants messages.")

        @Option(
            name: [.customLong("filter"), .customLong("topic")],
            help: "A topic filter; may be given several times.")
        var filters: [String]

        @Option(help: "The greatest QoS wanted, for all filters.")
        var qos = QoS.atLeastOnce

        @Option(name: .customLong("packet-id"), help: "The packet identifier.")
        var packetIdentifier: UInt16 = 1

        func packet() -> MQTTPacket {
            .subscribe(
                .init(
                    packetIdentifier: packetIdentifier,
                    subscriptions: filters.map { Subscription(filter: $0, qos: qos) }))
        }
    }

    struct Publish: PacketMaker {
        static let configuration = CommandConfiguration(commandName: "publish", abstract: "A message.")

        @Option(help: "The topic name.")
        var topic: String

        @Option(help: "The payload as text.")
        var payload: String?

        @Option(help: ArgumentHelp("The payload as it stands in a file, - for standard input.", valueName: "file"))
        var payloadFile: String?

        @Option(help: ArgumentHelp("The payload as hexadecimal pairs.", valueName: "hex"))
        var payloadHex: String?

        @Option(help: "0, 1 or 2.")
        var qos = QoS.atMostOnce

        @Option(name: .customLong("packet-id"), help: "The packet identifier of QoS 1 and 2 (default: 1).")
        var packetIdentifier: UInt16?

        @Flag(help: "The server keeps the message for new subscribers.")
        var retain = false

        @Flag(help: "The packet was sent before.")
        var dup = false

        func validate() throws {
            guard [payload, payloadFile, payloadHex].count(where: { $0 != nil }) <= 1 else {
                throw ValidationError("expected one of --payload, --payload-file and --payload-hex")
            }
            guard qos != .atMostOnce || packetIdentifier == nil else {
                throw ValidationError("--packet-id: a PUBLISH at QoS 0 has none [MQTT-2.3.1-5]")
            }
        }

        func packet() throws -> MQTTPacket {
            .publish(
                .init(
                    topic: topic, payload: try bytes(), qos: qos, retain: retain, dup: dup,
                    packetIdentifier: qos == .atMostOnce ? nil : packetIdentifier ?? 1))
        }

        private func bytes() throws -> [UInt8] {
            if let payloadFile { return try Standard.contents(of: payloadFile) }
            guard let payloadHex else { return Array((payload ?? "").utf8) }
            guard let bytes = HexText.bytes(payloadHex) else {
                throw Failure.usage("--payload-hex: expected pairs of hexadecimal digits")
            }
            return bytes
        }
    }

    struct PingReq: PacketMaker {
        static let configuration = CommandConfiguration(
            commandName: "pingreq", abstract: "A client asks for a sign of life.")

        func packet() -> MQTTPacket { .pingReq }
    }

    struct Disconnect: PacketMaker {
        static let configuration = CommandConfiguration(
            commandName: "disconnect", abstract: "A client leaves in order.")

        func packet() -> MQTTPacket { .disconnect }
    }
}

/// A command that makes one packet.
protocol PacketMaker: ParsableCommand {
    func packet() throws -> MQTTPacket
}

extension PacketMaker {
    /// Prints the packet, or says which rule of the standard it breaks.
    func run() throws {
        let packet = try packet()
        do throws(MQTTError) {
            Standard.say(HexText.text(try packet.strictlyEncoded()))
        } catch {
            throw Failure.usage(error.description)
        }
    }
}

/// `0`, `1` or `2`.
extension QoS: ExpressibleByArgument {}
