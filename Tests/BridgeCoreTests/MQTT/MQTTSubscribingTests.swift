import Testing

@testable import BridgeCore

/// Subscriptions that change while the session stands, or while there is none.
struct MQTTSubscribingTests {
    private static func list(_ filters: String..., qos: QoS = .atLeastOnce) -> [Subscription] {
        filters.map { Subscription(filter: $0, qos: qos) }
    }

    private static func settings(
        _ subscriptions: [Subscription], change: (inout MQTTConnection.Settings) -> Void = { _ in }
    ) -> MQTTConnection.Settings {
        MQTTRig.settings(cleanSession: false, subscriptions: subscriptions, change: change)
    }

    /// Online with these subscriptions; the next packet identifier is 2, or 1 without any.
    private func rig(
        _ subscriptions: [Subscription], change: (inout MQTTConnection.Settings) -> Void = { _ in }
    ) -> MQTTRig {
        var rig = MQTTRig.online(Self.settings(subscriptions, change: change))
        if !subscriptions.isEmpty { _ = rig.receive(Self.granted(1, count: subscriptions.count)) }
        return rig
    }

    private static func granted(_ identifier: UInt16, count: Int = 1) -> MQTTPacket {
        .subAck(.init(packetIdentifier: identifier, granted: Array(repeating: .atLeastOnce, count: count)))
    }

    private static func subscribe(_ identifier: UInt16, _ list: [Subscription]) -> MQTTPacket {
        .subscribe(.init(packetIdentifier: identifier, subscriptions: list))
    }

    private static func unsubscribe(_ identifier: UInt16, _ filters: String...) -> MQTTPacket {
        .unsubscribe(.init(packetIdentifier: identifier, filters: filters))
    }

    @Test func `what is new is subscribed, then what has gone is unsubscribed, then it is reported`() {
        var rig = rig(Self.list("kept", "old"))
        let effects = rig.change(to: Self.list("kept", "new"))
        #expect(effects.packets == [Self.subscribe(2, Self.list("new"))])
        #expect(rig.machine.canPublish(bytes: 1), "messages go on")
        #expect(rig.receive(Self.granted(2)).packets == [Self.unsubscribe(3, "old")])
        #expect(
            rig.receive(.unsubAck(.init(packetIdentifier: 3)))
                == [.subscriptionsChanged(added: ["new"], removed: ["old"])])
        #expect(rig.machine.session.identifiersInUse == 0)
    }

    @Test func `another QoS is subscribed anew, the same list costs nothing`() {
        var rig = rig(Self.list("a", "b"))
        #expect(rig.change(to: Self.list("b", "a")).isEmpty)
        let lower = Self.list("b", qos: .atMostOnce) + Self.list("a")
        #expect(rig.change(to: lower).packets == [Self.subscribe(2, Self.list("b", qos: .atMostOnce))])
    }

    @Test func `of two entries for a filter the later one holds`() {
        var rig = MQTTRig.connecting(
            Self.settings(Self.list("a", "b") + Self.list("a", qos: .atMostOnce)))
        #expect(
            rig.receive(.connectAcknowledgement(.init())).packets
                == [Self.subscribe(1, Self.list("b") + Self.list("a", qos: .atMostOnce))])
        let effects = rig.receive(.subAck(.init(packetIdentifier: 1, granted: [.atLeastOnce, .atMostOnce])))
        #expect(effects == [.climbed(.online), .windowOpened])
    }

    @Test func `a refusal is reported as at sign-in, and the filter is not asked for again`() {
        var rig = rig(Self.list("a"))
        _ = rig.change(to: Self.list("a", "theirs"))
        #expect(
            rig.receive(.subAck(.init(packetIdentifier: 2, granted: [nil]))) == [.refusedSubscriptions(["theirs"])])
        #expect(rig.change(to: Self.list("a", "theirs")).isEmpty)
        #expect(!rig.machine.hasEnded)
    }

    @Test func `a filter that is none is reported`() {
        var rig = rig([])
        #expect(rig.change(to: Self.list("a#")) == [.refusedSubscriptions(["a#"])])
    }

    @Test func `a change while a request is out is made up for after its answer`() {
        var rig = rig(Self.list("a"))
        _ = rig.change(to: Self.list("b"))
        #expect(rig.change(to: Self.list("a", "c")).isEmpty)
        #expect(rig.receive(Self.granted(2)).packets == [Self.subscribe(3, Self.list("c"))])
        #expect(rig.receive(Self.granted(3)).packets == [Self.unsubscribe(4, "b")])
        #expect(
            rig.receive(.unsubAck(.init(packetIdentifier: 4)))
                == [.subscriptionsChanged(added: ["b", "c"], removed: ["b"])])
    }

    @Test func `a change before the link is online counts for the sign-in`() {
        var rig = MQTTRig.connecting(Self.settings(Self.list("a")))
        #expect(rig.change(to: Self.list("b")).isEmpty)
        #expect(rig.receive(.connectAcknowledgement(.init())).packets == [Self.subscribe(1, Self.list("b"))])
        #expect(rig.change(to: Self.list("c")).isEmpty)
        #expect(rig.receive(Self.granted(1)).packets == [Self.subscribe(2, Self.list("c"))])
        let effects = rig.receive(Self.granted(2))
        #expect(effects.contains(.climbed(.online)))
        #expect(effects.packets == [Self.unsubscribe(3, "b")])
    }

    @Test func `what was removed while there was no session is unsubscribed in the one that the server kept`() {
        var first = rig(Self.list("kept", "old"))
        var second = MQTTRig.online(
            Self.settings(Self.list("kept")), session: first.machine.takeSession(), sessionPresent: true)
        let effects = second.receive(Self.granted(2))
        #expect(effects == [.climbed(.online), .windowOpened, .send(Self.unsubscribe(3, "old").encoded())])
        #expect(
            second.receive(.unsubAck(.init(packetIdentifier: 3)))
                == [.subscriptionsChanged(added: [], removed: ["old"])])
    }

    @Test func `a request that was not answered may have been carried out`() {
        var first = rig([])
        _ = first.change(to: Self.list("perhaps"))
        var second = MQTTRig.connecting(Self.settings([]), session: first.machine.takeSession())
        #expect(
            second.receive(.connectAcknowledgement(.init(sessionPresent: true))).packets
                == [Self.unsubscribe(2, "perhaps")])
    }

    @Test func `a session that the server has not kept holds no subscriptions`() {
        var first = rig(Self.list("old"))
        let second = MQTTRig.online(Self.settings([]), session: first.machine.takeSession())
        #expect(second.machine.session.filters.isEmpty)
        #expect(second.machine.canPublish(bytes: 1))
    }

    @Test func `where there is no room for both, the old ones go first`() {
        var rig = rig(Self.list("a", "b")) { $0.mostSubscriptions = 3 }
        #expect(rig.change(to: Self.list("c", "d")).packets == [Self.unsubscribe(2, "a", "b")])
        #expect(
            rig.receive(.unsubAck(.init(packetIdentifier: 2))).packets == [Self.subscribe(3, Self.list("c", "d"))])
    }

    @Test func `changes go out in portions`() {
        let many = (0..<10).map { Subscription(filter: "f\($0)", qos: .atLeastOnce) }
        var rig = rig([])
        #expect(rig.change(to: many).packets == [Self.subscribe(1, Array(many.prefix(8)))])
        #expect(rig.receive(Self.granted(1, count: 8)).packets == [Self.subscribe(2, Array(many.suffix(2)))])
        #expect(
            rig.receive(Self.granted(2, count: 2))
                == [.subscriptionsChanged(added: many.map(\.filter), removed: [])])
        #expect(
            rig.change(to: []).packets
                == [.unsubscribe(.init(packetIdentifier: 3, filters: many.prefix(8).map(\.filter)))])
    }

    @Test(arguments: [true, false])
    func `an answer that does not come in 10 s ends the session`(_ subscribes: Bool) {
        var rig = rig(Self.list("a"))
        _ = rig.change(to: subscribes ? Self.list("a", "b") : [])
        #expect(rig.wait(.seconds(9.9)).isEmpty)
        #expect(rig.wait(.seconds(0.2)) == [.failed(.noSubscribeAcknowledgement)])
        #expect(rig.machine.takeSession().identifiersInUse == 0)
    }

    @Test func `an overdue answer has the connection looked after`() {
        var rig = rig(Self.list("a")) {
            $0.bytesPerSecond = .max
            $0.suspicion = .milliseconds(2500)
        }
        _ = rig.change(to: [])
        #expect(rig.wait(.milliseconds(2500)) == [.verify])
    }

    @Test func `time on the line does not count for the answer`() {
        var rig = rig([]) { $0.bytesPerSecond = 100 }
        rig.now = rig.now + .seconds(10)
        _ = rig.publish(.sample(1, bytes: 500))
        _ = rig.change(to: Self.list("a"))
        // 500 bytes and the 8 of SUBSCRIBE need 5.08 s.
        _ = rig.receive(.pubAck(.init(packetIdentifier: 1)))
        #expect(rig.untilDeadline == .milliseconds(15_080))
    }

    @Test func `an UNSUBACK of another identifier gives failed`() {
        var rig = rig(Self.list("a"))
        _ = rig.change(to: [])
        #expect(
            rig.receive(.unsubAck(.init(packetIdentifier: 9))).violation?.contains("[MQTT-3.10.4-4]") == true)
    }

    @Test func `after the end nothing is asked for`() {
        var rig = rig([])
        _ = rig.machine.disconnect(now: rig.now)
        #expect(rig.change(to: Self.list("a")).isEmpty)
    }
}

extension MQTTRig {
    fileprivate mutating func change(to subscriptions: [Subscription]) -> [MQTTConnection.Effect] {
        taking(machine.changeSubscriptions(to: subscriptions, now: now))
    }
}
