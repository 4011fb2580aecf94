import Logging
import Testing

@testable import BridgeRuntime

/// A line as a journal entry.
@Suite("Journal entries")
struct JournalLogHandlerTests {
    @Test("fields are upper case behind ESPBRIDGED_, and the event's id is MESSAGE_ID")
    func fields() {
        let entries = JournalLogHandler.entries(
            level: .warning, message: "link lost",
            metadata: ["rung": "joining", "peer-pid": "71", JournalEvent.metadataKey: "0123"])
        #expect(
            Set(entries) == [
                "MESSAGE=link lost", "PRIORITY=4", "SYSLOG_IDENTIFIER=espbridged", "ESPBRIDGED_RUNG=joining",
                "ESPBRIDGED_PEER_PID=71", "MESSAGE_ID=0123",
            ])
    }

    @Test("where no fields go with a line, it names the program that it is about")
    func peer() {
        #expect(
            JournalLogHandler.peer(in: ["peer-pid": "71", "peer-uid": "0", "peer-unit": "a.service", "topic": "t"])
                == " (pid 71, uid 0, unit a.service)")
        #expect(JournalLogHandler.peer(in: ["topic": "t"]) == "")
    }

    @Test(
        "levels are syslog's priorities",
        arguments: zip(Logger.Level.allCases, ["7", "7", "6", "5", "4", "3", "2"]))
    func priorities(level: Logger.Level, priority: String) {
        #expect(JournalLogHandler.entries(level: level, message: "", metadata: [:])[1] == "PRIORITY=\(priority)")
    }

    @Test("each kind of event has an id of its own, 128 bits as lower-case hexadecimal")
    func identifiers() {
        let identifiers = JournalEvent.allCases.map(\.rawValue)
        #expect(Set(identifiers).count == identifiers.count)
        for identifier in identifiers {
            #expect(identifier.count == 32)
            #expect(identifier.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        }
    }
}
