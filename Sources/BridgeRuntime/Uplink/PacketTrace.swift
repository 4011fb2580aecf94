import BridgeCore

/// Gathers what goes one way into whole packets, so that a trace shows packets and not the chunks of a serial line.
struct PacketTrace {
    /// What is held of a packet that is not complete; longer ones are shown in pieces.
    private static let longest = 65_536

    private var pending: [UInt8] = []

    /// The packets that are complete now. Bytes that are no packet come as they are.
    mutating func received(_ bytes: [UInt8]) -> [[UInt8]] {
        pending += bytes
        var packets: [[UInt8]] = []
        while !pending.isEmpty {
            guard let length = lengthOfFirst else { return packets }
            packets.append(Array(pending.prefix(length)))
            pending.removeFirst(length)
        }
        return packets
    }

    /// How many bytes make up the first packet; nil while it is not complete.
    private var lengthOfFirst: Int? {
        do throws(MQTTError) {
            if let (_, length) = try MQTTPacket.decodeFirst(pending[...]) { return length }
            return pending.count >= Self.longest ? pending.count : nil
        } catch {
            return pending.count
        }
    }
}
