/// Lines that take bytes only when they are asked to, as packet mode does.
extension MQTTConnection {
    /// What was written has waited since `since`, and now `waiting` bytes, which is all of it, begin to leave the line.
    ///
    /// Time-outs count from the moment a packet has left the line, which ``Settings/bytesPerSecond`` tells only while
    /// nothing holds the line up. What had left before `since` is not touched; the rest leaves so much later, and all of
    /// it within the time that the waiting bytes need from now.
    public mutating func lineHeld(since: Moment, waiting: Int, now: Moment) {
        guard now > since, lineFree > since else { return }
        let free = now + settings.lineTime(waiting)
        func later(_ departure: Moment, plus timeout: Duration = .zero) -> Moment {
            guard departure - timeout > since else { return departure }
            return min(departure + (now - since), free + timeout)
        }
        switch phase {
        case .connecting(let until):
            phase = .connecting(until: later(until, plus: settings.connackTimeout))
        case .idle, .subscribing, .online, .condemned, .ended: break
        }
        if let departed = pending?.departed { pending?.departed = later(departed) }
        for index in pings.indices { pings[index].departed = later(pings[index].departed) }
        for (index, entry) in session.inFlight.enumerated() {
            session.sentAgain(at: index, departed: later(entry.departed))
        }
        if catchUp != nil { catchUp = max(now, free - settings.lineTime(settings.windowBytes) / 2) }
        lineFree = free
    }
}
