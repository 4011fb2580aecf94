import BridgeCore

/// Messages and subscriptions.
extension SimulatedPlatform {
    // MARK: From the device

    mutating func published(
        _ id: ConnectionID, _ identity: SignInJudge.Identity, _ publish: MQTTPacket.Publish
    ) throws(MQTTError) {
        guard publish.qos != .exactlyOnce else {
            throw MQTTError(rule: "section 4.3.3", "A PUBLISH at QoS 2: the platform has none")
        }
        report(
            .message(topic: publish.topic, payload: publish.payload, qos: publish.qos, isDuplicate: publish.dup))
        if let identifier = publish.packetIdentifier {
            send(id, .pubAck(MQTTPacket.PubAck(packetIdentifier: identifier)))
        }
        let responder = AlinkResponder(device: identity.device)
        let key = Self.key(identity.device)
        var thing = things[key] ?? Thing()
        defer { things[key] = thing }
        guard takesPublish(publish.qos, of: &thing) else {
            let limit = publish.qos == .atMostOnce ? PlatformRates.atMostOnceASecond : PlatformRates.atLeastOnceASecond
            return report(.limit(why: "more than \(limit) messages a second at QoS \(publish.qos.rawValue): dropped"))
        }
        if let why = limitBroken(by: publish, identity, responder) { return report(.limit(why: why)) }
        if publish.retain { report(.limit(why: "retain is not supported and is ignored")) }
        answered(publish, responder)
        guard
            let answer = responder.answer(
                topic: publish.topic, payload: publish.payload, thing: &thing.state, shadow: &thing.shadow,
                milliseconds: wallClock)
        else { return }
        deliver(topic: answer.topic, payload: Array(answer.payload.utf8), qos: .atMostOnce, to: identity.device)
    }

    /// An answer to a synchronous request, in time or too late.
    private mutating func answered(_ publish: MQTTPacket.Publish, _ responder: AlinkResponder) {
        let start = responder.prefix + "rrpc/response/"
        guard publish.topic.hasPrefix(start) else { return }
        let id = String(publish.topic.dropFirst(start.count))
        if rrpcs.removeValue(forKey: id) != nil { report(.rrpcAnswered(id: id, payload: publish.payload)) }
    }

    private func limitBroken(
        by publish: MQTTPacket.Publish, _ identity: SignInJudge.Identity, _ responder: AlinkResponder
    ) -> String? {
        let length = publish.topic.utf8.count
        if length > Self.longestTopic { return "the topic has \(length) bytes, more than \(Self.longestTopic)" }
        if publish.payload.count > Self.largestPayload {
            return "the payload has \(publish.payload.count) bytes, more than \(Self.largestPayload)"
        }
        return responder.owns(publish.topic, device: identity.device) ? nil : "the topic is not the device's own"
    }

    mutating func acknowledged(_ identity: SignInJudge.Identity, _ identifier: UInt16) {
        sessions[Self.key(identity.device)]?.unacknowledged.removeAll { $0.packetIdentifier == identifier }
        report(.acknowledged(packetIdentifier: identifier))
    }

    // MARK: Subscriptions

    mutating func subscribe(
        _ id: ConnectionID, _ identity: SignInJudge.Identity, _ subscribe: MQTTPacket.Subscribe
    ) {
        guard subscribe.subscriptions.count <= Self.mostFilters else {
            report(
                .limit(
                    why: "\(subscribe.subscriptions.count) filters in one SUBSCRIBE; \(Self.mostFilters) are allowed"))
            return close(id)
        }
        let granted = subscribe.subscriptions.map { grant($0, identity) }
        send(id, .subAck(MQTTPacket.SubAck(packetIdentifier: subscribe.packetIdentifier, granted: granted)))
    }

    private mutating func grant(_ subscription: Subscription, _ identity: SignInJudge.Identity) -> QoS? {
        let key = Self.key(identity.device)
        guard AlinkResponder(device: identity.device).owns(subscription.filter, device: identity.device) else {
            report(.subscriptionRefused(filter: subscription.filter, why: "not the device's own"))
            return nil
        }
        var subscriptions = sessions[key]?.subscriptions ?? []
        subscriptions.removeAll { $0.filter == subscription.filter }
        guard subscriptions.count < Self.mostSubscriptions else {
            report(.subscriptionRefused(filter: subscription.filter, why: "more than \(Self.mostSubscriptions)"))
            return nil
        }
        let qos = min(subscription.qos, .atLeastOnce)
        sessions[key]?.subscriptions = subscriptions + [Subscription(filter: subscription.filter, qos: qos)]
        report(.subscribed(filter: subscription.filter, qos: qos))
        return qos
    }

    // MARK: To the device

    /// The QoS of the publication counts, not that of the subscription, as on the platform.
    mutating func deliver(topic: String, payload: [UInt8], qos: QoS, to device: CloudDevice) {
        let key = Self.key(device)
        let online = connections.first { $0.value.identity?.device == device }
        guard isSubscribed(topic, device, itself: online?.value.identity?.subscribesItself ?? false) else {
            return report(.notSent(topic: topic, why: "not subscribed"))
        }
        if trouble.loses() { return report(.lostByOrder(topic: topic)) }
        var publish = MQTTPacket.Publish(topic: topic, payload: payload, qos: qos)
        if qos != .atMostOnce, var session = sessions[key] {
            repeat {
                session.lastIdentifier &+= 1
            } while session.lastIdentifier == 0
                || session.unacknowledged.contains { $0.packetIdentifier == session.lastIdentifier }
            publish.packetIdentifier = session.lastIdentifier
            guard session.unacknowledged.count < Self.mostSubscriptions else {
                return report(.notSent(topic: topic, why: "100 messages are not acknowledged"))
            }
            session.unacknowledged.append(publish)
            sessions[key] = session
        }
        guard let id = online?.key else { return report(.notSent(topic: topic, why: "offline")) }
        transmit(publish, to: id)
        guard trouble.repeatsNext, qos == .atLeastOnce else { return }
        trouble.repeatsNext = false
        publish.dup = true
        transmit(publish, to: id)
    }

    mutating func transmit(_ publish: MQTTPacket.Publish, to id: ConnectionID) {
        send(id, .publish(publish))
        report(.sent(topic: publish.topic, payload: publish.payload, qos: publish.qos))
    }

    private func isSubscribed(_ topic: String, _ device: CloudDevice, itself: Bool) -> Bool {
        if itself, AlinkResponder(device: device).isSubscribedItself(topic) { return true }
        let subscriptions = sessions[Self.key(device)]?.subscriptions ?? []
        return subscriptions.contains { MQTTTopic.matches(filter: $0.filter, name: topic) }
    }
}
