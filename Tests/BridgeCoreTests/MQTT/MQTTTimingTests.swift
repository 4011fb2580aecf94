import TestSupport
import Testing

@testable import BridgeCore

/// Event gives action: keep-alive, time-outs, and the modem's own text, in virtual time.
struct MQTTTimingTests {
    private static let ping = MQTTConnection.Effect.send([0xC0, 0])

    /// A rig that has just come online, on a line that takes no time.
    private func idle(_ keepAlive: UInt16) -> MQTTRig {
        MQTTRig.online(MQTTRig.settings(keepAlive: keepAlive) { $0.bytesPerSecond = .max })
    }

    @Test(arguments: [(100, 95.0), (60, 57), (1200, 1140), (30, 28), (10, 8), (4, 2), (2, 1), (1, 0.5)])
    func `PINGREQ goes out the margin before the end`(_ keepAlive: Int, _ seconds: Double) {
        var rig = idle(UInt16(keepAlive))
        #expect(rig.untilDeadline == .seconds(seconds))
        #expect(rig.wait(.seconds(seconds) - .nanoseconds(1)).isEmpty)
        #expect(rig.wait(.nanoseconds(1)) == [Self.ping])
    }

    @Test func `without keep-alive there is no PINGREQ`() {
        #expect(idle(0).machine.deadline == nil)
    }

    @Test func `PINGRESP gives the round trip, and the next PINGREQ an interval later`() {
        var rig = idle(100)
        _ = rig.wait(.seconds(95))
        rig.now = rig.now + .milliseconds(85)
        #expect(rig.receive(.pingResp) == [.pinged(rtt: .milliseconds(85))])
        #expect(rig.untilDeadline == .seconds(95) - .milliseconds(85))
    }

    @Test func `no PINGRESP for 10 s gives failed`() {
        var rig = idle(100)
        _ = rig.wait(.seconds(95))
        #expect(rig.untilDeadline == .seconds(10))
        #expect(rig.wait(.seconds(10) - .nanoseconds(1)).isEmpty)
        #expect(rig.wait(.nanoseconds(1)) == [.failed(.pingTimedOut)])
    }

    @Test func `sending alone does not put PINGREQ off, when nothing is received`() {
        var rig = idle(100)
        for second in 1...94 {
            #expect(rig.wait(.seconds(1)).isEmpty)
            _ = rig.publish(.sample(Int64(second), qos: .atMostOnce))
        }
        #expect(rig.wait(.seconds(1)) == [Self.ping])
    }

    @Test func `receiving alone does not put PINGREQ off [MQTT-3.1.2-23]`() {
        var rig = idle(100)
        for _ in 1...94 {
            #expect(rig.wait(.seconds(1)).isEmpty)
            _ = rig.receive(.publish(.init(topic: "a", payload: [])))
        }
        #expect(rig.wait(.seconds(1)) == [Self.ping])
    }

    @Test func `traffic both ways needs no PINGREQ`() {
        var rig = idle(100)
        for second in 1...400 {
            #expect(rig.wait(.seconds(1)).isEmpty)
            _ = rig.publish(.sample(Int64(second)))
            #expect(rig.receive(.pubAck(.init(packetIdentifier: UInt16(second)))).count == 2)
        }
    }

    @Test func `a short keep-alive is kept to while a PINGRESP is awaited`() {
        var rig = idle(10)
        #expect(rig.wait(.seconds(8)) == [Self.ping])
        #expect(rig.wait(.seconds(8)) == [Self.ping])
        #expect(rig.wait(.seconds(2)) == [.failed(.pingTimedOut)])
    }

    @Test func `a timer that fires too early does nothing`() {
        var rig = idle(100)
        #expect(rig.wait(.seconds(1)).isEmpty)
        #expect(rig.untilDeadline == .seconds(94))
    }

    @Test func `a slow line delays the time-outs by the time of the bytes before`() {
        var rig = MQTTRig.online(MQTTRig.settings(keepAlive: 100) { $0.bytesPerSecond = 1000 })
        rig.now = rig.now + .seconds(1)
        _ = rig.publish(.sample(1, bytes: 200_000))
        // Nothing was received for the interval, so PINGREQ joins the queue; it leaves after 200 s.
        #expect(rig.wait(.seconds(94)) == [Self.ping])
        #expect(rig.untilDeadline == .seconds(200 - 94 + 10) + .milliseconds(2))
        #expect(rig.wait(.seconds(200 - 94 + 10)).isEmpty)
        #expect(rig.wait(.milliseconds(2)) == [.failed(.pingTimedOut)])
    }

    @Test func `a long message on its way in puts the time-outs off, but not for ever`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.bytesPerSecond = 10_000 })
        _ = rig.wait(.seconds(96))
        let sent = rig.now
        let long = MQTTPacket.publish(.init(topic: "a", payload: [UInt8](repeating: 1, count: 200_000))).encoded()
        var gaveUp: Moment?
        for second in 0..<60 where gaveUp == nil {
            rig.now = sent + .seconds(second)
            _ = rig.machine.received(long[second..<second + 1], now: rig.now)
            if rig.machine.timerFired(now: rig.now).last == .failed(.pingTimedOut) { gaveUp = rig.now }
        }
        // 10 s, and the 26.3 s that the longest packet needs.
        #expect(gaveUp.map { $0 - sent } == .seconds(37))
    }

    @Test func `PINGRESP behind a long message is in time`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.bytesPerSecond = 10_000 })
        _ = rig.wait(.seconds(96))
        let long = MQTTPacket.publish(.init(topic: "a", payload: [UInt8](repeating: 1, count: 199_996))).encoded()
        for second in 0..<20 {
            rig.now = rig.now + .seconds(1)
            _ = rig.machine.received(long[second * 10_000..<min(long.count, (second + 1) * 10_000)], now: rig.now)
            #expect(rig.machine.timerFired(now: rig.now).isEmpty)
        }
        #expect(rig.machine.received(long[200_000...], now: rig.now).count == 1)
        #expect(rig.receive(.pingResp) == [.pinged(rtt: .seconds(20))])
    }

    // MARK: PUBACK

    @Test func `no PUBACK for 20 s gives failed, and the message stays in the session`() {
        var rig = idle(100)
        _ = rig.publish(.sample(1))
        #expect(rig.untilDeadline == .seconds(20))
        #expect(rig.wait(.seconds(20)) == [.failed(.publishTimedOut)])
        #expect(rig.machine.takeSession().sequences == [1])
    }

    @Test func `the time on the line is added to the 20 s`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.bytesPerSecond = 100 })
        rig.now = rig.now + .seconds(10)
        _ = rig.publish(.sample(1, bytes: 1000))
        #expect(rig.untilDeadline == .seconds(30))
    }

    @Test func `each PUBACK of the oldest gives the next one its 20 s`() {
        var rig = idle(100)
        for sequence in 1...3 { _ = rig.publish(.sample(Int64(sequence))) }
        for identifier in 1...2 {
            #expect(rig.wait(.seconds(19)).isEmpty)
            _ = rig.receive(.pubAck(.init(packetIdentifier: UInt16(identifier))))
            #expect(
                (.seconds(20)...RoundTrip.lastRetransmission + RoundTrip.slowest).contains(rig.untilDeadline ?? .zero))
        }
        #expect(rig.wait(rig.untilDeadline ?? .zero) == [.failed(.publishTimedOut)])
    }

    @Test func `a PUBACK of a later one does not help the oldest`() {
        var rig = idle(100)
        for sequence in 1...2 { _ = rig.publish(.sample(Int64(sequence))) }
        _ = rig.wait(.seconds(19))
        _ = rig.receive(.pubAck(.init(packetIdentifier: 2)))
        // An answer after 19 s shows a slow network; it is no answer to the oldest.
        #expect(rig.wait(.seconds(8)) == [.failed(.publishTimedOut)])
    }

    @Test func `what was sent again has its 20 s from then on`() {
        var rig = MQTTRig.online(MQTTRig.settings(cleanSession: false))
        _ = rig.publish(.sample(1))
        var again = MQTTRig.connecting(
            MQTTRig.settings(cleanSession: false) { $0.bytesPerSecond = .max }, session: rig.machine.takeSession())
        again.now = again.now + .seconds(5)
        _ = again.receive(.connectAcknowledgement(.init(sessionPresent: true)))
        // 5 s was the round trip of CONNECT, so the limit is 7 s and what is expected of such a network.
        #expect(again.untilDeadline == .seconds(7) + .seconds(15))
    }

    // MARK: Bytes that are not MQTT

    @Test func `garbage gives failed after the time for a verdict, and nothing is sent meanwhile`() {
        var rig = idle(100)
        let effects = rig.receive("\u{1}garbage")
        #expect(effects.count == 1)
        #expect(effects.packets.isEmpty)
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(rig.publish(.sample(1)).isEmpty)
        #expect(rig.receive(.pingResp).isEmpty)
        #expect(rig.untilDeadline == .seconds(1))
        #expect(rig.wait(.seconds(1)).violation?.contains("[section 2.2.1]") == true)
        #expect(rig.machine.takeSession().sequences == [1])
    }

    @Test func `a delay of zero decides at once`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.restartVerdictDelay = .zero })
        #expect(rig.receive("\u{1}garbage").violation != nil)
    }

    @Test(arguments: ["\r\nERROR\r\n", "\r\nbusy p...\r\n"], MQTTCutting.allCases)
    func `the answer of command mode is a verdict`(_ text: String, _ cutting: MQTTCutting) {
        var rig = idle(100)
        var effects: [MQTTConnection.Effect] = []
        for chunk in cutting.cut(Array(text.utf8)) { effects += rig.machine.received(chunk, now: rig.now) }
        #expect(effects.violation?.contains("it left transparent mode") == true)
        #expect(rig.machine.hasEnded)
    }

    @Test func `disconnect while the verdict is awaited sends nothing`() {
        var rig = idle(100)
        _ = rig.receive("\u{1}")
        let effects = rig.machine.disconnect(now: rig.now)
        #expect(effects == [.disconnected], "the modem is still brought back into command mode")
    }

    static let boots = [
        "\r\nready\r\n", "\u{0} ets Jan  8 2013,rst cause:4, boot mode:(3,6)\r\n", "\r\nwdt reset\r\n",
        "\r\nWIFI CONNECTED\r\n", "\u{0}\u{7}Fatal exception (29):\r\n",
        "\u{1}\u{2}noise\r\nAi-Thinker Technology Co. Ltd.\r\n\r\nready\r\n",
    ]

    @Test(arguments: boots, MQTTCutting.allCases)
    func `boot text gives modemRestartedOnline, however it is cut`(_ text: String, _ cutting: MQTTCutting) {
        var rig = idle(100)
        var effects: [MQTTConnection.Effect] = []
        for chunk in cutting.cut(Array(text.utf8)) {
            effects += rig.machine.received(chunk, now: rig.now)
            rig.now = rig.now + .milliseconds(1)
        }
        #expect(effects.last == .failed(.modemRestartedOnline))
        #expect(rig.machine.hasEnded)
    }

    @Test func `boot text that was taken for the body of a packet explains the silence`() {
        var rig = idle(100)
        #expect(rig.machine.received(mqtt("30 FF 01 00 20")[...], now: rig.now).isEmpty)
        #expect(rig.receive("\r\nready\r\n").isEmpty)
        _ = rig.wait(.seconds(95))
        #expect(rig.wait(.seconds(10)) == [.failed(.modemRestartedOnline)])
    }

    @Test func `the same text inside a message is just text`() {
        var rig = idle(100)
        let payload = Array("\r\nready\r\n".utf8)
        #expect(
            rig.receive(.publish(.init(topic: "a", payload: payload)))
                == [.message(InboundMessage(topic: "a", payload: payload))])
        _ = rig.wait(.seconds(95))
        #expect(rig.wait(.seconds(10)) == [.failed(.pingTimedOut)])
    }

    @Test(arguments: [UInt64(31), 32, 33])
    func `random bytes end the attempt, with the session whole`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var session = MQTTSession()
        for round in 1...100 {
            var rig = MQTTRig.online(session: session)
            _ = rig.publish(.sample(Int64(round), bytes: 7))
            for _ in 0..<8 {
                let noise = (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
                _ = rig.machine.received(noise[...], now: rig.now)
            }
            while let deadline = rig.machine.deadline {
                rig.now = deadline
                _ = rig.machine.timerFired(now: rig.now)
            }
            #expect(rig.machine.hasEnded, "seed \(seed)")
            session = rig.machine.takeSession()
        }
        // Noise that happens to be a PUBACK is the only way out.
        #expect(session.sequences.count >= 95, "seed \(seed)")
    }
}
