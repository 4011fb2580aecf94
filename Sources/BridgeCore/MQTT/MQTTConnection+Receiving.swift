extension MQTTConnection {
    /// Bytes came from the server, cut anywhere.
    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        var effects: [Effect] = []
        switch phase {
        case .ended: return []
        case .idle:
            end(.failed(.protocolViolation(detail: "Bytes came before CONNECT was sent [MQTT-3.1.0-1]")), &effects)
            return effects
        case .condemned:
            tail.append(bytes)
            if let failure = streamVerdict { end(.failed(failure), &effects) }
            return effects
        case .connecting, .subscribing, .online: break
        }
        guard !bytes.isEmpty else { return [] }
        lastReceived = now
        hasHeard = true
        clearances = 0
        if suspicion != .verifying { suspicion = .none }
        tail.append(bytes)
        decoder.append(bytes)
        do {
            while phase != .ended, let packet = try decoder.next() { handle(packet, now: now, &effects) }
        } catch {
            condemn(error, now: now, &effects)
        }
        return effects
    }

    /// The stream cannot be read on: either the server or the line erred, or the modem restarted.
    private mutating func condemn(_ error: MQTTError, now: Moment, _ effects: inout [Effect]) {
        let failure = LinkFailure.protocolViolation(detail: error.description)
        if let verdict = streamVerdict {
            end(.failed(verdict), &effects)
        } else if settings.restartVerdictDelay <= .zero {
            end(.failed(failure), &effects)
        } else {
            forgetPending()
            phase = .condemned(failure, until: now + settings.restartVerdictDelay)
            effects.append(.note("The stream from the server is not MQTT: \(error)"))
        }
    }

    /// The beginning of a TLS record with an alert (RFC 8446, 5.1): type 21, version 3.x.
    private static let alert: [UInt8] = [21, 3]

    /// What is known of a stream that cannot be read on: the modem speaks itself, or the server TLS.
    private var streamVerdict: LinkFailure? {
        ModemText.verdict(on: tail.bytes) ?? (tail.bytes.starts(with: Self.alert) ? .tlsExpected : nil)
    }

    private mutating func handle(_ packet: MQTTPacket, now: Moment, _ effects: inout [Effect]) {
        if case .connecting = phase {
            guard case .connectAcknowledgement(let answer) = packet else {
                return violation("MQTT-3.2.0-1", "\(packet.kind.name) came before CONNACK", &effects)
            }
            return handle(answer, now: now, &effects)
        }
        switch packet {
        case .publish(let publish): handle(publish, now: now, &effects)
        case .pubAck(let answer): handle(answer, now: now, &effects)
        case .subAck(let answer): handle(answer, now: now, &effects)
        case .unsubAck(let answer): handle(answer, now: now, &effects)
        case .pingResp:
            guard let ping = pings.first else {
                return effects.append(.note("PINGRESP came without PINGREQ"))
            }
            pings.removeFirst()
            roundTrip.sampled(now - ping.departed)
            effects.append(.pinged(rtt: now - ping.sent))
            passProbation(now: now, &effects)
        case .connectAcknowledgement:
            violation("MQTT-4.8.0-1", "A second CONNACK came", &effects)
        case .pubRec, .pubRel, .pubComp:
            violation("MQTT-4.8.0-1", "\(packet.kind.name) came, which answers nothing that was sent", &effects)
        case .connect, .subscribe, .unsubscribe, .pingReq, .disconnect:
            violation("MQTT-4.8.0-1", "\(packet.kind.name) came, which a server never sends", &effects)
        }
    }

    private mutating func handle(
        _ answer: MQTTPacket.ConnectAcknowledgement, now: Moment, _ effects: inout [Effect]
    ) {
        roundTrip.sampled(max(now - connectDeparted, .zero))
        guard answer.returnCode == .accepted else {
            return end(.failed(.refused(answer.returnCode)), &effects)
        }
        guard !answer.sessionPresent || !settings.connect.cleanSession else {
            return violation("MQTT-3.2.2-1", "A session is present although a clean one was asked for", &effects)
        }
        effects.append(.connected(sessionPresent: answer.sessionPresent))
        beginProbation(now: now)
        if answer.sessionPresent {
            sendInFlightAgain(now: now, &effects)
        } else {
            session.requeueInFlight()
        }
        beginSubscribing(sessionPresent: answer.sessionPresent, now: now, &effects)
    }

    private mutating func handle(_ answer: MQTTPacket.PubAck, now: Moment, _ effects: inout [Effect]) {
        let oldest = session.inFlight.first?.packetIdentifier
        guard let entry = session.acknowledged(answer.packetIdentifier) else {
            return effects.append(.note("PUBACK came for the unknown packet identifier \(answer.packetIdentifier)"))
        }
        if answer.packetIdentifier == oldest { oldestAcknowledged = now }
        if !entry.wasSentAgain, let departed = entry.departed { roundTrip.sampled(max(now - departed, .zero)) }
        effects.append(.acknowledged(sequence: entry.message.sequence))
        if session.inFlight.isEmpty { hold.allAnswered() }
        sendInFlightAgain(now: now, &effects)
        pump(now: now, &effects)
        offerWindow(&effects)
    }

    private mutating func handle(_ publish: MQTTPacket.Publish, now: Moment, _ effects: inout [Effect]) {
        guard publish.qos != .exactlyOnce else {
            return violation(
                "MQTT-3.8.4-6", "A message of QoS 2 came, although no subscription asked for more than 1", &effects)
        }
        guard !isOwn(publish) else {
            return end(
                .failed(
                    .protocolViolation(
                        detail: "a message came back as it was sent: the modem left transparent mode, and echoes")),
                &effects)
        }
        effects.append(
            .message(
                InboundMessage(
                    topic: publish.topic, payload: publish.payload, qos: publish.qos, dup: publish.dup,
                    retain: publish.retain, packetIdentifier: publish.packetIdentifier)))
        guard let identifier = publish.packetIdentifier else { return }
        if settings.acknowledgesAutomatically {
            transmit(MQTTPacket.pubAck(.init(packetIdentifier: identifier)).encoded(), now: now, &effects)
        } else {
            unacknowledged.insert(identifier)
        }
    }

    /// Whether it is a message of ours that waits for PUBACK, on a topic that nobody subscribed to.
    ///
    /// A module that has left transparent mode by accident, with its echo on, sends back all that it is sent: the message,
    /// and then the PUBACK that answers it, which would be taken for the server's.
    private func isOwn(_ publish: MQTTPacket.Publish) -> Bool {
        session.inFlight.contains {
            $0.packetIdentifier == publish.packetIdentifier && $0.message.topic == publish.topic
                && $0.message.payload == publish.payload
        }
            && !settings.subscriptions.contains { MQTTTopic.matches(filter: $0.filter, name: publish.topic) }
    }

    mutating func violation(_ rule: String, _ sentence: String, _ effects: inout [Effect]) {
        end(.failed(.protocolViolation(detail: "\(sentence) [\(rule)]")), &effects)
    }
}
