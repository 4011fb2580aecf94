import Testing

@testable import BridgeCore

/// What makes a connection suspect, and what of a slow network does not; in virtual time.
struct MQTTDetectionTests {
    private func rig(_ change: (inout MQTTConnection.Settings) -> Void = { _ in }) -> MQTTRig {
        var rig = MQTTRig.connecting(
            MQTTRig.settings {
                $0.bytesPerSecond = .max
                $0.suspicion = .milliseconds(2500)
                change(&$0)
            })
        rig.now = rig.now + .milliseconds(50)
        _ = rig.receive(.connectAcknowledgement(.init(sessionPresent: false)))
        return rig
    }

    @Test func `an overdue PUBACK has the connection looked after, once`() {
        var rig = rig()
        _ = rig.publish(.sample(1))
        #expect(rig.untilDeadline == .milliseconds(2500))
        #expect(rig.wait(.milliseconds(2500)) == [.verify])
        #expect(rig.untilDeadline == .milliseconds(17_500))
    }

    @Test func `a connection in order is looked after again twice as late, and given up in the end`() {
        var rig = rig()
        _ = rig.publish(.sample(1))
        _ = rig.wait(.milliseconds(2500))
        rig.now = rig.now + .milliseconds(1300)
        #expect(rig.machine.verified(now: rig.now) == [.windowOpened])
        #expect(rig.wait(.seconds(5)) == [.verify])
        _ = rig.machine.verified(now: rig.now)
        #expect(rig.wait(.seconds(10)) == [.verify])
        _ = rig.machine.verified(now: rig.now)
        #expect(rig.wait(.milliseconds(1200)) == [.failed(.publishTimedOut)])
    }

    @Test func `anything from the server clears it`() {
        var rig = rig()
        _ = rig.publish(.sample(1))
        _ = rig.wait(.milliseconds(2000))
        _ = rig.receive(.publish(.init(topic: "a", payload: [])))
        #expect(rig.untilDeadline == .milliseconds(2500))
    }

    @Test func `an overdue PINGRESP has the connection looked after`() {
        var rig = rig { $0.heartbeat = .seconds(10) }
        #expect(rig.wait(.seconds(10)) == [.send([0xC0, 0])])
        #expect(rig.wait(.milliseconds(2500)) == [.verify])
    }

    @Test(arguments: [1000, 2000, 3000])
    func `a slow network is not suspected`(roundTrip: Int) {
        var rig = MQTTRig.connecting(
            MQTTRig.settings {
                $0.bytesPerSecond = .max
                $0.suspicion = .milliseconds(2500)
            })
        rig.now = rig.now + .milliseconds(roundTrip)
        _ = rig.receive(.connectAcknowledgement(.init(sessionPresent: false)))
        for sequence in 1...200 {
            _ = rig.publish(.sample(Int64(sequence)))
            // Half as long again at times.
            let late = sequence % 7 == 0 ? roundTrip / 2 : 0
            #expect(rig.wait(.milliseconds(roundTrip + late)).isEmpty, "message \(sequence)")
            _ = rig.receive(.pubAck(.init(packetIdentifier: UInt16(sequence))))
        }
    }

    @Test(arguments: [50, 1000, 3000])
    func `an answer behind the module's last retransmission is in time`(roundTrip: Int) {
        var rig = MQTTRig.connecting(
            MQTTRig.settings {
                $0.bytesPerSecond = .max
                $0.suspicion = .milliseconds(2500)
            })
        rig.now = rig.now + .milliseconds(roundTrip)
        _ = rig.receive(.connectAcknowledgement(.init(sessionPresent: false)))
        _ = rig.publish(.sample(1))
        let end = rig.now + .seconds(7) + .milliseconds(roundTrip)
        while let deadline = rig.machine.deadline, deadline < end {
            rig.now = deadline
            let effects = rig.machine.timerFired(now: rig.now)
            #expect(effects == [.verify])
            _ = rig.machine.verified(now: rig.now)
        }
        rig.now = end
        #expect(rig.receive(.pubAck(.init(packetIdentifier: 1))).first == .acknowledged(sequence: 1))
    }

    @Test func `what was sent twice teaches nothing`() {
        var roundTrip = RoundTrip()
        roundTrip.sampled(.milliseconds(100))
        #expect(roundTrip.expected == .milliseconds(300))
        var rig = MQTTRig.online(MQTTRig.settings(cleanSession: false))
        _ = rig.publish(.sample(1))
        var again = MQTTRig.connecting(MQTTRig.settings(cleanSession: false), session: rig.machine.takeSession())
        _ = again.receive(.connectAcknowledgement(.init(sessionPresent: true)))
        let before = again.machine.roundTrip
        again.now = again.now + .seconds(9)
        _ = again.receive(.pubAck(.init(packetIdentifier: 1)))
        #expect(again.machine.roundTrip == before)
    }

    @Test func `the heartbeat asks sooner than keep-alive, and traffic puts it off`() {
        var rig = rig { $0.heartbeat = .seconds(10) }
        _ = rig.wait(.seconds(6))
        _ = rig.receive(.publish(.init(topic: "a", payload: [])))
        #expect(rig.wait(.seconds(4)) == [.send([0xC0, 0])])
    }

    @Test func `a message that comes back as it was sent is no acknowledgement`() {
        var rig = rig()
        _ = rig.publish(.sample(1))
        let effects = rig.receive(
            .publish(
                .init(topic: "t", payload: OutgoingMessage.sample(1).payload, qos: .atLeastOnce, packetIdentifier: 1)))
        #expect(effects.violation?.contains("came back") == true)
        #expect(rig.machine.takeSession().sequences == [1])
    }

    @Test func `a long packet goes out in pieces with pauses, and nothing comes between them`() {
        var rig = rig {
            $0.longestBurst = 2048
            $0.suspicion = nil
        }
        var sent = rig.publish(.sample(1, bytes: 5000))
        _ = rig.receive(.publish(.init(topic: "a", payload: [], qos: .atLeastOnce, packetIdentifier: 9)))
        var times = [rig.now]
        while times.count < 6, let deadline = rig.machine.deadline {
            rig.now = deadline
            let effects = rig.machine.timerFired(now: rig.now)
            sent += effects
            if !effects.isEmpty { times.append(rig.now) }
        }
        let pieces = sent.compactMap { if case .send(let bytes) = $0 { bytes.count } else { nil } }
        #expect(pieces == [1000, 1000, 1000, 1000, 1000, 4])
        for (before, after) in zip(times, times.dropFirst()) { #expect(after - before >= .milliseconds(50)) }
    }
}
