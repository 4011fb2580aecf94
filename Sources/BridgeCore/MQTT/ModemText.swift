/// Recognises what an ESP8266 says by itself, in a stream that should be MQTT.
///
/// In transparent mode the firmware is silent. When it restarts by itself (brown-out, watchdog, crash), the text of the
/// boot ROM and of the application lands in the stream. The ROM speaks at 74,880 baud and so is mostly garbage; the
/// application's `ready` comes at the right speed. When it has left transparent mode, it takes what is sent for command
/// lines, and refuses each where a line feed ends it (``MQTTSession/answeredByCommandMode``).
enum ModemText {
    private static let boot = [
        "ready\r\n", "rst cause", "wdt reset", "WDT reset", "Fatal exception", "WIFI CONNECTED",
    ].map { Array($0.utf8) }

    private static let refusals = ["\r\nERROR\r\n", "\r\nbusy p...\r\n"].map { Array($0.utf8) }

    static func saysRestart(_ bytes: [UInt8]) -> Bool { contains(boot, bytes) }

    /// What the modem says itself, in a stream that cannot be read on; nil when it is silent.
    static func verdict(on bytes: [UInt8]) -> LinkFailure? {
        if saysRestart(bytes) { return .modemRestartedOnline }
        guard contains(refusals, bytes) else { return nil }
        return .protocolViolation(detail: "the modem answers as to a command: it left transparent mode")
    }

    /// Whether one of the texts stands anywhere in `bytes`.
    private static func contains(_ texts: [[UInt8]], _ bytes: [UInt8]) -> Bool {
        for (index, byte) in bytes.enumerated() {
            for text in texts where text[0] == byte && bytes[index...].starts(with: text) { return true }
        }
        return false
    }

    /// The last bytes of a stream, as many as a text may need to be seen whole, and some more.
    struct Tail {
        private static let length = 512
        private(set) var bytes: [UInt8] = []

        mutating func append(_ chunk: ArraySlice<UInt8>) {
            bytes += chunk.suffix(Self.length)
            if bytes.count > 2 * Self.length { bytes.removeFirst(bytes.count - Self.length) }
        }
    }
}
