import BridgeCore
import Logging
import Testing

@testable import BridgeRuntime

/// The lines an administrator reads about the link.
@Suite("Lines about the link")
struct LinkJournalTests {
    private let recorder = LogRecorder()

    private func journal() -> LinkJournal {
        let recorder = recorder
        return LinkJournal(logger: Logger(label: "test") { _ in recorder })
    }

    private func at(_ seconds: Int) -> Moment { .zero + .seconds(seconds) }

    private var notable: [String] { recorder.entriesAbove(.info).map(\.text) }

    @Test(
        "an outage is two lines however long it lasts: its beginning, and its end with length, attempts and what waits")
    func outage() {
        var journal = journal()
        journal.online(waiting: 0, now: at(0))
        for attempt in 0..<500 {
            journal.failed(
                .modemSilent, at: attempt == 0 ? .online : .syncing, waiting: 7, wait: .seconds(120),
                now: at(10 + attempt * 120))
            journal.climbed(.syncing)
        }
        journal.online(waiting: 7, now: at(10 + 3_600 * 17))
        #expect(notable.count == 3)
        #expect(notable[1].hasPrefix("link lost. "))
        #expect(notable[2] == "online again after 17 h 0 min without service: 500 failed attempts, 7 waiting")
    }

    @Test("within an outage only a reason that needs a person is a line of its own, once; the end counts all of them")
    func reasons() {
        var journal = journal()
        journal.online(waiting: 0, now: at(0))
        let failures: [LinkFailure] = [
            .pingTimedOut, .modemSilent, .modemSilent, .wrongPassword(ssid: "w"), .wrongPassword(ssid: "w"),
            .modemSilent, .wrongPassword(ssid: "w"),
        ]
        for failure in failures { journal.failed(failure, at: .joining, waiting: 0, wait: .seconds(2), now: at(1)) }
        journal.online(waiting: 3, now: at(61))
        #expect(notable.count == 4)
        #expect(notable[2].hasPrefix("not online until a person helps, failed at joining. "))
        #expect(
            notable[3] == "online again after 1 min 0 s without service: 7 failed attempts (ping-timed-out 1, "
                + "modem-silent 3, wrong-password 3), 3 waiting")
    }

    @Test("what needs a person is an error, what heals a warning")
    func levels() {
        var journal = journal()
        journal.failed(.modemSilent, at: .syncing, waiting: 0, wait: .seconds(2), now: at(1))
        journal.failed(.wrongPassword(ssid: "w"), at: .joining, waiting: 0, wait: .seconds(2), now: at(2))
        #expect(recorder.entriesAbove(.info).map(\.level) == [.warning, .error])
    }

    @Test("each line says the rung, the reason and what waits in fields")
    func fields() throws {
        var journal = journal()
        journal.failed(.modemSilent, at: .syncing, waiting: 12, wait: .seconds(2), now: at(1))
        let metadata = try #require(recorder.entriesAbove(.info).first?.metadata)
        #expect(metadata["rung"] == "syncing")
        #expect(metadata["reason"] == .string(LinkFailure.modemSilent.word))
        #expect(metadata["attempt"] == "1")
        #expect(metadata["queue-depth"] == "12")
        #expect(metadata[JournalEvent.metadataKey] == .string(JournalEvent.linkReason.rawValue))
    }

    @Test("the end of an outage has its length and the figures of the link in fields")
    func endFields() throws {
        var journal = journal()
        journal.failed(.modemSilent, at: .syncing, waiting: 0, wait: .seconds(2), now: at(1))
        journal.online(waiting: 2, figures: ["rssi": "-61", "rtt-ms": "40"], now: at(100))
        let metadata = try #require(recorder.entriesAbove(.info).last?.metadata)
        #expect(metadata["outage-s"] == "99")
        #expect(metadata["attempt"] == "1")
        #expect(metadata["rssi"] == "-61")
        #expect(metadata["rtt-ms"] == "40")
        #expect(metadata[JournalEvent.metadataKey] == .string(JournalEvent.linkOnline.rawValue))
    }

    @Test("an adapter that is pulled out and put back is two lines")
    func unplugged() {
        var journal = journal()
        journal.online(waiting: 0, now: at(0))
        journal.lacksPort(.portLost(path: "/dev/x"), now: at(1))
        for second in 2..<100 { journal.lacksPort(.portMissing(path: "/dev/x"), now: at(second)) }
        journal.online(waiting: 0, now: at(101))
        #expect(notable.count == 3)
        #expect(notable[2] == "online again after 1 min 40 s without service: 0 failed attempts, 0 waiting")
    }

    @Test("a missing port is one line, however often it is looked for")
    func port() {
        var journal = journal()
        for second in 0..<100 { journal.lacksPort(.portMissing(path: "/dev/x"), now: at(second)) }
        journal.lacksPort(.portHeld(path: "/dev/x", holders: ["minicom[7]"]), now: at(100))
        #expect(notable.count == 2)
        #expect(notable[1].contains("minicom[7]"))
    }

    @Test("the first climb is shown rung by rung, later ones only to those who ask")
    func climbs() {
        var journal = journal()
        journal.climbed(.syncing)
        journal.online(waiting: 0, now: at(5))
        journal.failed(.modemSilent, at: .online, waiting: 0, wait: .seconds(2), now: at(6))
        journal.climbed(.syncing)
        #expect(recorder.entriesAbove(.debug).filter { $0.text == "link: syncing" }.count == 1)
    }

    @Test(
        "lengths for people",
        arguments: [
            (Duration.milliseconds(350), "350 ms"), (.seconds(12), "12 s"), (.seconds(200), "3 min 20 s"),
            (.seconds(18_120), "5 h 2 min"), (.seconds(3 * 86_400 + 4 * 3_600 + 59), "3 d 4 h"),
        ])
    func lengths(duration: Duration, words: String) {
        #expect(duration.spoken == words)
    }
}

extension LogRecorder {
    /// What was logged at a higher level than `level`.
    func entriesAbove(_ level: Logger.Level) -> [(level: Logger.Level, text: String, metadata: Logger.Metadata)] {
        all.filter { $0.level > level }
    }
}
