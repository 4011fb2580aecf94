import BridgeCore
import Testing

@Suite("What several attempts in a row show")
struct SessionRecordTests {
    /// Sessions that were accepted, lived for so long, and were found dead so long after that.
    private func causes(
        sessions: Int, life: Duration, found: Duration = .seconds(5), failure: LinkFailure = .connectionReplaced
    ) -> (causes: [LinkFailure], lastWait: Duration) {
        var policy = UplinkPolicy()
        var now = Moment.zero
        var causes: [LinkFailure] = []
        var wait = Duration.zero
        for _ in 0..<sessions {
            policy.connecting(now: now)
            policy.accepted(now: now)
            policy.online(now: now)
            let lastHeard = now + life
            now = lastHeard + found
            let verdict = policy.failed(failure, lastHeard: lastHeard, started: .dial, now: now, random: 0.5)
            causes.append(verdict.failure)
            wait = verdict.plan.at - now
            now = verdict.plan.at
        }
        return (causes, wait)
    }

    @Test("sessions that end within seconds, five in a row: another client has the same device, and it is waited out")
    func kicked() {
        let (causes, wait) = causes(sessions: 6, life: .seconds(3))
        #expect(causes.prefix(4).allSatisfy { $0 == .connectionReplaced })
        #expect(causes.suffix(2) == [.deviceUsedElsewhere(sessions: 5), .deviceUsedElsewhere(sessions: 6)])
        #expect(wait == BackOff.longest)
    }

    @Test("sessions that live longer, or whose end is found late, show nothing")
    func notKicked() {
        #expect(causes(sessions: 9, life: .seconds(21)).causes.allSatisfy { $0 == .connectionReplaced })
        #expect(
            causes(sessions: 9, life: .seconds(1), found: .seconds(100)).causes.allSatisfy { $0 == .connectionReplaced }
        )
    }

    @Test("a server that does not answer SUBSCRIBE is no other client, and neither adds to the count nor ends it")
    func neverOnline() {
        var policy = UplinkPolicy()
        var now = Moment.zero
        func session(isOnline: Bool) -> LinkFailure {
            policy.accepted(now: now)
            if isOnline { policy.online(now: now) }
            let failure = isOnline ? LinkFailure.connectionReplaced : .noSubscribeAcknowledgement
            let verdict = policy.failed(failure, lastHeard: now, started: .dial, now: now + .seconds(10), random: 0.5)
            now = verdict.plan.at
            return verdict.failure
        }
        for _ in 0..<9 { #expect(session(isOnline: false) == .noSubscribeAcknowledgement) }
        for isOnline in [true, true, false, true, true] { _ = session(isOnline: isOnline) }
        #expect(session(isOnline: true) == .deviceUsedElsewhere(sessions: 5))
    }

    @Test("a session in which a suspect waited for its probation is not short, however soon it ended behind that")
    func probation() {
        let connect = MQTTPacket.Connect(clientIdentifier: "c", cleanSession: true, keepAlive: 60)
        let probation = MQTTConnection.Settings(connect: connect).probation
        #expect(causes(sessions: 9, life: probation).causes.allSatisfy { $0 == .connectionReplaced })
    }

    @Test("another cause between them begins the count anew")
    func interrupted() {
        var policy = UplinkPolicy()
        var now = Moment.zero
        for round in 0..<12 {
            policy.accepted(now: now)
            policy.online(now: now)
            let failure = round % 4 == 3 ? LinkFailure.modemRestartedOnline : .connectionReplaced
            let verdict = policy.failed(failure, lastHeard: now, started: .dial, now: now + .seconds(5), random: 0.5)
            #expect(verdict.failure == failure)
            now = verdict.plan.at
        }
    }

    @Test("TCP taken and CONNECT never answered, with the platform, before any session: plain TCP is not permitted")
    func plainTCP() {
        var policy = UplinkPolicy(mayRefusePlainTCP: true)
        var causes: [LinkFailure] = []
        for second in 0..<4 {
            let now = Moment.zero + .seconds(200 * second)
            policy.connecting(now: now)
            let failure: LinkFailure =
                second == 1 ? .closedWhileDialling(host: "h", port: 1883) : .noConnectAcknowledgement
            causes.append(policy.failed(failure, started: .dial, now: now + .seconds(10), random: 0.5).failure)
        }
        #expect(causes.suffix(2) == [.plainTCPRefused, .plainTCPRefused])
        #expect(causes[0] == .noConnectAcknowledgement)
    }

    @Test("a server that took CONNECT before, or another broker, is only silent")
    func silent() {
        for isPlatform in [true, false] {
            var policy = UplinkPolicy(mayRefusePlainTCP: isPlatform)
            if isPlatform {
                policy.accepted(now: .zero)
                _ = policy.failed(.pingTimedOut, lastHeard: .zero, started: .dial, now: .zero + .seconds(99), random: 0)
            }
            for second in 1...5 {
                let now = Moment.zero + .seconds(200 * second)
                let verdict = policy.failed(.noConnectAcknowledgement, started: .dial, now: now, random: 0.5)
                #expect(verdict.failure == .noConnectAcknowledgement)
            }
        }
    }

    @Test("a CONNECT counts from its answer, because the platform counts arrivals")
    func budget() {
        var budget = ConnectBudget()
        for second in 0..<5 {
            budget.spend(now: .zero + .seconds(second))
            budget.answered(now: .zero + .seconds(second) + .seconds(second == 0 ? 0 : 8))
        }
        #expect(budget.earliest(now: .zero + .seconds(20)) == .zero + .seconds(60))
        budget.spend(now: .zero + .seconds(60))
        #expect(budget.earliest(now: .zero + .seconds(61)) == .zero + .seconds(69))
    }
}
