import BridgeCore
import Synchronization
import Testing

@testable import ModemSimulator

/// Transcripts, played and recorded.
@Suite("Transcripts as a modem")
struct TranscriptModemTests {
    private let workshop = #"""
        # a join
        > AT+CWJAP_CUR="workshop","***"\r\n
        ~ 3s
        < WIFI CONNECTED\r\n
        < WIFI GOT IP\r\n\r\nOK\r\n
        ~ 10s
        > AT\r\n
        < \r\nOK\r\n
        """#

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func at(_ seconds: Int) -> Moment { .zero + .seconds(seconds) }

    @Test("says its part when the host has said its own, in any pieces, whatever the password is")
    func plays() throws {
        var modem = TranscriptModem(try Transcript(parsing: workshop))
        #expect(modem.input(now: at(0)) == [])
        for byte in bytes(#"AT+CWJAP_CUR="workshop","se\"cret""#) { #expect(modem.input([byte], now: at(0)) == []) }
        #expect(modem.input(bytes("\r\n"), now: at(0)) == [])
        #expect(modem.deadline == at(3))
        #expect(
            modem.input(now: at(3)) == [
                .write(bytes("WIFI CONNECTED\r\n")), .write(bytes("WIFI GOT IP\r\n\r\nOK\r\n")),
            ])
        // The pause before AT was the host's.
        #expect(modem.deadline == nil)
        #expect(modem.input(bytes("AT\r\n"), now: at(3)) == [.write(bytes("\r\nOK\r\n")), .finished])
    }

    @Test("without pauses it answers at once")
    func hasty() throws {
        var modem = TranscriptModem(try Transcript(parsing: workshop), pauses: 0)
        _ = modem.input(bytes(#"AT+CWJAP_CUR="workshop","x""# + "\r\n"), now: at(0))
        #expect(modem.input(now: at(0)).count == 2)
    }

    @Test("something else than then is told with its entry, and ends the play")
    func mismatch() throws {
        var modem = TranscriptModem(try Transcript(parsing: workshop))
        let expected = bytes(#"AT+CWJAP_CUR="workshop","***""# + "\r\n")
        #expect(
            modem.input(bytes("ATE0"), now: at(0)) == [.mismatch(entry: 2, expected: expected, heard: bytes("ATE0"))])
        #expect(modem.input(bytes("AT\r\n"), now: at(0)) == [])
    }

    @Test("single stars fit one byte each, as in the password of a recorded CONNECT")
    func stars() {
        #expect(TranscriptMatch.of(bytes("a12c"), with: bytes("a**c")) == .whole(4))
        #expect(TranscriptMatch.of(bytes("a1"), with: bytes("a**c")) == .beginning)
        #expect(TranscriptMatch.of(bytes("a12d"), with: bytes("a**c")) == .different)
        #expect(TranscriptMatch.of(bytes("x"), with: bytes("\"***\"")) == .different)
    }

    @Test("what was recorded plays")
    func recorded() throws {
        let lines = Mutex<[String]>([])
        var options = ModemHost.Options()
        options.baud = nil
        options.configuration.timing = .fast
        options.trace = { line in lines.withLock { $0.append(line) } }
        let host = try ModemHost(options)
        let client = try TerminalClient(path: host.path)
        let boot = client.read(until: "ready\r\n")
        let first = try client.ask("AT+GMR")
        let second = try client.ask("AT+CWMODE_CUR=1")
        host.stop()

        let transcript = try Transcript(parsing: lines.withLock { $0.joined(separator: "\n") })
        var modem = TranscriptModem(transcript, pauses: 0)
        var said: [UInt8] = []
        for input in ["", "AT+GMR\r\n", "AT+CWMODE_CUR=1\r\n"] {
            for effect in modem.input(bytes(input), now: at(0)) {
                switch effect {
                case .write(let bytes): said += bytes
                case .mismatch: Issue.record("\(effect)")
                case .finished: break
                }
            }
        }
        #expect(String(decoding: said, as: UTF8.self).hasSuffix(first + second))
        #expect(boot.hasSuffix("ready\r\n"))
    }
}
