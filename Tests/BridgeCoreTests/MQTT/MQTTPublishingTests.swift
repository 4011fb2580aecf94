import TestSupport
import Testing

@testable import BridgeCore

/// Event gives action: publishing, the window, and what is sent again.
struct MQTTPublishingTests {
    private typealias Effect = MQTTConnection.Effect

    @Test func `QoS 0 gives written right after the send`() {
        var rig = MQTTRig.online()
        let message = OutgoingMessage.sample(1, qos: .atMostOnce)
        #expect(rig.publish(message) == [message.sent(as: nil), .written(sequence: 1), .windowOpened])
    }

    @Test func `QoS 1 gives acknowledged on PUBACK`() {
        var rig = MQTTRig.online()
        let message = OutgoingMessage.sample(7)
        #expect(rig.publish(message) == [message.sent(as: 1)])
        #expect(rig.machine.inFlight == (1, 20))
        #expect(rig.receive(.pubAck(.init(packetIdentifier: 1))) == [.acknowledged(sequence: 7), .windowOpened])
        #expect(rig.machine.inFlight == (0, 0))
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 1)))
                == [.note("PUBACK came for the unknown packet identifier 1")])
    }

    @Test func `a message that no server takes is given back, and the next one goes`() {
        var rig = MQTTRig.online()
        let bad = OutgoingMessage(sequence: 1, topic: "a/+", payload: [])
        let effects = rig.publish(bad)
        guard case .undeliverable(sequence: 1, let error) = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(error.rule == "MQTT-3.3.2-2")
        #expect(rig.publish(.sample(2)) == [OutgoingMessage.sample(2).sent(as: 1)])
        #expect(rig.publish(OutgoingMessage(sequence: 3, topic: "t", payload: [], qos: .exactlyOnce)).count == 1)
    }

    @Test(arguments: [7, 20, 127, 129, 131, 132, 2048])
    func `the sample message has its length`(_ bytes: Int) {
        let message = OutgoingMessage.sample(1, bytes: bytes)
        #expect(message.encodedLength == bytes)
        #expect(message.packet(packetIdentifier: 1).count == bytes)
    }

    // MARK: The window

    @Test func `the window takes 2048 bytes and no more`() {
        var rig = MQTTRig.online()
        _ = rig.publish(.sample(1, bytes: 1000))
        #expect(rig.machine.canPublish(bytes: 1048))
        #expect(!rig.machine.canPublish(bytes: 1049))
        _ = rig.publish(.sample(2, bytes: 1048))
        #expect(!rig.machine.canPublish(bytes: 1))
        #expect(rig.publish(.sample(3)).isEmpty, "there is no room: it waits")
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 1))) == [
                .acknowledged(sequence: 1), OutgoingMessage.sample(3).sent(as: 3), .windowOpened,
            ])
    }

    @Test func `a message longer than the window goes alone`() {
        var rig = MQTTRig.online()
        #expect(rig.machine.canPublish(bytes: 200_000))
        _ = rig.publish(.sample(1, bytes: 7))
        #expect(!rig.machine.canPublish(bytes: 200_000))
        _ = rig.receive(.pubAck(.init(packetIdentifier: 1)))
        #expect(rig.publish(.sample(2, bytes: 200_000)).count == 1)
        #expect(!rig.machine.canPublish(bytes: 1))
    }

    @Test func `at most 100 messages are in flight`() {
        var rig = MQTTRig.online()
        for sequence in 1...100 {
            #expect(rig.machine.canPublish(bytes: 7))
            #expect(rig.publish(.sample(Int64(sequence), bytes: 7)).count == 1)
        }
        #expect(!rig.machine.canPublish(bytes: 7))
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 50))) == [.acknowledged(sequence: 50), .windowOpened])
        #expect(rig.machine.canPublish(bytes: 7))
    }

    @Test func `QoS 0 waits for the line, not for PUBACK`() {
        var rig = MQTTRig.online(MQTTRig.settings { $0.bytesPerSecond = 1000 })
        rig.now = rig.now + .seconds(5)
        #expect(rig.publish(.sample(1, bytes: 2048, qos: .atMostOnce)).contains(.written(sequence: 1)))
        #expect(rig.machine.canPublish(bytes: 7), "a window of bytes may wait on the line")
        #expect(rig.publish(.sample(2, bytes: 10, qos: .atMostOnce)).contains(.written(sequence: 2)))
        #expect(!rig.machine.canPublish(bytes: 7))
        #expect(rig.untilDeadline == .milliseconds(2058 - 1024))
        #expect(rig.wait(.milliseconds(2058 - 1025)).isEmpty)
        #expect(rig.wait(.milliseconds(1)) == [.windowOpened])
        #expect(rig.machine.canPublish(bytes: 7))
    }

    // MARK: Sending again

    /// A session with three messages in flight under the identifiers 1, 2, 3.
    private func interrupted(cleanSession: Bool) -> MQTTSession {
        var rig = MQTTRig.online(MQTTRig.settings(cleanSession: cleanSession))
        for sequence in 1...3 { _ = rig.publish(.sample(Int64(sequence), bytes: 1000 - 100 * sequence)) }
        _ = rig.publish(.sample(4))
        return rig.machine.takeSession()
    }

    @Test func `a session keeps what was lent to it, in order`() {
        let session = interrupted(cleanSession: false)
        #expect(session.inFlight.map(\.packetIdentifier) == [1, 2])
        #expect(session.sequences == [1, 2, 3, 4])
    }

    @Test func `with a session present all in flight goes again with DUP and its identifiers, before all else`() {
        var rig = MQTTRig.connecting(
            MQTTRig.settings(cleanSession: false, subscriptions: [.init(filter: "a", qos: .atMostOnce)]),
            session: interrupted(cleanSession: false))
        let effects = rig.receive(.connectAcknowledgement(.init(sessionPresent: true)))
        #expect(
            effects.dropLast() == [
                .connected(sessionPresent: true), OutgoingMessage.sample(1, bytes: 900).sent(as: 1, dup: true),
                OutgoingMessage.sample(2, bytes: 800).sent(as: 2, dup: true), .climbed(.subscribing),
            ])
        #expect(effects.last.map { [$0].packets.map(\.kind) } == [.subscribe])
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 1))) == [.acknowledged(sequence: 1)],
            "nothing new goes out before online")
        #expect(
            rig.receive(.subAck(.init(packetIdentifier: 3, granted: [.atMostOnce]))) == [
                .climbed(.online), OutgoingMessage.sample(3, bytes: 700).sent(as: 4),
                OutgoingMessage.sample(4).sent(as: 5), .windowOpened,
            ])
    }

    @Test(arguments: [true, false])
    func `without a session all goes as new, in order, within the window`(_ cleanSession: Bool) {
        var rig = MQTTRig.connecting(
            MQTTRig.settings(cleanSession: cleanSession), session: interrupted(cleanSession: cleanSession))
        #expect(
            rig.receive(.connectAcknowledgement(.init())) == [
                .connected(sessionPresent: false), .climbed(.online),
                OutgoingMessage.sample(1, bytes: 900).sent(as: 3), OutgoingMessage.sample(2, bytes: 800).sent(as: 4),
            ])
        #expect(!rig.machine.canPublish(bytes: 7), "the backlog is not empty")
        #expect(
            rig.receive(.pubAck(.init(packetIdentifier: 3))) == [
                .acknowledged(sequence: 1), OutgoingMessage.sample(3, bytes: 700).sent(as: 5),
                OutgoingMessage.sample(4).sent(as: 6), .windowOpened,
            ])
    }

    @Test func `the order survives several attempts`() {
        var session = interrupted(cleanSession: true)
        for _ in 0..<5 {
            var rig = MQTTRig.online(session: session)
            session = rig.machine.takeSession()
            #expect(session.sequences == [1, 2, 3, 4])
            #expect(session.identifiersInUse == session.inFlight.count)
        }
    }

    @Test func `a message given while the link comes up goes once it is online`() {
        var rig = MQTTRig.connecting()
        #expect(rig.publish(.sample(1)).isEmpty)
        #expect(rig.receive(.connectAcknowledgement(.init())).contains(OutgoingMessage.sample(1).sent(as: 1)))
    }

    // MARK: Identifiers

    @Test(arguments: [1...UInt16.max, MQTTSession.answeredByCommandMode])
    func `identifiers go round past those in use`(_ range: ClosedRange<UInt16>) throws {
        var session = MQTTSession(identifiers: range)
        let kept = [0, 2, 9].map { range.lowerBound + $0 }
        for expected in range.prefix(10) {
            let taken = session.takeIdentifier()
            #expect(taken == expected)
            session.sent(.sample(Int64(expected)), packetIdentifier: expected, departed: .zero)
        }
        for entry in session.inFlight where !kept.contains(entry.packetIdentifier) {
            #expect(session.acknowledged(entry.packetIdentifier) != nil)
        }
        #expect(session.inFlight.map(\.packetIdentifier) == kept)
        var seen: Set<UInt16> = []
        for _ in 0..<(range.count - kept.count) {
            let taken = session.takeIdentifier()
            seen.insert(try #require(taken))
        }
        #expect(seen.count == range.count - kept.count)
        #expect(seen.isDisjoint(with: kept))
        #expect(session.takeIdentifier() == nil)
        session.releaseIdentifier(range.upperBound - 7)
        #expect(session.takeIdentifier() == range.upperBound - 7)
    }

    @Test func `a long life uses no identifier twice in flight`() {
        var rig = MQTTRig.online()
        var generator = SplitMix(seed: 5)
        var open: [UInt16] = []
        var twice: [UInt16] = []
        for sequence in 1...70_000 {
            let effects = rig.publish(.sample(Int64(sequence), bytes: 8))
            for case .publish(let publish) in effects.packets {
                guard let identifier = publish.packetIdentifier else { continue }
                if open.contains(identifier) { twice.append(identifier) }
                open.append(identifier)
            }
            // The first ten stay in flight for ever.
            if open.count > 30 {
                let identifier = open.remove(at: Int.random(in: 10..<open.count, using: &generator))
                _ = rig.receive(.pubAck(.init(packetIdentifier: identifier)))
            }
        }
        #expect(twice.isEmpty)
        #expect(open.prefix(10) == Array(1...10)[...])
    }

    /// The subscription is the only thing that holds an identifier here.
    private static let subscribing = MQTTRig.settings(subscriptions: [.init(filter: "a", qos: .atMostOnce)])

    @Test func `SUBACK frees the identifier of SUBSCRIBE`() {
        var rig = MQTTRig.online(Self.subscribing)
        #expect(rig.machine.session.identifiersInUse == 1)
        _ = rig.receive(.subAck(.init(packetIdentifier: 1, granted: [.atMostOnce])))
        #expect(rig.machine.session.identifiersInUse == 0)
    }

    @Test func `an attempt that ends while SUBACK is awaited keeps no identifier`() {
        var taken = MQTTRig.online(Self.subscribing)
        #expect(taken.machine.takeSession().identifiersInUse == 0)
        var left = MQTTRig.online(Self.subscribing)
        _ = left.machine.disconnect(now: left.now)
        #expect(left.machine.takeSession().identifiersInUse == 0)
        var garbled = MQTTRig.online(Self.subscribing)
        _ = garbled.receive("\u{1}")
        #expect(garbled.machine.takeSession().identifiersInUse == 0)
    }

    // MARK: The escape

    @Test func `a packet that ends with +++ gets a PINGREQ behind it in the same burst`() {
        var rig = MQTTRig.online()
        let message = OutgoingMessage(sequence: 1, topic: "t", payload: Array("1+++".utf8), qos: .atMostOnce)
        #expect(
            rig.publish(message) == [
                .send(mqtt("30 07 00 01 74 31 2B 2B 2B C0 00")), .written(sequence: 1), .windowOpened,
            ])
        rig.now = rig.now + .milliseconds(60)
        #expect(rig.receive(.pingResp) == [.pinged(rtt: .milliseconds(60))])
    }

    @Test(arguments: ["++", "+++ ", "+", "+ ++"])
    func `other endings get none`(_ payload: String) {
        var rig = MQTTRig.online()
        let effects = rig.publish(OutgoingMessage(sequence: 1, topic: "t", payload: Array(payload.utf8)))
        #expect(effects.packets.map(\.kind) == [.publish])
    }

    @Test func `the PINGREQ behind +++ is missed like any other`() {
        var rig = MQTTRig.online()
        _ = rig.publish(OutgoingMessage(sequence: 1, topic: "t", payload: Array("+++".utf8), qos: .atMostOnce))
        #expect(rig.wait(.seconds(10.1)) == [.failed(.pingTimedOut)])
    }
}
