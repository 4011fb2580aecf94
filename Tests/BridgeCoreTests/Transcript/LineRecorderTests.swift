import Testing

@testable import BridgeCore

/// What a recording of the serial line shows, and what it hides.
@Suite struct LineRecorderTests {
    private static let password = #"canary, "wifi\key"#
    private static let escaped = #"canary\, \"wifi\\key"#
    private var recorder = LineRecorder(secrets: [Self.password, "mqtt-canary"])

    private func at(_ milliseconds: Int) -> Moment { .zero + .milliseconds(milliseconds) }

    private func text(_ entries: [Transcript.Entry]) -> [String] { entries.map(\.description) }

    @Test mutating func linesOfBothSides() {
        var entries = recorder.noted(.order("begin reset"), now: at(0))
        entries += recorder.sent(Array("AT\r\n".utf8), inDataMode: false, now: at(10))
        for byte in "AT\r\r\n\r\nOK\r\n".utf8 {
            entries += recorder.received([byte], inDataMode: false, isConfidential: false, now: at(20))
        }
        entries += recorder.received(Array("\r\n> ".utf8), inDataMode: false, isConfidential: false, now: at(300))
        entries += recorder.sent([0xC0, 0], inDataMode: true, now: at(350))
        entries += recorder.received([0xD0, 0], inDataMode: true, isConfidential: false, now: at(500))
        #expect(
            text(entries) == [
                "! begin reset", #"> AT\r\n"#, #"< AT\r\r\n"#, #"< \r\n"#, #"< OK\r\n"#, "~ 280ms", #"< \r\n"#,
                #"< >\x20"#, #"> \xC0\x00"#, "~ 150ms", #"< \xD0\x00"#,
            ])
    }

    @Test(arguments: [1, 5, 200]) mutating func thePasswordOfTheNetworkIsHidden(chunk: Int) throws {
        let command = try ATCommand.join(suffix: "_CUR", ssid: "workshop", password: Self.password, bssid: nil)
        var entries = recorder.sent(command.bytes, inDataMode: false, now: at(0))
        // The echo, as it is and with a text of the module in the middle; then what is no secret.
        let echo = "AT+CWJAP_CUR=\"workshop\",\"\(Self.escaped)\"\r\r\n"
        let torn = "AT+CWJAP_CUR=\"worksWIFI DISCONNECT\r\nhop\",\"canary\\, \\\"wiWIFI CONNECTED\r\nfi\\\\key\"\r\r\n"
        let rest = "WIFI CONNECTED\r\nWIFI GOT IP\r\n+CWJAP:2\r\n\r\nOK\r\n"
        let heard = Array((echo + torn + rest).utf8)
        for start in stride(from: 0, to: heard.count, by: chunk) {
            entries += recorder.received(
                Array(heard[start..<min(start + chunk, heard.count)]), inDataMode: false, isConfidential: true,
                now: at(0))
        }
        let said = text(entries)
        #expect(said.first == #"> AT+CWJAP_CUR="workshop","***"\r\n"#)
        #expect(said.contains(#"< AT+CWJAP_CUR="workshop","***"\r\n"#))
        for part in ["canary", "wifi", "wi", "key"] { #expect(!said.joined().contains(part), "\(part)") }
        #expect(
            said.suffix(5) == [
                #"< WIFI CONNECTED\r\n"#, #"< WIFI GOT IP\r\n"#, #"< +CWJAP:2\r\n"#, #"< \r\n"#, #"< OK\r\n"#,
            ])
    }

    @Test mutating func theHardwareAddressBehindThePasswordIsShown() throws {
        let command = try ATCommand.join(
            suffix: "", ssid: "workshop", password: Self.password, bssid: "c0:25:e9:12:34:56")
        #expect(
            text(recorder.sent(command.bytes, inDataMode: false, now: at(0)))
                == [#"> AT+CWJAP="workshop","***","c0:25:e9:12:34:56"\r\n"#])
    }

    @Test mutating func secretsAreHiddenWhereverTheyStand() throws {
        let connect = MQTTPacket.connect(
            .init(clientIdentifier: "gateway", keepAlive: 100, username: "user", password: Array("short".utf8)))
        var entries = recorder.sent(connect.encoded(), inDataMode: true, now: at(0))
        entries += recorder.sent(Array("mqtt-canary".utf8), inDataMode: true, now: at(0))
        entries += recorder.received(
            Array("x\(Self.escaped)x mqtt-canary\r\n".utf8), inDataMode: false, isConfidential: false, now: at(0))
        let said = text(entries).joined()
        for secret in ["short", "mqtt-canary", "wifi"] { #expect(!said.contains(secret)) }
        #expect(said.contains(#"user\x00\x05*****"#))
    }

    @Test mutating func memoryIsBounded() {
        let flood = [UInt8](repeating: 0x55, count: 100_000)
        let entries = recorder.received(flood, inDataMode: false, isConfidential: false, now: at(0))
        #expect(entries.count == 100_000 / LineRecorder.longestLine)
    }

    @Test mutating func whatIsWrittenIsATranscript() throws {
        var entries: [Transcript.Entry] = []
        for value in UInt8.min...UInt8.max {
            entries += recorder.received([value, 0x0A], inDataMode: false, isConfidential: false, now: at(0))
            entries += recorder.sent([value], inDataMode: true, now: at(0))
        }
        let transcript = Transcript(entries)
        #expect(try Transcript(parsing: transcript.description) == transcript)
    }
}
