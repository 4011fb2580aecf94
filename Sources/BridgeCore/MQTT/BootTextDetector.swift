/// Looks for the modem's boot and crash text in what should be MQTT.
///
/// In transparent mode a restart of the module puts ROM text (at 74,880 baud, so mostly garbage) and
/// `ready` into the stream. Only the last bytes are kept; they count when the stream makes no sense.
struct BootTextDetector: Sendable {
    private static let signs = ["ready\r\n", "rst cause:", "wdt reset", "WIFI CONNECTED", "WIFI GOT IP"]
        .map { Array($0.utf8) }
    private static let kept = 256

    private var tail: [UInt8] = []

    mutating func saw(_ bytes: ArraySlice<UInt8>) {
        tail.append(contentsOf: bytes.suffix(Self.kept))
        if tail.count > Self.kept { tail.removeFirst(tail.count - Self.kept) }
    }

    /// Whether one of the signs stands in the last bytes.
    var wasSeen: Bool { Self.signs.contains { tail.firstRange(of: $0) != nil } }

    /// Whether the last thing received is `ready`, the end of every boot.
    var isAtEnd: Bool { tail.suffix(7).elementsEqual(Self.signs[0]) }
}
