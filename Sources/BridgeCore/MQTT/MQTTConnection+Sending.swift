extension MQTTConnection {
    private static let escape = Array("+++".utf8)

    /// Writes a packet to the line.
    ///
    /// A packet that ends with `+++` gets a PINGREQ behind it. The firmware leaves transparent mode when
    /// its UART buffer holds exactly `+++` as its 20 ms idle timer fires; it empties that buffer
    /// whenever 2,920 bytes are in it (2,048 in other versions), so a burst of 2,920·k + 3 bytes that
    /// ends with `+++` leaves just these three (ESP8266 NonOS AT 1.3 to 1.7; manual, "AT+CIPSEND").
    /// Two more bytes in the same burst make that impossible, whatever the sizes are.
    func guarded(_ packet: [UInt8]) -> (bytes: [UInt8], hasPing: Bool) {
        guard packet.suffix(3).elementsEqual(Self.escape) else { return (packet, false) }
        return (packet + MQTTPacket.pingReq.encoded(), true)
    }

    /// - Parameter endsMessage: whether it is a message of QoS 0.
    mutating func transmit(
        _ packet: [UInt8], endsMessage: Bool = false, now: Moment, _ effects: inout [Effect]
    ) {
        let (bytes, hasPing) = guarded(packet)
        write(bytes, endsMessage: endsMessage, now: now, &effects)
        if hasPing { pings.append(Ping(sent: now, departed: lineFree)) }
    }

    /// Bytes for the line: at once, or in pieces with pauses behind what waits already.
    private mutating func write(_ bytes: [UInt8], endsMessage: Bool, now: Moment, _ effects: inout [Effect]) {
        // Pieces of equal length, so that none is so short that it could be `+++` alone.
        let isLong = bytes.count > settings.longestBurst
        let count = isLong ? (2 * bytes.count + settings.longestBurst - 1) / settings.longestBurst : 1
        for index in 0..<count {
            let part = Array(bytes[(bytes.count * index / count)..<(bytes.count * (index + 1) / count)])
            let isFirst = index == 0 && pieces.isEmpty
            let pause = index == 0 || settings.lineHoldsBack ? .zero : pauseBetweenPieces
            let due = isFirst ? now : max(lineFree, now) + pause
            lineFree = max(lineFree, due) + settings.lineTime(part.count + settings.packetOverhead)
            let piece = Piece(
                due: due, bytes: part,
                burst: Burst(departs: lineFree, endsMessage: endsMessage && index == count - 1, bytes: part.count),
                isTelling: index > 0 && (index == 1 || index == count - 1))
            if isFirst { send(piece, &effects) } else { pieces.append(piece) }
        }
    }

    mutating func send(_ piece: Piece, _ effects: inout [Effect]) {
        outstanding.wrote(piece.bytes.count, piece.burst)
        effects.append(.send(piece.bytes))
    }

    /// A round trip: by then the module's TCP has had its acknowledgement.
    private var pauseBetweenPieces: Duration { max(.milliseconds(50), roundTrip.expected) }

    /// When the next piece goes; none does while the connection is being looked after, nor while the line holds back.
    var pieceDue: Moment? {
        guard suspicion != .verifying, !settings.lineHoldsBack || outstanding.isEmpty else { return nil }
        return pieces.first?.due
    }

    /// Sends the pieces whose time has come.
    mutating func sendPieces(now: Moment, _ effects: inout [Effect]) {
        while let due = pieceDue, due <= now {
            if pieces[0].isTelling, session.isIsolating, settings.suspicion != nil, !hold.isFelt {
                pieces[0].isTelling = false
                return look(now: now, &effects)
            }
            send(pieces.removeFirst(), &effects)
        }
    }

    mutating func ping(now: Moment, _ effects: inout [Effect]) {
        transmit(MQTTPacket.pingReq.encoded(), now: now, &effects)
        pings.append(Ping(sent: now, departed: lineFree))
    }

    /// Whether the window takes so many bytes more.
    func hasRoom(for bytes: Int) -> Bool {
        guard catchUp == nil, suspicion != .verifying, probation == nil, !session.isIsolating else { return false }
        guard session.departing.isEmpty || session.departingBytes + bytes <= settings.windowBytes else { return false }
        guard !session.inFlight.isEmpty else { return true }
        let overhead = settings.packetOverhead * (session.inFlight.count + 1)
        return session.inFlight.count < settings.windowMessages
            && session.inFlightBytes + bytes + overhead <= settings.windowBytes
    }

    /// Sends from the backlog what there is room for.
    mutating func pump(now: Moment, _ effects: inout [Effect]) {
        while phase == .online, let message = session.backlog.first {
            do {
                try message.check()
            } catch {
                _ = session.dequeue()
                effects.append(.undeliverable(sequence: message.sequence, error))
                continue
            }
            guard hasRoom(for: message.encodedLength) else { return }
            switch message.qos {
            case .atMostOnce: sendOnce(message, now: now, &effects)
            case .atLeastOnce, .exactlyOnce:
                guard let identifier = session.takeIdentifier() else { return }
                transmit(message.packet(packetIdentifier: identifier), now: now, &effects)
                session.sent(message, packetIdentifier: identifier, departed: lineFree)
            }
            _ = session.dequeue()
        }
    }

    /// Sends a QoS 0 message.
    ///
    /// No PUBACK paces these, only the line itself: when more than a window of bytes waits to leave it,
    /// the next message waits until half of that has gone. It is delivered when the line has taken it.
    private mutating func sendOnce(_ message: OutgoingMessage, now: Moment, _ effects: inout [Effect]) {
        transmit(message.packet(packetIdentifier: nil), endsMessage: true, now: now, &effects)
        session.departs(message)
        let window = settings.lineTime(settings.windowBytes)
        if lineFree - now > window { catchUp = lineFree - window / 2 }
    }

    /// Tells the caller of room, if there is any and nothing waits for it.
    func offerWindow(_ effects: inout [Effect]) {
        if canPublish(bytes: 1) { effects.append(.windowOpened) }
    }

    /// Sends what is in flight and was not sent in this connection once more [MQTT-4.4.0-1], in the order of the first
    /// sending [MQTT-4.6.0-1]; a suspect alone, and the rest when it has been acknowledged.
    ///
    /// The window does not matter: it was kept to when they were sent first.
    mutating func sendInFlightAgain(now: Moment, _ effects: inout [Effect]) {
        guard probation == nil else { return }
        for (index, entry) in session.inFlight.enumerated() {
            if entry.departed == nil {
                transmit(
                    entry.message.packet(dup: true, packetIdentifier: entry.packetIdentifier), now: now, &effects)
                session.sentAgain(at: index, departed: lineFree)
            }
            if entry.message.sequence == session.suspect { return }
        }
    }

    /// The last effect of the attempt.
    mutating func end(_ effect: Effect, _ effects: inout [Effect]) {
        forgetPending()
        noteExposure()
        phase = .ended
        pieces = []
        effects.append(effect)
    }
}
