/// The subscriptions: made at sign-in, and changed while the session stands.
///
/// One request is out at a time. What the next one asks for follows from what is wanted, what this connection has asked
/// for, and what the server may hold; so a list that changes while a request is out, or before CONNACK, needs no care of
/// its own. What is new goes before what is to go, so that a filter that takes another one's place misses nothing.
extension MQTTConnection {
    /// The SUBSCRIBE or UNSUBSCRIBE that is out.
    struct Pending: Equatable {
        enum Request: Equatable {
            case subscribe([Subscription])
            case unsubscribe([String])
        }

        var packetIdentifier: UInt16
        var request: Request
        /// When it left the line.
        var departed: Moment
    }

    /// What the server has taken over since the session came online.
    struct SubscriptionChange: Equatable {
        var added: [String] = []
        var removed: [String] = []
    }

    /// Other subscriptions than before are wanted: told to the server at once, or at sign-in when there is no session yet.
    public mutating func changeSubscriptions(to subscriptions: [Subscription], now: Moment) -> [Effect] {
        settings.subscriptions = subscriptions
        guard isTalking else { return [] }
        var effects: [Effect] = []
        reportWrongFilters(&effects)
        settleSubscriptions(now: now, &effects)
        return effects
    }

    /// CONNACK has come: all subscriptions are made anew, whether or not the server still has them.
    mutating func beginSubscribing(sessionPresent: Bool, now: Moment, _ effects: inout [Effect]) {
        if !sessionPresent { session.filters = [] }
        reportWrongFilters(&effects)
        if !wanted.isEmpty { effects.append(.climbed(.subscribing)) }
        phase = .subscribing
        settleSubscriptions(now: now, &effects)
    }

    /// Each filter once: of two entries the later one holds, as it would at the server [MQTT-3.8.4-3].
    private var wanted: [Subscription] {
        var wanted: [Subscription] = []
        for subscription in settings.subscriptions where Self.isFilter(subscription.filter) {
            wanted.removeAll { $0.filter == subscription.filter }
            wanted.append(subscription)
        }
        return wanted
    }

    private static func isFilter(_ text: String) -> Bool { (try? MQTTTopic.checkFilter(text)) != nil }

    private func reportWrongFilters(_ effects: inout [Effect]) {
        let wrong = settings.subscriptions.map(\.filter).filter { !Self.isFilter($0) }
        if !wrong.isEmpty { effects.append(.refusedSubscriptions(wrong)) }
    }

    /// Sends the next request, if one is needed and none is out; goes online when all that is wanted has been asked for.
    private mutating func settleSubscriptions(now: Moment, _ effects: inout [Effect]) {
        guard pending == nil else { return }
        let wanted = wanted
        let most = max(1, settings.topicsPerSubscribe)
        let fresh = wanted.filter { asked[$0.filter] != $0.qos }.prefix(most)
        let stale = session.filters.filter { held in !wanted.contains { $0.filter == held } }.prefix(most)
        if fresh.isEmpty, phase == .subscribing { goOnline(now: now, &effects) }
        let room = settings.mostSubscriptions - session.filters.count
        let fits = fresh.count { !session.filters.contains($0.filter) } <= room
        if !fresh.isEmpty, fits || stale.isEmpty {
            request(.subscribe(Array(fresh)), now: now, &effects)
        } else if !stale.isEmpty {
            request(.unsubscribe(Array(stale)), now: now, &effects)
        } else if change != SubscriptionChange() {
            effects.append(.subscriptionsChanged(added: change.added, removed: change.removed))
            change = SubscriptionChange()
        }
    }

    private mutating func goOnline(now: Moment, _ effects: inout [Effect]) {
        phase = .online
        beginProbation(now: now)
        effects.append(.climbed(.online))
        pump(now: now, &effects)
        offerWindow(&effects)
    }

    private mutating func request(_ request: Pending.Request, now: Moment, _ effects: inout [Effect]) {
        guard let identifier = session.takeIdentifier() else {
            return end(.failed(.protocolViolation(detail: "No packet identifier is free [MQTT-2.3.1-2]")), &effects)
        }
        let packet: MQTTPacket
        switch request {
        case .subscribe(let subscriptions):
            for subscription in subscriptions {
                asked[subscription.filter] = subscription.qos
                if !session.filters.contains(subscription.filter) { session.filters.append(subscription.filter) }
            }
            packet = .subscribe(.init(packetIdentifier: identifier, subscriptions: subscriptions))
        case .unsubscribe(let filters):
            for filter in filters { asked[filter] = nil }
            packet = .unsubscribe(.init(packetIdentifier: identifier, filters: filters))
        }
        transmit(packet.encoded(), now: now, &effects)
        pending = Pending(packetIdentifier: identifier, request: request, departed: lineFree)
    }

    // MARK: Answers

    mutating func handle(_ answer: MQTTPacket.SubAck, now: Moment, _ effects: inout [Effect]) {
        guard let pending, case .subscribe(let subscriptions) = pending.request else {
            return violation("MQTT-4.8.0-1", "SUBACK came, which answers nothing that was sent", &effects)
        }
        guard answer.packetIdentifier == pending.packetIdentifier else {
            return violation(
                "MQTT-3.8.4-2",
                "SUBACK has the packet identifier \(answer.packetIdentifier) instead of \(pending.packetIdentifier)",
                &effects)
        }
        guard answer.granted.count == subscriptions.count else {
            return violation(
                "MQTT-3.8.4-5", "SUBACK has \(answer.granted.count) codes for \(subscriptions.count) filters", &effects)
        }
        let pairs = zip(subscriptions, answer.granted)
        let refused = pairs.filter { $0.1 == nil }.map(\.0.filter)
        if !refused.isEmpty { effects.append(.refusedSubscriptions(refused)) }
        for (asked, granted) in pairs {
            guard let granted, granted != asked.qos else { continue }
            effects.append(
                .note("QoS \(granted.rawValue) instead of \(asked.qos.rawValue) was granted for \(asked.filter)"))
        }
        if phase == .online { change.added += pairs.filter { $0.1 != nil }.map(\.0.filter) }
        answered(pending, now: now, &effects)
    }

    mutating func handle(_ answer: MQTTPacket.UnsubAck, now: Moment, _ effects: inout [Effect]) {
        guard let pending, case .unsubscribe(let filters) = pending.request else {
            return violation("MQTT-4.8.0-1", "UNSUBACK came, which answers nothing that was sent", &effects)
        }
        guard answer.packetIdentifier == pending.packetIdentifier else {
            return violation(
                "MQTT-3.10.4-4",
                "UNSUBACK has the packet identifier \(answer.packetIdentifier) instead of \(pending.packetIdentifier)",
                &effects)
        }
        session.filters.removeAll { filters.contains($0) }
        change.removed += filters
        answered(pending, now: now, &effects)
    }

    private mutating func answered(_ pending: Pending, now: Moment, _ effects: inout [Effect]) {
        forgetPending()
        roundTrip.sampled(max(now - pending.departed, .zero))
        settleSubscriptions(now: now, &effects)
    }

    /// Gives up waiting for SUBACK or UNSUBACK: it came, or the connection is over.
    mutating func forgetPending() {
        if let pending { session.releaseIdentifier(pending.packetIdentifier) }
        pending = nil
    }
}
