import BridgeCore
import TestSupport
import Testing

@Suite("When the next attempt begins, and where")
struct UplinkPolicyTests {
    @Test("back-off doubles from 2 s to 120 s", arguments: zip(1...9, [2, 4, 8, 16, 32, 64, 120, 120, 120]))
    func doubling(failures: Int, seconds: Int) {
        var backOff = BackOff()
        var wait = Duration.zero
        for _ in 1...failures { wait = backOff.failed(random: 0.5) }
        #expect(wait == .seconds(seconds))
    }

    @Test("jitter is ±50 %", arguments: zip([0.0, 1.0], [1.0, 3.0]))
    func jitter(random: Double, seconds: Double) {
        var backOff = BackOff()
        #expect(backOff.failed(random: random) == .seconds(seconds))
    }

    @Test("a thousand failures do not overflow the doubling")
    func manyFailures() {
        var backOff = BackOff()
        for _ in 1...1000 { _ = backOff.failed(random: 0.5) }
        #expect(backOff.failed(random: 0.5) == .seconds(120))
    }

    @Test("never more than five CONNECTs in any minute, over random arrivals")
    func budget() {
        var generator = SplitMix(seed: 7)
        var budget = ConnectBudget()
        var now = Moment.zero
        var sent: [Moment] = []
        for _ in 1...500 {
            now = budget.earliest(now: now + .milliseconds(Int.random(in: 0...9000, using: &generator)))
            budget.spend(now: now)
            sent.append(now)
        }
        for (first, sixth) in zip(sent, sent.dropFirst(5)) {
            #expect(sixth - first >= .seconds(60))
        }
    }

    @Test("the budget does not delay the first five")
    func budgetIsNoBrakeAtFirst() {
        var budget = ConnectBudget()
        for _ in 1...5 {
            #expect(budget.earliest(now: .zero) == .zero)
            budget.spend(now: .zero)
        }
        #expect(budget.earliest(now: .zero) == .zero + .seconds(60))
    }

    @Test("a session that was useful and broke is replaced at once, by dialling")
    func atOnceAfterUsefulSession() {
        var policy = UplinkPolicy()
        policy.online(now: .zero)
        let end = Moment.zero + .seconds(61)
        let plan = policy.failed(.pingTimedOut, started: .reset, now: end, random: 0.5).plan
        #expect(plan == .init(at: end, repair: .dial))
    }

    @Test("a radio that breaks every half minute is dialled again at once each time")
    func badRadio() {
        var policy = UplinkPolicy()
        var now = Moment.zero
        for _ in 1...20 {
            policy.online(now: now)
            now = now + .seconds(20)
            let plan = policy.failed(.pingTimedOut, started: .dial, now: now, random: 0.5).plan
            #expect(plan.at == now)
        }
    }

    @Test("a session of seconds does not reset the back-off")
    func shortSessionsAreNotUseful() {
        var policy = UplinkPolicy()
        var now = Moment.zero
        var waits: [Duration] = []
        for _ in 1...4 {
            policy.online(now: now)
            now = now + .seconds(14)
            let plan = policy.failed(.pingTimedOut, started: .dial, now: now, random: 0.5).plan
            waits.append(plan.at - now)
            now = plan.at
        }
        #expect(waits == [.zero, .seconds(4), .seconds(8), .seconds(16)])
    }

    @Test(
        "what a person must change is not hammered",
        arguments: [
            LinkFailure.refused(.identifierRejected), .refused(.badUserNameOrPassword), .refused(.notAuthorized),
            .wrongPassword(ssid: "workshop"),
        ])
    func needsPerson(failure: LinkFailure) {
        var policy = UplinkPolicy()
        let plan = policy.failed(failure, started: .reset, now: .zero, random: 0.5).plan
        #expect(plan.at == .zero + .seconds(120))
    }

    @Test("the cheapest repair first, a stronger one when it did not help")
    func repairsEscalate() {
        var policy = UplinkPolicy()
        policy.online(now: .zero)
        var now = Moment.zero + .seconds(100)
        var plan = policy.failed(.pingTimedOut, started: .reset, now: now, random: 0.5).plan
        var repairs = [plan.repair]
        for _ in 1...3 {
            now = plan.at + .seconds(5)
            plan =
                policy.failed(
                    .hostUnreachable(host: "h", port: 1883), started: plan.repair, now: now, random: 0.5
                ).plan
            repairs.append(plan.repair)
        }
        #expect(repairs == [.dial, .join, .reset, .reset])
    }

    @Test("a refused sign-in does not reset a modem that works")
    func refusalKeepsTheModem() {
        var policy = UplinkPolicy()
        let plan = policy.failed(.refused(.badUserNameOrPassword), started: .dial, now: .zero, random: 0.5).plan
        #expect(plan.repair == .dial)
    }

    @Test("once online, dialling is trusted again")
    func onlineRestoresTrust() {
        var policy = UplinkPolicy()
        var plan = policy.failed(.hostUnreachable(host: "h", port: 1), started: .dial, now: .zero, random: 0.5).plan
        #expect(plan.repair == .join)
        policy.online(now: plan.at)
        plan = policy.failed(.pingTimedOut, started: .join, now: plan.at + .seconds(1), random: 0.5).plan
        #expect(plan.repair == .dial)
    }

    @Test("the connection budget holds back even a repair at once")
    func budgetBeatsAtOnce() {
        var policy = UplinkPolicy()
        for _ in 1...5 { policy.connecting(now: .zero) }
        policy.online(now: .zero)
        let plan = policy.failed(.pingTimedOut, started: .dial, now: .zero + .seconds(10), random: 0).plan
        #expect(plan.at == .zero + .seconds(60))
    }
}
