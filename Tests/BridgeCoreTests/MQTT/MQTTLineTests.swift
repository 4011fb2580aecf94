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
}
