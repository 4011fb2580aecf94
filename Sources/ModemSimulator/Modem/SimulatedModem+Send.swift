import BridgeCore

/// The payload of AT+CIPSEND=<n> and its relatives as it comes in.
struct PayloadInput {
    enum Kind: Equatable {
        case plain
        /// AT+CIPSENDEX: `\0` ends the payload early, and `\` makes the next byte a plain one.
        case escaped
        /// AT+CIPSENDBUF: nobody waits for the acknowledgement.
        case buffered
    }

    var kind = Kind.plain
    var bytes: [UInt8] = []
    /// `+` since the last silence of 20 ms, as long as nothing else came: three and silence again are the escape. The UART
    /// hands a chunk over as a whole, so they are not taken for payload before.
    var plus = 0
    var isBehindSilence = true
    /// The last byte was the `\` of ``Kind/escaped``.
    var isEscaping = false
    /// `\0` came.
    var hasEnded = false

    /// Takes bytes until `expected` are there; the rest stays.
    mutating func take(_ rest: inout ArraySlice<UInt8>, expected: Int) {
        while isBehindSilence, plus < 3, rest.first == UInt8(ascii: "+") {
            plus += 1
            rest.removeFirst()
        }
        guard !rest.isEmpty else { return }
        isBehindSilence = false
        rest = [UInt8](repeating: UInt8(ascii: "+"), count: plus) + rest
        plus = 0
        count(&rest, expected: expected)
    }

    /// 20 ms without a byte.
    mutating func silence(expected: Int) {
        var rest = [UInt8](repeating: UInt8(ascii: "+"), count: plus)[...]
        plus = 0
        count(&rest, expected: expected)
        isBehindSilence = true
    }

    private mutating func count(_ rest: inout ArraySlice<UInt8>, expected: Int) {
        if kind == .escaped {
            while !hasEnded, bytes.count < expected, let byte = rest.popFirst() { unescape(byte) }
        } else {
            let part = rest.prefix(expected - bytes.count)
            rest = rest.dropFirst(part.count)
            bytes += part
        }
    }

    private mutating func unescape(_ byte: UInt8) {
        if isEscaping {
            isEscaping = false
            byte == UInt8(ascii: "0") ? hasEnded = true : bytes.append(byte)
        } else if byte == UInt8(ascii: "\\") {
            isEscaping = true
        } else {
            bytes.append(byte)
        }
    }
}

/// A payload of AT+CIPSENDBUF that is not acknowledged yet.
struct Segment: Equatable {
    var number: Int
    var count: Int
    /// TCP has taken it.
    var isTaken = false
}

/// Sending outside of transparent mode.
extension SimulatedModem {
    /// What AT+CIPSENDBUF lets wait; the manual names the replies, but not the limits.
    private static let mostSegments = 8
    private static let mostUnacknowledged = 5840

    mutating func performSend(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CIPSEND", .execute): enterDataMode()
        case ("+CIPSEND", .set(let arguments)): startPayload(.plain, arguments)
        case ("+CIPSENDEX", .set(let arguments)): startPayload(.escaped, arguments)
        case ("+CIPSENDBUF", .set(let arguments)): startPayload(.buffered, arguments)
        default: refuseForm()
        }
    }

    private mutating func startPayload(_ kind: PayloadInput.Kind, _ all: [CommandLine.Argument]) {
        guard !volatile.isTransparentMode else { return fail("IPMODE=1") }
        var arguments = all[...]
        var number = 0
        if volatile.hasManyLinks {
            guard let id = arguments.popFirst()?.number, (0...4).contains(id) else { return refuse("ID ERROR") }
            number = id
        }
        guard let length = arguments.popFirst()?.number, length > 0, arguments.isEmpty else { return refuse() }
        guard length <= firmware.sendLimit else { return refuse("too long") }
        guard let link = links[number], link.state == .open else { return fail("link is not valid") }
        if kind == .buffered {
            let waiting = link.segments.reduce(0) { $0 + $1.count }
            guard link.segments.count < Self.mostSegments else { return fail("QUEUE FULL") }
            guard waiting + length <= Self.mostUnacknowledged else { return fail("BUFFER FULL") }
            say("\(link.lastSegment + 1),\(link.lastAcknowledged)\r\n")
            succeed()
            say(">")
        } else {
            succeed()
            say(firmware.prompt)
        }
        payload = PayloadInput(kind: kind)
        phase = .payload(link: number, expected: length)
    }

    // MARK: The payload

    mutating func take(payload rest: inout ArraySlice<UInt8>, link: Int, expected: Int) {
        payload.take(&rest, expected: expected)
        payloadCounted(link: link, expected: expected)
    }

    private mutating func payloadCounted(link: Int, expected: Int) {
        guard payload.bytes.count == expected || payload.hasEnded else {
            return set(.payloadSilence, after: TransparentBuffer.idleTime)
        }
        cancel(.payloadSilence)
        let (bytes, kind) = (payload.bytes, payload.kind)
        payload = PayloadInput()
        say("\r\nRecv \(bytes.count) bytes\r\n")
        guard !bytes.isEmpty else {
            phase = .command
            return say("\r\nSEND OK\r\n")
        }
        if kind == .buffered {
            phase = .command
            let number = (links[link]?.lastSegment ?? 0) + 1
            links[link]?.lastSegment = number
            links[link]?.segments.append(Segment(number: number, count: bytes.count))
        } else {
            phase = .sending(link: link)
        }
        transmit(bytes, link: link)
    }

    mutating func payloadSilenceReached() {
        guard case .payload(let link, let expected) = phase else { return }
        if payload.plus == 3 { return cancelPayload() }
        let before = payload.bytes.count
        payload.silence(expected: expected)
        if payload.bytes.count > before { payloadCounted(link: link, expected: expected) }
    }

    private mutating func cancelPayload() {
        payload = PayloadInput()
        phase = .command
        say("\r\nSEND Canceled\r\n")
    }

    // MARK: Acknowledgements

    /// TCP took what it was given.
    mutating func connectionTook(_ connection: ConnectionID) {
        guard let number = linkNumber(of: connection), let link = links[number] else { return }
        links[number]?.knowsNextTaken = false
        guard !link.knowsNextTaken else { return }
        for index in link.segments.indices { links[number]?.segments[index].isTaken = true }
        if phase == .sending(link: number) || !link.segments.isEmpty {
            if !isSet(.acknowledged(number)) {
                links[number]?.takenAt = now
                set(.acknowledged(number), within: configuration.timing.acknowledgement)
            }
        } else if let outcome = transparent.packetTaken() {
            carryOut([outcome])
        }
    }

    mutating func payloadAcknowledged(_ number: Int) {
        for segment in links[number]?.segments ?? [] where segment.isTaken {
            links[number]?.lastAcknowledged = segment.number
            say(prefixed("\(segment.number),SEND OK\r\n", link: number))
        }
        links[number]?.segments.removeAll(where: \.isTaken)
        guard phase == .sending(link: number) else { return }
        phase = .command
        input.whileBusy = []
        say("\r\nSEND OK\r\n")
    }

    /// The link is lost before the acknowledgement.
    mutating func payloadLost(_ number: Int, segments: [Segment]) {
        for segment in segments { say(prefixed("\(segment.number),SEND FAIL\r\n", link: number)) }
        switch phase {
        case .sending(let sender) where sender == number:
            phase = .command
            say("\r\nSEND FAIL\r\n")
        case .payload(let receiver, _) where receiver == number:
            phase = .command
            payload = PayloadInput()
            cancel(.payloadSilence)
        default: break
        }
    }
}
