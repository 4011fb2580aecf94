extension MQTTConnection {
    /// When ``timerFired(now:)`` is to be called; nil for not at all.
    public var deadline: Moment? {
        let phaseDue: Moment? =
            switch phase {
            case .idle, .ended: nil
            case .connecting(let until): until
            case .condemned(_, let until): until
            case .subscribing, .online: upkeep
            }
        guard let pieceDue, phase != .ended else { return phaseDue }
        return phaseDue.map { min($0, pieceDue) } ?? pieceDue
    }

    /// The deadline has come. Called too early, it does nothing.
    public mutating func timerFired(now: Moment) -> [Effect] {
        var effects: [Effect] = []
        sendPieces(now: now, &effects)
        switch phase {
        case .idle, .ended: break
        case .connecting(let until):
            if now >= until { giveUp(.noConnectAcknowledgement, &effects) }
        case .condemned(let failure, let until):
            if now >= until { end(.failed(failure), &effects) }
        case .subscribing, .online:
            keepUp(now: now, &effects)
        }
        return effects
    }

    private var upkeep: Moment? {
        var due = suspicion == .verifying ? nil : pingDue
        for other in [
            pingDeadline, publishDeadline, subscriptionDeadline, suspicionDue, catchUp,
            suspicion == .verifying ? nil : probationDue,
        ] {
            if let other { due = min(due ?? other, other) }
        }
        return due
    }

    /// When the next PINGREQ is due.
    ///
    /// Whatever is sent counts for the server's patience [MQTT-3.1.2-23]. Whatever is received counts
    /// for ours: a link that only ever sends would not notice that nobody listens.
    private var pingDue: Moment? {
        guard let interval = settings.pingInterval else { return nil }
        return pings.isEmpty ? min(lineFree, lastReceived) + interval : lineFree + interval
    }

    private var pingDeadline: Moment? {
        guard let ping = pings.first else { return nil }
        let patience = roundTrip.patience(settings.pingTimeout) + hold.patience
        return whileReceiving(ping.departed + patience, patience)
    }

    /// Servers answer in order [MQTT-4.6.0-2], so it is enough to watch the oldest.
    private var publishDeadline: Moment? {
        guard let departed = session.inFlight.first?.departed else { return nil }
        let patience = roundTrip.patience(settings.publishTimeout) + hold.patience
        return whileReceiving(max(oldestAcknowledged, departed) + patience, patience)
    }

    /// When SUBACK or UNSUBACK is given up. At sign-in nothing of ours but the request is on its way.
    private var subscriptionDeadline: Moment? {
        guard let pending else { return nil }
        guard phase == .online else { return pending.departed + settings.subackTimeout }
        let patience = roundTrip.patience(settings.subackTimeout) + hold.patience
        return whileReceiving(pending.departed + patience, patience)
    }

    /// When the connection is looked after: an answer is overdue and nothing at all has come.
    ///
    /// The first time after ``Settings/suspicion``, or a round trip later than nearly every answer comes; after each look
    /// that found the connection in order, twice as long. Not while bytes wait for the line, nor while they may still stand
    /// behind a line that holds back.
    private var suspicionDue: Moment? {
        guard let least = settings.suspicion, phase == .online, outstanding.isEmpty else { return nil }
        let unanswered = [
            pings.first?.departed, session.inFlight.first?.departed.map { max(oldestAcknowledged, $0) },
            pending?.departed,
        ]
        guard let since = unanswered.compactMap({ $0 }).min() else { return nil }
        let patience = max(least, roundTrip.expected + (roundTrip.smoothed ?? .zero)) + hold.patience
        switch suspicion {
        case .none: return max(since, lastReceived) + patience
        case .verifying: return nil
        case .cleared(let times, let at): return max(since, at) + patience * (1 << min(times, 4))
        }
    }

    /// Has the connection looked after; nothing is sent until the answer.
    mutating func look(now: Moment, _ effects: inout [Effect]) {
        suspicion = .verifying
        lookBegan = now
        effects.append(.verify)
    }

    /// A deadline, put off while a packet is coming in, because the answer may stand behind it.
    ///
    /// At most by the time that the longest packet needs on the line: when bytes were lost, the end of
    /// the packet that seems to be coming may never come.
    private func whileReceiving(_ due: Moment, _ timeout: Duration) -> Moment {
        guard decoder.waitingBytes > 0 else { return due }
        return max(due, min(lastReceived + timeout, due + settings.lineTime(settings.maximumPacketSize)))
    }

    private mutating func keepUp(now: Moment, _ effects: inout [Effect]) {
        if let due = pingDeadline, now >= due { return giveUp(.pingTimedOut, &effects) }
        if let due = publishDeadline, now >= due { return giveUp(.publishTimedOut, &effects) }
        if let due = subscriptionDeadline, now >= due { return giveUp(.noSubscribeAcknowledgement, &effects) }
        if let due = catchUp, now >= due {
            catchUp = nil
            pump(now: now, &effects)
            offerWindow(&effects)
        }
        if let due = suspicionDue, now >= due {
            return look(now: now, &effects)
        }
        keepProbation(now: now, &effects)
        if suspicion != .verifying, let due = pingDue, now >= due { ping(now: now, &effects) }
    }

    /// Ends the attempt because the server is silent; boot text that was taken for the start of a
    /// packet is the better reason.
    private mutating func giveUp(_ failure: LinkFailure, _ effects: inout [Effect]) {
        let restarted = decoder.waitingBytes > 0 && ModemText.saysRestart(tail.bytes)
        end(.failed(restarted ? .modemRestartedOnline : failure), &effects)
    }
}
