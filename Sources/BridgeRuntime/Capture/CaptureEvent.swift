import BridgeCore

/// A line of JSON to a program that records.
enum CaptureEvent {
    /// `{"event":"line","entry":"> AT\\r\\n"}`: a line of a transcript.
    static func line(_ entry: Transcript.Entry) -> [UInt8] {
        serialized(["event": "line", "entry": .string(entry.description)])
    }

    /// `{"event":"stream","at_ms":…,"opened":true}`, `"closed":true`, or `"sent"`/`"received"` with base64.
    static func stream(_ event: StreamEvent, at time: WallTime) -> [UInt8] {
        func text(_ bytes: [UInt8]) -> JSONValue { .string(String(decoding: Base64.encode(bytes), as: UTF8.self)) }
        let what: JSONValue.Member =
            switch event {
            case .opened: .init("opened", true)
            case .closed: .init("closed", true)
            case .sent(let bytes): .init("sent", text(bytes))
            case .received(let bytes): .init("received", text(bytes))
            }
        return serialized(.object([.init("event", "stream"), .init("at_ms", .int(time.milliseconds)), what]))
    }

    private static func serialized(_ value: JSONValue) -> [UInt8] { Array(value.serialized.utf8) + [0x0A] }
}
