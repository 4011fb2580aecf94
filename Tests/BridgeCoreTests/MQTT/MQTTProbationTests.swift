import Testing

@testable import BridgeCore

/// A message with which the link broke twice: what has to be shown before it goes, and what its end shows then.
struct MQTTProbationTests {
    /// A session of such messages, the first of which is the suspect.
    private func session(bytes: Int = 20, cleanSession: Bool = true) -> MQTTSession {
        var rig = MQTTRig.online(MQTTRig.settings(cleanSession: cleanSession))
        _ = rig.publish(.sample(1, bytes: bytes))
        for sequence in 2...3 { _ = rig.publish(.sample(Int64(sequence))) }
        var session = rig.machine.takeSession()
        session.suspect = 1
        return session
    }

    private func settings(cleanSession: Bool = true) -> MQTTConnection.Settings {
        MQTTRig.settings(cleanSession: cleanSession) {
            $0.suspicion = .milliseconds(2500)
            $0.longestBurst = 2048
            $0.bytesPerSecond = 11_520
        }
    }

    /// The session lives until its probation is over, on the same connection, and the server answers.
    private func pass(_ rig: inout MQTTRig) -> [MQTTConnection.Effect] {
        #expect(rig.untilDeadline == .seconds(10))
        #expect(rig.wait(.seconds(10)) == [.verify])
        rig.now = rig.now + .seconds(2)
        #expect(rig.taking(rig.machine.verified(now: rig.now)) == [.send([0xC0, 0])])
        rig.now = rig.now + .milliseconds(50)
        return rig.receive(.pingResp)
    }

    @Test(arguments: [false, true])
    func `a suspect waits for ten good seconds, and goes alone, with the session present or not`(present: Bool) {
        var rig = MQTTRig.connecting(settings(cleanSession: false), session: session(cleanSession: false))
        let online = rig.receive(.connectAcknowledgement(.init(sessionPresent: present)))
        #expect(online.packets.isEmpty)
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(pass(&rig).packets.map(\.kind) == [.publish])
        #expect(rig.machine.session.inFlight.filter { $0.departed != nil }.map(\.message.sequence) == [1])
        let identifier = rig.machine.session.inFlight[0].packetIdentifier
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(rig.receive(.pubAck(.init(packetIdentifier: identifier))).packets.count == 2, "and then the others")
        #expect(rig.machine.session.inFlight.map(\.message.sequence) == [2, 3])
    }

    @Test func `a session that breaks before has not sent it`() {
        for present in [false, true] {
            var rig = MQTTRig.connecting(settings(cleanSession: false), session: session(cleanSession: false))
            _ = rig.receive(.connectAcknowledgement(.init(sessionPresent: present)))
            _ = rig.wait(.seconds(10))
            rig.now = rig.now + .seconds(2)
            #expect(rig.machine.takeSession().exposure == nil)
        }
    }

    @Test func `a message that was wholly sent, and then the link broke`() {
        var rig = MQTTRig.online(settings(), session: session())
        _ = pass(&rig)
        let sent = rig.now
        rig.now = rig.now + .seconds(4)
        #expect(
            rig.machine.takeSession().exposure
                == .init(message: 1, departed: sent + rig.machine.settings.lineTime(20), provedAt: sent))
    }

    @Test func `of a long one, the connection is looked after before its second piece and before its last`() {
        var rig = MQTTRig.online(settings(), session: session(bytes: 20_000))
        func sent(_ effects: [MQTTConnection.Effect]) -> Int {
            effects.count { if case .send = $0 { true } else { false } }
        }
        var pieces = sent(pass(&rig))
        var looks: [Int] = []
        while let deadline = rig.machine.deadline, pieces < 20 {
            let effects = rig.wait(deadline - rig.now)
            pieces += sent(effects)
            if effects == [.verify] {
                looks.append(pieces)
                rig.now = rig.now + .seconds(2)
                pieces += sent(rig.taking(rig.machine.verified(now: rig.now)))
            }
        }
        #expect(looks == [1, 19])
    }

    @Test func `a look that finds another connection shows that the rest never left`() {
        var rig = MQTTRig.online(settings(), session: session(bytes: 20_000))
        _ = pass(&rig)
        while rig.machine.suspicion != .verifying, let deadline = rig.machine.deadline {
            _ = rig.wait(deadline - rig.now)
        }
        rig.now = rig.now + .seconds(60)
        let exposure = rig.machine.takeSession().exposure
        #expect(exposure?.message == 1)
        #expect(exposure?.departed == nil)
    }
}
