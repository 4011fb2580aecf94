/// Reads the cipher out of the first bytes of a server, which the TLS library does not tell.
///
/// Record: type 22, version, length; handshake: type 2, length, version, random (32 bytes), session identifier with its
/// length in a byte, cipher suite (RFC 5246, section 7.4.1.3; RFC 8446, section 4.1.3).
public struct ServerHello: Sendable {
    private static let randomEnds = 5 + 4 + 2 + 32
    /// With the longest session identifier.
    private static let longest = randomEnds + 1 + 32 + 2

    private var bytes: [UInt8] = []
    private(set) var cipherCode: UInt16?

    public init() {}

    /// The cipher by its name in IANA's registry; the number of one that no client here offers.
    public var cipher: String? {
        cipherCode.map { Self.names[$0] ?? "0x" + String($0, radix: 16, uppercase: true) }
    }

    public mutating func received(_ chunk: some Collection<UInt8>) {
        guard bytes.count < Self.longest else { return }
        bytes += chunk.prefix(Self.longest - bytes.count)
        guard bytes.count > Self.randomEnds, bytes[0] == 22, bytes[5] == 2 else { return }
        let place = Self.randomEnds + 1 + Int(bytes[Self.randomEnds])
        guard bytes.count >= place + 2 else { return }
        cipherCode = UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }

    private static let names: [UInt16: String] = [
        0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256",
        0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    ]
}
