import BridgeCore
import Testing

@testable import BridgeRuntime

/// The ladder in one line, and in `status`.
@Suite("Where the link stands")
struct LinkSituationTests {
    private let next = WallTime(milliseconds: 1_795_000_000_000)

    @Test("a failed attempt says the rung, the reason, the next attempt and what waits")
    func backoff() {
        var situation = LinkSituation()
        _ = situation.climbed(.joining)
        situation.failed(.wrongPassword(ssid: "workshop"), nextAttempt: next)
        let line = situation.line(waiting: 3)
        #expect(line.hasPrefix("backoff at joining: "))
        #expect(line.contains("\(LinkFailure.wrongPassword(ssid: "workshop"))"))
        #expect(line.hasSuffix("; next attempt \(next.text) (3 waiting)"))
    }

    @Test("on the way up the last failure stays in sight; online it is forgotten")
    func climbing() {
        var situation = LinkSituation()
        _ = situation.climbed(.syncing)
        situation.failed(.modemSilent, nextAttempt: next)
        let isNews = situation.climbed(.syncing)
        #expect(isNews)
        #expect(situation.line(waiting: 0) == "syncing; last failure: \(LinkFailure.modemSilent)")
        let isNewsAgain = situation.climbed(.syncing)
        #expect(!isNewsAgain)
        _ = situation.climbed(.online)
        #expect(situation.failure == nil)
        #expect(situation.line(waiting: 0) == "online since \(situation.since.text)")
    }

    @Test("a port that is waited for stays no-port, since the time it went")
    func noPort() {
        var situation = LinkSituation()
        #expect(!situation.waitsForPort)
        situation.lacksPort(.portMissing(path: "/dev/x"))
        let since = situation.since
        situation.lacksPort(.portMissing(path: "/dev/x"))
        #expect(situation.waitsForPort)
        #expect(situation.since == since)
        #expect(situation.line(waiting: 0) == "no-port: \(LinkFailure.portMissing(path: "/dev/x"))")
    }
}
