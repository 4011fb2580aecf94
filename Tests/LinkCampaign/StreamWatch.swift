import BridgeCore

/// Reads what the bridge sends to the cloud, as it goes over the line, and knows which packet identifiers are in flight and
/// which messages of QoS 0 were wholly sent.
struct StreamWatch {
    let payloads: Payloads
    private var decoder: MQTTStreamDecoder?
    /// By identifier: the payload that is in flight under it.
    private var inFlight: [UInt16: [UInt8]] = [:]
    /// Messages of QoS 0 whose last byte was on the line.
    private(set) var written: Set<Int64> = []

    init(payloads: Payloads) { self.payloads = payloads }

    /// A new connection: what is written from now on begins with CONNECT.
    mutating func connected() { decoder = MQTTStreamDecoder(maximumPacketSize: 1 << 20) }

    /// Bytes of the tunnel.
    mutating func sent(_ bytes: [UInt8]) -> String? {
        decoder?.append(bytes[...])
        var complaint: String?
        do {
            while let packet = try decoder?.next() {
                guard case .publish(let publish) = packet else { continue }
                guard let identifier = publish.packetIdentifier else {
                    if let number = payloads.number(in: publish.payload) { written.insert(number) }
                    continue
                }
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
