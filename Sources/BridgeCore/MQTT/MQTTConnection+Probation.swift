/// What is done about a message with which the link broke again and again (``PoisonWatch``), so that the next break tells
/// whether it was the message.
///
/// The session first has to live for ``Settings/probation``, on one connection, and to answer a PINGREQ then: a radio that breaks by itself, or
/// another client with the same device, ends it before the message has been sent. Then the message goes alone. A long one
/// is sent in pieces, and the connection is looked after before its second piece and before its last one: a server that
/// hangs up on its beginning is told from a connection that was lost on the way, and that from one that ended with the whole
/// message.
extension MQTTConnection {
    /// CONNACK, or the end of sign-in: a session that holds a suspect is put on probation.
    mutating func beginProbation(now: Moment) {
        if session.holdsSuspect { probation = .waiting(until: now + settings.probation) }
    }

    var probationDue: Moment? {
        guard case .waiting(let until) = probation, phase == .online else { return nil }
        return until
    }

    /// It has lived so long; whether the server is still there tells the answer.
    mutating func keepProbation(now: Moment, _ effects: inout [Effect]) {
        guard let due = probationDue, now >= due, suspicion != .verifying else { return }
        probation = .asked
        guard settings.suspicion == nil else { return look(now: now, &effects) }
        ping(now: now, &effects)
    }

    /// The line below has looked, and the connection is the same.
    mutating func goOnWithProbation(now: Moment, _ effects: inout [Effect]) {
        if probation == .asked, pings.isEmpty { ping(now: now, &effects) }
    }

    /// PINGRESP came.
    mutating func passProbation(now: Moment, _ effects: inout [Effect]) {
        guard probation == .asked, pings.isEmpty else { return }
        probation = nil
        provedAt = now
        sendInFlightAgain(now: now, &effects)
        pump(now: now, &effects)
        offerWindow(&effects)
    }

    /// The connection is over.
    mutating func noteExposure() {
        guard phase != .ended, let first = session.inFlight.first, let departed = first.departed else { return }
        let held = outstanding.first?.departs ?? pieces.first?.burst.departs
        let hasLeft = held.map { departed < $0 } ?? true
        session.exposure = MQTTSession.Exposure(
            message: first.message.sequence, departed: hasLeft ? departed : nil,
            provedAt: session.suspect == first.message.sequence ? provedAt : nil)
    }
}
