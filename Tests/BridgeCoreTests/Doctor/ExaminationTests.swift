import Foundation
import Testing

@testable import BridgeCore

/// What the doctor finds out, and in which words.
@Suite struct ExaminationTests {
    static let names: [String] = {
        let folder = Bundle.module.url(forResource: "doctor", withExtension: nil, subdirectory: "Fixtures")
        let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        return files.filter { $0.hasSuffix(".at") }.sorted()
    }()

    private func play(_ name: String, dripFeeds: Bool = false) throws -> [Checkup] {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures/doctor"))
        var player = ExaminationPlayer(dripFeeds: dripFeeds)
        try player.play(try Transcript(parsing: try String(contentsOf: url, encoding: .utf8)))
        return player.checkups
    }

    @Test(arguments: names, [false, true])
    func goesAsWritten(name: String, dripFeeds: Bool) throws {
        _ = try play(name, dripFeeds: dripFeeds)
    }

    @Test(
        arguments: [
            ("healthy.at", "\"workshop\" -57 dBm channel 6, 1 other in range"),
            ("healthy.at", "192.168.1.23, the access point at -57 dBm"),
            ("healthy.at", "broker.example.net is 192.0.2.7, after 0 ms"),
            ("healthy.at", "\"workshop\" joined after 900 ms"),
            ("data-mode.at", "in data mode: answered only after +++, then after 0 ms"),
            ("own-echo.at", "TX is tied to RX"),
            ("other-speed.at", "The module speaks at 9600 bits a second; serial.baud is 115200."),
            ("old-firmware.at", "AT 0.51.0.0, is not supported"),
            ("out-of-range.at", "\"workshop\" is not listed; in range: \"neighbour\" -81 dBm channel 11"),
            ("out-of-range.at", "There is no access point \"workshop\" in range."),
            ("seen-the-second-time.at", "\"workshop\" -57 dBm channel 6"),
            ("unseen-but-there.at", "\"workshop\" joined after 900 ms"),
            ("no-address.at", "\"workshop\" was joined, but gave no address."),
            ("wrong-password.at", "does not take the password"),
            ("dns.at", "could not be resolved"),
        ])
    func words(name: String, words: String) throws {
        #expect(try play(name).contains { $0.words.contains(words) })
    }

    @Test(arguments: names)
    func everyFailureSaysWhatToTry(name: String) throws {
        for checkup in try play(name) where checkup.result == .bad {
            #expect(!checkup.advice.isEmpty)
            #expect(checkup.lines.count == 1 + checkup.advice.count)
            #expect(checkup.lines.allSatisfy { !$0.contains("s3cret") })
        }
    }

    /// Runs the line's part to its end, with a modem that says `reply` to everything at `speed`.
    private func finding(at speed: Int?, reply: [UInt8]) -> (finding: LineExamination.Finding?, took: Duration) {
        var line = LineExamination(baud: 115_200)
        var now = Moment.zero
        var baud = 115_200
        var pending = line.begun(now: now)
        while true {
            var next: [LineExamination.Effect] = []
            for effect in pending {
                switch effect {
                case .setSpeed(let new): baud = new
                case .send where speed == nil || speed == baud: next += line.received(reply[...], now: now)
                case .send: break
                case .found(let finding): return (finding, now - .zero)
                }
            }
            if next.isEmpty {
                guard let deadline = line.deadline else { return (nil, now - .zero) }
                now = deadline
                next = line.timerFired(now: now)
            }
            pending = next
        }
    }

    @Test func nothingAtAll() {
        let (finding, took) = finding(at: 0, reply: [])
        #expect(finding == .silent)
        #expect(took < .seconds(60))
    }

    @Test func garbageAtEverySpeed() {
        #expect(finding(at: nil, reply: [0xFF, 0x00]).finding?.checkups(configured: 115_200).first?.rung == .baud)
        guard case .garbled(let sample) = finding(at: nil, reply: [0xFF, 0x00]).finding else {
            Issue.record("garbage was taken for something")
            return
        }
        #expect(sample.starts(with: [0xFF, 0x00]))
    }

    @Test(arguments: LineExamination.usualSpeeds)
    func theSpeedIsFound(speed: Int) {
        let (finding, _) = finding(at: speed, reply: Array("\r\nOK\r\n".utf8))
        #expect(finding == .answers(baud: speed, roundTrip: .zero, wasInDataMode: false))
    }

    @Test func oneThatRefusesEverything() {
        #expect(
            finding(at: 115_200, reply: Array("\r\nERROR\r\n".utf8)).finding
                == .refuses(baud: 115_200, reply: "ERROR"))
    }

    @Test(
        arguments: [
            (#"+CWLAP:(3,"workshop",-57,"c0:25:e9:12:34:56",6,-12,0)"#, "workshop", -57),
            (#"+CWLAP:(0,"a "quoted", one",-60,"c0:25:e9:12:34:56",1)"#, #"a "quoted", one"#, -60),
            (#"+CWLAP:(4,"",-90,"c0:25:e9:12:34:56",13,1,0)"#, "", -90),
        ])
    func accessPoints(line: String, ssid: String, strength: Int) throws {
        let seen = try #require(AccessPointSeen(ATLine(line)))
        #expect(seen.ssid == ssid)
        #expect(seen.strength == strength)
    }

    @Test(arguments: ["OK", "+CWLAP:(", #"+CWLAP:("x")"#, #"+CWLAP:(3,"x",-1,"nothex",1)"#])
    func noAccessPoints(line: String) {
        #expect(AccessPointSeen(ATLine(line)) == nil)
    }
}
