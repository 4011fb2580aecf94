/// Recognises what an ESP8266 says when it starts, in a stream that should be MQTT.
///
/// In transparent mode the firmware is silent; when it restarts by itself (brown-out, watchdog,
/// crash), the text of the boot ROM and of the application lands in the stream. The ROM speaks at
/// 74,880 baud and so is mostly garbage; the application's `ready` comes at the right speed.
enum BootText {
    private static let marks = [
        "ready\r\n", "rst cause", "wdt reset", "WDT reset", "Fatal exception", "WIFI CONNECTED",
    ].map { Array($0.utf8) }

    /// Whether one of the marks stands anywhere in `bytes`.
    static func isPresent(in bytes: [UInt8]) -> Bool {
        for (index, byte) in bytes.enumerated() {
            for mark in marks where mark[0] == byte && bytes[index...].starts(with: mark) { return true }
        }
        return false
    }

    /// The last bytes of a stream, as many as a mark may need to be seen whole, and some more.
    struct Tail {
        private static let length = 512
        private(set) var bytes: [UInt8] = []

        mutating func append(_ chunk: ArraySlice<UInt8>) {
            bytes += chunk.suffix(Self.length)
            if bytes.count > 2 * Self.length { bytes.removeFirst(bytes.count - Self.length) }
        }
    }
}
