import BridgeCore
import Testing

@Suite("Keeping the link up")
struct LinkKeeperTests {
    private let unreachable = LinkFailure.hostUnreachable(host: "h", port: 1883)

    /// A keeper whose first attempt runs.
    private func attempting(hasResetLine: Bool = false) -> LinkKeeper {
        var keeper = LinkKeeper(hasResetLine: hasResetLine)
        #expect(keeper.started(now: .zero) == [.openPort])
        var effects = keeper.portOpened(speedChanged: false, now: .zero)
        if hasResetLine { effects = keeper.timerFired(now: .zero + LinkKeeper.bootTime) }
        #expect(effects == (hasResetLine ? [.flushPort] : []) + [.attempt(.reset)])
        return keeper
    }

    /// Lets an attempt fail, and gives what is done when the wait is over.
    private func fail(
        _ keeper: inout LinkKeeper, _ failure: LinkFailure, at rung: Rung, now: inout Moment
    )
        -> [LinkKeeper.Effect]
    {
        keeper.climbed(rung, now: now)
        _ = keeper.failed(failure, now: now, random: 0.5)
        now = keeper.deadline ?? now
        return keeper.timerFired(now: now)
    }

    @Test("a changed speed is let settle, and what came meanwhile is thrown away")
    func settling() {
        var keeper = LinkKeeper()
        _ = keeper.started(now: .zero)
        #expect(keeper.portOpened(speedChanged: true, now: .zero).isEmpty)
        #expect(keeper.deadline == .zero + .milliseconds(200))
        #expect(keeper.timerFired(now: .zero + .milliseconds(200)) == [.flushPort, .attempt(.reset)])
    }

    @Test("a port that is missing is looked at each second, and the module is reset when it is back")
    func missingPort() {
        var keeper = LinkKeeper()
        let missing = LinkFailure.portMissing(path: "/dev/x")
        _ = keeper.started(now: .zero)
        for second in 0..<3 {
            let now = Moment.zero + .seconds(second)
            #expect(keeper.portFailed(missing, now: now) == [.closePort, .lacksPort(missing)])
            #expect(keeper.timerFired(now: now + .seconds(1)) == [.openPort])
        }
        #expect(keeper.portOpened(speedChanged: false, now: .zero + .seconds(4)) == [.attempt(.reset)])
        #expect(keeper.counters.portLosses == 0)
    }

    @Test("an unplugged port in the middle of a session")
    func portLost() {
        var keeper = attempting()
        keeper.climbed(.online, now: .zero)
        let lost = LinkFailure.portLost(path: "/dev/x")
        #expect(keeper.failed(lost, now: .zero + .seconds(9), random: 0) == [.closePort, .lacksPort(lost)])
        #expect(keeper.counters.portLosses == 1)
        #expect(keeper.deadline == .zero + .seconds(10))
    }

    @Test("a port that flaps just after each CONNECT: no more than five of them in a minute")
    func flappingPort() {
        var keeper = attempting()
        var now = Moment.zero
        let lost = LinkFailure.portLost(path: "/dev/x")
        for attempt in 1...5 {
            keeper.climbed(.connecting, now: now)
            #expect(keeper.failed(lost, now: now, random: 0) == [.closePort, .lacksPort(lost)])
            now = now + .seconds(1)
            #expect(keeper.timerFired(now: now) == [.openPort])
            if attempt < 5 { #expect(keeper.portOpened(speedChanged: false, now: now) == [.attempt(.reset)]) }
        }
        let next = Moment.zero + .seconds(60)
        #expect(keeper.portOpened(speedChanged: false, now: now) == [.waitsForBudget(after: lost, next: next)])
        #expect(keeper.deadline == next)
        #expect(keeper.timerFired(now: next) == [.attempt(.reset)])
    }

    @Test("a CONNECT that the port's loss left without an answer counts from then")
    func unansweredConnect() {
        var keeper = attempting()
        let lost = LinkFailure.portLost(path: "/dev/x")
        func at(_ seconds: Int) -> Moment { .zero + .seconds(seconds) }
        keeper.climbed(.connecting, now: at(2))
        _ = keeper.failed(lost, now: at(8), random: 0)
        _ = keeper.timerFired(now: at(9))
        #expect(keeper.portOpened(speedChanged: false, now: at(9)) == [.attempt(.reset)])
        for _ in 0..<4 { keeper.climbed(.connecting, now: at(10)) }
        _ = keeper.failed(lost, now: at(10), random: 0)
        _ = keeper.timerFired(now: at(11))
        _ = keeper.portOpened(speedChanged: false, now: at(11))
        #expect(keeper.deadline == at(8 + 60))
    }

    @Test("sessions that the port's loss ended are not those of another client")
    func noKicks() {
        var keeper = attempting()
        let lost = LinkFailure.portLost(path: "/dev/x")
        var now = Moment.zero
        for _ in 0..<6 {
            keeper.accepted(now: now)
            _ = keeper.failed(lost, now: now, random: 0)
            now = now + .seconds(1)
            _ = keeper.timerFired(now: now)
            _ = keeper.portOpened(speedChanged: false, now: now)
            // An attempt that was never accepted.
            let effects = keeper.failed(.connectionClosed, lastHeard: nil, now: now, random: 0)
            guard case .backsOff(let failure, _, let next)? = effects.first else {
                Issue.record("no back-off: \(effects)")
                return
            }
            #expect(failure == .connectionClosed)
            now = next
            _ = keeper.timerFired(now: now)
        }
    }

    @Test("a network that is away: dial, join, reset, and no more than that")
    func networkLadder() {
        var keeper = attempting()
        var now = Moment.zero
        keeper.climbed(.online, now: now)
        now = now + .seconds(100)
        var effects = [fail(&keeper, .pingTimedOut, at: .online, now: &now)]
        for _ in 0..<4 { effects.append(fail(&keeper, unreachable, at: .dialling, now: &now)) }
        #expect(
            effects == [
                [.attempt(.dial)], [.attempt(.join)], [.attempt(.reset)], [.attempt(.reset)], [.attempt(.reset)],
            ])
        #expect(keeper.counters.repairs == [.reset: 4, .dial: 1, .join: 1])
        #expect(keeper.counters.resets == 4)
    }

    @Test("a module that does not answer: reset, then the port is opened anew")
    func modemLadder() {
        var keeper = attempting()
        var now = Moment.zero
        #expect(fail(&keeper, .modemSilent, at: .syncing, now: &now) == [.closePort, .openPort])
        #expect(keeper.portOpened(speedChanged: false, now: now) == [.attempt(.reopen)])
        #expect(fail(&keeper, .modemSilent, at: .syncing, now: &now) == [.closePort, .openPort])
    }

    @Test("where the reset pin is wired it is pulled before the port is opened anew, and then each time")
    func pulse() {
        var keeper = attempting(hasResetLine: true)
        var now = Moment.zero
        #expect(fail(&keeper, .modemSilent, at: .syncing, now: &now) == [.holdReset(true)])
        now = now + .milliseconds(100)
        #expect(keeper.timerFired(now: now) == [.holdReset(false), .attempt(.pulse)])
        #expect(fail(&keeper, .modemSilent, at: .syncing, now: &now) == [.closePort, .openPort])
        #expect(keeper.portOpened(speedChanged: false, now: now).isEmpty)
        now = now + LinkKeeper.bootTime
        #expect(keeper.timerFired(now: now) == [.flushPort, .holdReset(true)])
        now = now + .milliseconds(100)
        #expect(keeper.timerFired(now: now) == [.holdReset(false), .attempt(.reopen)])
    }

    @Test("where opening pulls the reset pin, the module boots before it is spoken to")
    func boot() {
        var keeper = LinkKeeper(hasResetLine: true)
        _ = keeper.started(now: .zero)
        #expect(keeper.portOpened(speedChanged: true, now: .zero).isEmpty)
        #expect(keeper.deadline == .zero + .seconds(1))
        #expect(keeper.timerFired(now: .zero + .seconds(1)) == [.flushPort, .attempt(.reset)])
    }

    @Test("a reset line that is held is let go when the daemon stops, or takes new settings, just then")
    func stoppedInPulse() {
        var keeper = attempting(hasResetLine: true)
        var now = Moment.zero + .seconds(2)
        #expect(fail(&keeper, .modemSilent, at: .syncing, now: &now) == [.holdReset(true)])
        #expect(keeper.stopped() == [.holdReset(false)])
        #expect(keeper.deadline == nil)
        #expect(keeper.stopped().isEmpty)
    }

    @Test("success makes the cheapest repair the first choice again")
    func success() {
        var keeper = attempting()
        var now = Moment.zero
        _ = fail(&keeper, unreachable, at: .dialling, now: &now)
        keeper.climbed(.online, now: now)
        #expect(fail(&keeper, .connectionReplaced, at: .online, now: &now) == [.attempt(.dial)])
    }

    @Test("the failure, its rung and the next attempt are told")
    func told() {
        var keeper = attempting()
        keeper.climbed(.joining, now: .zero)
        let failure = LinkFailure.wrongPassword(ssid: "w")
        #expect(
            keeper.failed(failure, now: .zero, random: 0.5)
                == [.backsOff(failure, at: .joining, next: .zero + .seconds(120))])
    }

    @Test("a password that has joined and is refused once is tried again soon; refused again, a person is needed")
    func provenPassword() {
        let refused = LinkFailure.wrongPassword(ssid: "w")
        let doubted = LinkFailure.joinFailed(ssid: "w", code: 2)
        var keeper = attempting()
        var now = Moment.zero
        keeper.climbed(.dialling, now: now)
        _ = fail(&keeper, unreachable, at: .dialling, now: &now)
        keeper.climbed(.joining, now: now)
        let first = keeper.failed(refused, now: now, random: 0.5)
        #expect(first == [.backsOff(doubted, at: .joining, next: now + .seconds(4))])
        now = now + .seconds(4)
        _ = keeper.timerFired(now: now)
        let second = keeper.failed(refused, now: now, random: 0.5)
        #expect(second == [.backsOff(refused, at: .joining, next: now + .seconds(120))])
    }

    @Test("what joined another network proves nothing; a redial changes no network")
    func passwordOfAnotherNetwork() {
        let refused = LinkFailure.wrongPassword(ssid: "w")
        for (repair, seconds) in [(Repair.dial, 2), (.join, 120), (.reset, 120)] {
            var keeper = attempting()
            keeper.climbed(.dialling, now: .zero)
            #expect(keeper.stopped().isEmpty)
            _ = keeper.restarted(
                from: repair, keepsPort: true, hasResetLine: false, mayRefusePlainTCP: false, now: .zero)
            _ = keeper.timerFired(now: .zero)
            keeper.climbed(.joining, now: .zero)
            _ = keeper.failed(refused, now: .zero, random: 0.5)
            #expect(keeper.deadline == .zero + .seconds(seconds), "\(repair)")
        }
    }

    @Test("new settings begin anew, within the budget")
    func restarted() {
        var keeper = attempting()
        keeper.found(at: 9600)
        for _ in 0..<5 { keeper.climbed(.connecting, now: .zero) }
        #expect(keeper.stopped().isEmpty)
        #expect(keeper.deadline == nil)
        let effects = keeper.restarted(
            keepsPort: false, hasResetLine: false, mayRefusePlainTCP: false, now: .zero + .seconds(1))
        #expect(effects == [.closePort])
        #expect(keeper.bootSpeed == nil)
        // The new port is looked at now, whatever may be said over it.
        let now = Moment.zero + .seconds(1)
        #expect(keeper.timerFired(now: now) == [.openPort])
        let next = now + .seconds(60)
        let held = keeper.portOpened(speedChanged: false, now: now)
        #expect(held == [.waitsForBudget(after: .settingsChanged, next: .zero + .seconds(60))])
        #expect(keeper.deadline == .zero + .seconds(60))
        #expect(keeper.timerFired(now: next) == [.attempt(.reset)])
    }
}
