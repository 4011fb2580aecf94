import BridgeCore
import Logging

extension Logger {
    /// A line of the AT dialogue, secrets masked by the machine that made it.
    func dialogue(_ line: ModemLink.Line) {
        event(.atDialogue, level: .debug, "AT \(line.direction == .toModem ? ">" : "<") \(line.text)")
    }

    /// MQTT packets, in words and hex; a password is masked in both.
    func packets(_ bytes: [UInt8], sent: Bool) {
        guard logLevel <= .debug else { return }
        for line in PacketExplanation(of: bytes).lines {
            event(.mqttPacket, level: .debug, "MQTT \(sent ? ">" : "<") \(line)")
        }
    }
}
