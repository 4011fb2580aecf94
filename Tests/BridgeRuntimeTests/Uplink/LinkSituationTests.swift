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

    @Test("what failed before, and the attempt is past, is not said to fail")
    func pastFailure() {
        var situation = LinkSituation()
        situation.lacksPort(.portMissing(path: "/dev/x"))
        #expect(situation.explanation(waiting: 0).contains(": it fails at no-port since 20"))
        #expect(situation.explanation(waiting: 0).contains("Plug"))
        _ = situation.climbed(.joining)
        let text = situation.explanation(waiting: 1)
        #expect(
            text.contains(
                ": the link is on its way up and stands at joining. Before, it failed at no-port: There is no"))
        #expect(!text.contains("Plug"))
        #expect(text.hasSuffix("1 message waits."))
    }

    @Test("new settings that have to wait for the limit of CONNECTs: not online, and why, and until when")
    func waitsForBudget() {
        var situation = LinkSituation()
        _ = situation.climbed(.online)
        situation.waits(after: .settingsChanged, nextAttempt: next)
        #expect(situation.state == .backoff)
        #expect(situation.nextAttempt == next)
        #expect(situation.failure?.word == "settings-changed")
        #expect(situation.failedAttempts == 0)
        let text = situation.explanation(waiting: 0)
        let began = situation.offlineSince?.text ?? "?"
        #expect(text.hasPrefix("Not online since \(began): the session that was up was ended. "))
        #expect(text.hasSuffix("The next attempt begins at \(next.text)."))
        _ = situation.climbed(.syncing)
        #expect(situation.explanation(waiting: 0).hasSuffix("An attempt stands at syncing."))
    }

    @Test("a port that flaps and has to wait for the limit of CONNECTs stays the reason")
    func flappingPort() {
        var situation = LinkSituation()
        let lost = LinkFailure.portLost(path: "/dev/x")
        situation.lacksPort(lost)
        let failing = situation.failingSince
        situation.waits(after: lost, nextAttempt: next)
        #expect(situation.state == .backoff)
        #expect(situation.failure == lost)
        #expect(situation.failedRung == .opening)
        #expect(situation.failingSince == failing)
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

    @Test("the explanation: rung, since when, why, what to do, how it goes on, and what waits")
    func explanation() {
        var situation = LinkSituation()
        #expect(situation.explanation(waiting: 0).hasPrefix("Not online yet: the link has been on its way up since "))
        _ = situation.climbed(.joining)
        let failure = LinkFailure.wrongPassword(ssid: "workshop")
        situation.failed(failure, nextAttempt: next)
        let text = situation.explanation(waiting: 2)
        #expect(text.hasPrefix("Not online since \(situation.offlineSince?.text ?? "?"): it fails at joining since "))
        #expect(
            text.contains(" \(failure) \(failure.advice) 1 attempt has failed, the next one begins at \(next.text)."))
        #expect(text.hasSuffix(" 2 messages wait."))
        _ = situation.climbed(.syncing)
        #expect(situation.explanation(waiting: 1).hasSuffix("another one stands at syncing. 1 message waits."))
        _ = situation.climbed(.online)
        #expect(situation.explanation(waiting: 0) == "Online since \(situation.since.text).")
    }

    @Test("the outage is as old as its first failure, a reason as old as its own")
    func ages() {
        var situation = LinkSituation()
        _ = situation.climbed(.online)
        #expect(situation.offlineSince == nil)
        situation.failed(.pingTimedOut, nextAttempt: next)
        #expect(situation.explanation(waiting: 0).contains(": the session that was up has ended. "))
        let (began, failing) = (situation.offlineSince, situation.failingSince)
        #expect(began != nil)
        _ = situation.climbed(.dialling)
        situation.failed(.hostUnreachable(host: "h", port: 1), nextAttempt: next)
        #expect(situation.offlineSince == began)
        #expect(situation.failedAttempts == 2)
        #expect(situation.failingSince != nil)
        #expect((situation.failingSince ?? next) >= (failing ?? next))
    }
}
