import Testing

@testable import BridgeCore

/// A line that holds bytes up, as packet mode does: time-outs count from when packets really leave.
struct MQTTLineTests {
    /// 1,000 bytes a second.
    private static func slow(_ change: (inout MQTTConnection.Settings) -> Void = { _ in }) -> MQTTConnection.Settings {
        MQTTRig.settings {
            $0.bytesPerSecond = 1000
            change(&$0)
        }
    }

    @Test func `CONNECT that waits puts CONNACK's deadline off`() {
        var rig = MQTTRig.connecting(Self.slow())
        let before = rig.untilDeadline
        let written = rig.now
        rig.now = rig.now + .seconds(3)
        rig.machine.lineHeld(since: written, waiting: 15, now: rig.now)
        #expect(rig.untilDeadline == before)
    }

    @Test func `what had left is not touched, what waits leaves later`() {
        var rig = MQTTRig.online(Self.slow { $0.connect.keepAlive = 0 })
        rig.now = rig.now + .seconds(1)
        _ = rig.publish(.sample(1, bytes: 500))
        let began = rig.now
        rig.now = began + .milliseconds(600)
        _ = rig.publish(.sample(2, bytes: 500))
        // The second one, written at 0.6 s, found the line free only at 4 s.
        rig.now = began + .seconds(4)
        rig.machine.lineHeld(since: began + .milliseconds(600), waiting: 500, now: rig.now)
        let timeout = rig.machine.settings.publishTimeout
        #expect(rig.machine.deadline == began + .milliseconds(500) + timeout)
        _ = rig.receive(.pubAck(.init(packetIdentifier: 1)))
        #expect(rig.machine.deadline == began + .milliseconds(4500) + timeout)
    }

    @Test func `a PINGREQ that waits puts its own deadline off, and the next`() {
        var rig = MQTTRig.online(Self.slow())
        let written = rig.now + (rig.untilDeadline ?? .zero)
        _ = rig.wait(rig.untilDeadline ?? .zero)
        let timeout = rig.machine.settings.pingTimeout
        rig.now = written + .seconds(5)
        rig.machine.lineHeld(since: written, waiting: 2, now: rig.now)
        #expect(rig.untilDeadline == .milliseconds(2) + timeout)
    }

    @Test func `QoS 0 waits for what the line has held`() {
        var rig = MQTTRig.online(
            Self.slow {
                $0.windowBytes = 1000
                $0.connect.keepAlive = 0
            })
        for sequence in 1...3 { _ = rig.publish(.sample(Int64(sequence), bytes: 500, qos: .atMostOnce)) }
        #expect(!rig.machine.canPublish(bytes: 1))
        let written = rig.now
        rig.now = written + .milliseconds(900)
        rig.machine.lineHeld(since: written, waiting: 1500, now: rig.now)
        #expect(rig.untilDeadline == .seconds(1))
        #expect(rig.wait(.milliseconds(999)).isEmpty)
        #expect(rig.wait(.milliseconds(1)).contains(.windowOpened))
    }

    @Test func `what TLS adds to each packet counts in the window and on the line`() {
        var rig = MQTTRig.online(
            Self.slow {
                $0.windowBytes = 1000
                $0.packetOverhead = 100
            })
        let free = max(rig.now, rig.machine.lineFree)
        let length = OutgoingMessage.sample(1, bytes: 500).encodedLength
        _ = rig.publish(.sample(1, bytes: 500))
        #expect(rig.machine.canPublish(bytes: 800 - length))
        #expect(!rig.machine.canPublish(bytes: 801 - length))
        #expect(rig.machine.lineFree - free == rig.machine.settings.lineTime(length + 100))
    }

    @Test func `a line that holds nothing changes nothing`() {
        var rig = MQTTRig.online(Self.slow())
        let before = rig.machine.deadline
        rig.now = rig.now + .seconds(1)
        rig.machine.lineHeld(since: rig.now, waiting: 10, now: rig.now)
        rig.machine.lineHeld(since: rig.now - .milliseconds(100), waiting: 0, now: rig.now)
        #expect(rig.machine.deadline == before)
    }

    // MARK: QoS 0

    /// Online, on a line that takes nothing until the test says so.
    private static func holding(_ change: (inout MQTTConnection.Settings) -> Void = { _ in }) -> MQTTRig {
        var rig = MQTTRig.online(
            MQTTRig.settings {
                $0.suspicion = .milliseconds(2500)
                change(&$0)
            })
        rig.takesAtOnce = false
        return rig
    }

    @Test func `QoS 0 is delivered when the line has taken its last byte, and not before`() {
        var rig = Self.holding()
        for sequence in 1...2 { _ = rig.publish(.sample(Int64(sequence), bytes: 100, qos: .atMostOnce)) }
        #expect(rig.machine.lineTook(99, now: rig.now).isEmpty)
        #expect(rig.machine.lineTook(1, now: rig.now) == [.written(sequence: 1), .windowOpened])
        #expect(rig.machine.lineTook(100, now: rig.now) == [.written(sequence: 2), .windowOpened])
    }

    @Test func `no more of QoS 0 than a window waits for the line`() {
        var rig = Self.holding { $0.windowBytes = 250 }
        for sequence in 1...5 { _ = rig.publish(.sample(Int64(sequence), bytes: 100, qos: .atMostOnce)) }
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(rig.machine.session.departing.map(\.sequence) == [1, 2])
        let effects = rig.machine.lineTook(100, now: rig.now)
        #expect(effects.first == .written(sequence: 1))
        #expect(rig.machine.session.departing.map(\.sequence) == [2, 3])
    }

    @Test func `a message longer than what is left of the window is asked for once the line has taken the one before`()
    {
        var rig = Self.holding { $0.windowBytes = 250 }
        _ = rig.publish(.sample(1, bytes: 200, qos: .atMostOnce))
        #expect(rig.machine.canPublish(bytes: 1))
        #expect(!rig.machine.canPublish(bytes: 100))
        #expect(rig.machine.lineTook(200, now: rig.now).last == .windowOpened)
    }

    @Test func `QoS 0 that the line did not take goes in the next session, in its place`() {
        var rig = Self.holding()
        _ = rig.publish(.sample(1))
        for sequence in 2...3 { _ = rig.publish(.sample(Int64(sequence), qos: .atMostOnce)) }
        _ = rig.machine.lineTook(20 + 20, now: rig.now)
        let session = rig.machine.takeSession()
        #expect(session.sequences == [1, 3])
        #expect(rig.machine.lineTook(20, now: rig.now).isEmpty, "it is the next session's")
        var next = MQTTRig.connecting(session: session)
        let effects = next.receive(.connectAcknowledgement(.init()))
        #expect(effects.contains(.written(sequence: 3)))
        #expect(!effects.contains(.written(sequence: 2)))
    }

    @Test func `QoS 0 that leaves behind DISCONNECT is delivered`() {
        var rig = Self.holding()
        _ = rig.publish(.sample(1, qos: .atMostOnce))
        #expect(rig.machine.disconnect(now: rig.now).last == .disconnected)
        #expect(rig.machine.lineTook(22, now: rig.now) == [.written(sequence: 1)])
    }

    @Test(arguments: [(3000, true), (20_000, false)])
    func `the end comes in the middle of a long message: what the module can hold goes, and else nothing`(
        bytes: Int, goes: Bool
    ) {
        var rig = MQTTRig.online(MQTTRig.settings { $0.longestBurst = 2048 })
        let first = rig.publish(.sample(1, bytes: bytes))
        let effects = rig.machine.disconnect(now: rig.now)
        #expect(effects.last == .disconnected)
        let written = (first + effects).flatMap { effect -> [UInt8] in
            if case .send(let bytes) = effect { bytes } else { [] }
        }
        if goes {
            #expect(written.count == bytes + 2)
            #expect(written.suffix(2).elementsEqual(MQTTPacket.disconnect.encoded()))
        } else {
            #expect(effects == [.disconnected])
        }
        #expect(rig.machine.takeSession().sequences == [1])
    }

    @Test func `a long message of QoS 0 is delivered with its last piece`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.longestBurst = 2048 })
        var effects = rig.publish(.sample(1, bytes: 5000, qos: .atMostOnce))
        while rig.machine.session.departingBytes > 0, let deadline = rig.machine.deadline {
            #expect(!effects.contains(.written(sequence: 1)))
            effects += rig.wait(deadline - rig.now)
        }
        #expect(effects.contains(.written(sequence: 1)))
        #expect(effects.count { if case .send = $0 { true } else { false } } == 5)
    }

    // MARK: While the connection is being looked after

    /// Two messages are in flight, the second one in pieces, and the first one is overdue.
    @Test func `no piece and no message goes while the connection is looked after, and then all of it`() {
        var rig = Self.holding {
            $0.longestBurst = 2048
            $0.windowBytes = 20_000
        }
        rig.takesAtOnce = true
        rig.machine.roundTrip.sampled(.milliseconds(400))
        _ = rig.publish(.sample(1))
        _ = rig.publish(.sample(2, bytes: 19_000))
        var sent = 0
        while let deadline = rig.machine.deadline, rig.machine.suspicion != .verifying {
            rig.now = deadline
            sent += rig.taking(rig.machine.timerFired(now: rig.now)).count
        }
        let rest = rig.machine.pieces.count
        #expect(rest > 5)
        let departed = rig.machine.session.inFlight.last?.departed
        #expect(rig.publish(.sample(3, qos: .atMostOnce)).isEmpty)
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(rig.wait(.seconds(2)).isEmpty)
        _ = rig.taking(rig.machine.verified(now: rig.now))
        #expect(rig.machine.session.inFlight.last?.departed == departed.map { $0 + .seconds(2) })
        #expect(rig.machine.pieces.count == rest + 1)
        #expect((rig.untilDeadline ?? .seconds(9)) < .seconds(1))
    }
}
