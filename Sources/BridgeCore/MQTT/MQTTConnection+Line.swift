/// Lines that do not take bytes at once: packet mode asks for them, flow control holds them back, and while the connection
/// is being looked after all that is written waits.
///
/// Time-outs count from the moment a packet has left the line, which ``Settings/bytesPerSecond`` tells only while nothing
/// holds the line up.
extension MQTTConnection {
    /// The line took so many more of the bytes that were sent.
    public mutating func lineTook(_ count: Int, now: Moment) -> [Effect] {
        guard !sessionTaken else { return [] }
        var effects: [Effect] = []
        // Room for one byte says nothing of room for the message that waits.
        var madeRoom = !canPublish(bytes: 1)
        var rest = count
        while let burst = outstanding.left(&rest) {
            let late = max(now - burst.departs, .zero)
            if late > .zero {
                putOff(since: burst.departs - .nanoseconds(1), by: late, until: lineFree + late, now: now)
            }
            if settings.lineHoldsBack {
                hold.took(burst.bytes, late: late)
                if burst.endsMessage { hold.endsMessage(after: count - rest) }
            } else if burst.endsMessage {
                madeRoom = departed(&effects) || madeRoom
            }
        }
        hold.taken += count
        sendPieces(now: now, &effects)
        if madeRoom { roomAgain(now: now, &effects) }
        return effects
    }

    /// Whether ``portHolds(_:now:)`` is to be told from time to time.
    public var asksForPort: Bool { !sessionTaken && !hold.messageEnds.isEmpty }

    /// Of what a line that holds back took, so many bytes still stand in the port.
    public mutating func portHolds(_ bytes: Int, now: Moment) -> [Effect] {
        guard !sessionTaken else { return [] }
        var effects: [Effect] = []
        var madeRoom = false
        while let end = hold.messageEnds.first, hold.taken - bytes >= end {
            hold.messageLeft()
            madeRoom = departed(&effects) || madeRoom
        }
        if madeRoom { roomAgain(now: now, &effects) }
        return effects
    }

    /// The last byte of a message of QoS 0 has left.
    private mutating func departed(_ effects: inout [Effect]) -> Bool {
        guard let message = session.departed() else { return false }
        effects.append(.written(sequence: message.sequence))
        return true
    }

    /// What was written has waited since `since`, and now `waiting` bytes, which is all of it, begin to leave the line.
    ///
    /// What had left before `since` is not touched; the rest leaves so much later, and all of it within the time that the
    /// waiting bytes need from now.
    public mutating func lineHeld(since: Moment, waiting: Int, now: Moment) {
        guard now > since else { return }
        putOff(since: since, by: now - since, until: now + settings.lineTime(waiting), now: now)
    }

    /// The line below has looked: the connection is the one that it was.
    public mutating func verified(now: Moment) -> [Effect] {
        guard case .verifying = suspicion, phase != .ended else { return [] }
        clearances += 1
        suspicion = .cleared(times: clearances, at: now)
        let time = now - lookBegan
        for index in pieces.indices { pieces[index].due = pieces[index].due + time }
        putOff(since: lookBegan, by: time, until: lineFree + time, now: now)
        var effects: [Effect] = []
        sendPieces(now: now, &effects)
        goOnWithProbation(now: now, &effects)
        roomAgain(now: now, &effects)
        return effects
    }

    /// All that would have left after `since` leaves later, and all of it until `free`.
    private mutating func putOff(since: Moment, by time: Duration, until free: Moment, now: Moment) {
        guard lineFree > since else { return }
        func later(_ departure: Moment, plus timeout: Duration = .zero) -> Moment {
            guard departure - timeout > since else { return departure }
            return min(departure + time, free + timeout)
        }
        switch phase {
        case .connecting(let until):
            phase = .connecting(until: later(until, plus: settings.connackTimeout))
        case .idle, .subscribing, .online, .condemned, .ended: break
        }
        if let departed = pending?.departed { pending?.departed = later(departed) }
        for index in pings.indices { pings[index].departed = later(pings[index].departed) }
        for (index, entry) in session.inFlight.enumerated() {
            if let departed = entry.departed { session.putOff(at: index, departed: later(departed)) }
        }
        outstanding.update { $0.departs = later($0.departs) }
        for index in pieces.indices { pieces[index].burst.departs = later(pieces[index].burst.departs) }
        if catchUp != nil { catchUp = max(now, free - settings.lineTime(settings.windowBytes) / 2) }
        lineFree = free
    }

    /// There may be room where there was none.
    private mutating func roomAgain(now: Moment, _ effects: inout [Effect]) {
        pump(now: now, &effects)
        offerWindow(&effects)
    }
}
