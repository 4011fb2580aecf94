import BridgeCore

/// Reads what the bridge sends, and knows which packet identifiers are in flight.
struct IdentifierWatch {
    private var decoder: MQTTStreamDecoder?
    /// By identifier: the payload that is in flight under it.
    private var inFlight: [UInt16: [UInt8]] = [:]

    /// A new connection: what is written from now on begins with CONNECT.
    mutating func connected() { decoder = MQTTStreamDecoder(maximumPacketSize: 1 << 20) }

    /// Bytes for the line; what stands before CONNECT or behind DISCONNECT is the AT dialogue.
    mutating func sent(_ bytes: [UInt8]) -> String? {
        if bytes == Array("+++".utf8) { decoder = nil }
        // In packet mode: what announces a piece, and the question whether the module still sends.
        if bytes.starts(with: "AT+CIPSEND=".utf8) || bytes == Array("AT\r\n".utf8) { return nil }
        decoder?.append(bytes[...])
        var complaint: String?
        do {
            while let packet = try decoder?.next() {
                guard case .publish(let publish) = packet, let identifier = publish.packetIdentifier else { continue }
                if let other = inFlight[identifier], other != publish.payload {
                    complaint = "the packet identifier \(identifier) was used twice in flight"
                }
                for (old, payload) in inFlight where payload == publish.payload && old != identifier {
                    inFlight[old] = nil
                }
                inFlight[identifier] = publish.payload
            }
        } catch {
            decoder = nil
            complaint = "what was sent is not MQTT: \(error)"
        }
        return complaint
    }

    /// The message was acknowledged.
    mutating func acknowledged(_ sequence: Int64) {
        let start = Array("{\"id\":\"\(sequence)\",".utf8)
        for (identifier, payload) in inFlight where payload.starts(with: start) { inFlight[identifier] = nil }
    }
}
