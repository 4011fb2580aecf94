import Testing

@testable import BridgeCore

@Suite struct ATCommandTests {
    /// The example of the manual: SSID `ab\,c`, password `0123456789"\`.
    @Test func escapesAsTheManualShows() throws {
        let command = try ATCommand.join(suffix: "_CUR", ssid: "ab\\,c", password: "0123456789\"\\", bssid: nil)
        #expect(command.text == #"AT+CWJAP_CUR="ab\\\,c","0123456789\"\\""#)
        #expect(command.bytes == Array(command.text.utf8) + [13, 10])
    }

    @Test func hidesThePassword() throws {
        let command = try ATCommand.join(suffix: "", ssid: "workshop", password: "pass", bssid: "d8:0d:17:aa:bb:cc")
        #expect(command.masked == #"AT+CWJAP="workshop","•••","d8:0d:17:aa:bb:cc""#)
        #expect(command.text == #"AT+CWJAP="workshop","pass","d8:0d:17:aa:bb:cc""#)
        #expect(command.isSecret)
        #expect(!ATCommand.probe.isSecret)
    }

    @Test(arguments: ["a\rb", "a\nb", "a\0b", "a\u{7F}", "\u{1B}", "a\r\nAT+RESTORE"])
    func refusesControlCharacters(value: String) {
        #expect(throws: ATCommand.Problem.controlCharacter(value: "SSID")) {
            try ATCommand.join(suffix: "", ssid: value, password: "", bssid: nil)
        }
        #expect(throws: ATCommand.Problem.controlCharacter(value: "Wi-Fi password")) {
            try ATCommand.join(suffix: "", ssid: "a", password: value, bssid: nil)
        }
        #expect(throws: ATCommand.Problem.controlCharacter(value: "host name")) {
            try ATCommand.dial(host: value, port: 1, keepAlive: 0)
        }
    }

    @Test func refusesWhatTheLineBufferDoesNotHold() throws {
        let empty = try ATCommand.dial(host: "", port: 1883, keepAlive: 0).bytes.count
        let fits = String(repeating: "h", count: ATCommand.longestLine - empty)
        #expect(try ATCommand.dial(host: fits, port: 1883, keepAlive: 0).bytes.count == 256)
        #expect(throws: ATCommand.Problem.self) { try ATCommand.dial(host: fits + "h", port: 1883, keepAlive: 0) }
    }

    @Test func tellsNoSecretWhenItIsTooLong() {
        let password = String(repeating: "secret", count: 50)
        do {
            _ = try ATCommand.join(suffix: "", ssid: "a", password: password, bssid: nil)
            Issue.record("taken")
        } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }

    @Test(arguments: [(0, #"AT+CIPSTART="TCP","10.0.0.1",1883"#), (60, #"AT+CIPSTART="TCP","10.0.0.1",1883,60"#)])
    func dials(keepAlive: Int, text: String) throws {
        #expect(try ATCommand.dial(host: "10.0.0.1", port: 1883, keepAlive: keepAlive).text == text)
    }
}
