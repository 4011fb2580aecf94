/// The open link in packet mode: `AT+CIPSEND=<n>` with n bytes for each piece of the stream, and `+IPD,<n>:` for what
/// comes back.
///
/// Each loss is announced here, unlike in transparent mode: `CLOSED`, `WIFI DISCONNECT`, `ready` and boot text end the
/// attempt at once, and what the module does with a piece is followed from the prompt to `SEND OK`:
///
///     waiting ─ AT+CIPSEND=n ─▶ prompting ─ OK, > ─▶ counting ─ Recv n bytes ─▶ acknowledging ─ SEND OK ─▶ waiting
///
/// - One piece is on its way at a time; what is written meanwhile waits, and goes in one piece of up to
///   ``longestPiece`` bytes. The stream has no boundaries that matter.
/// - Payload is written behind `OK` and `>` only: in command mode it would be carried out as commands.
/// - A piece whose fate is not known ends the attempt: sent twice or not at all, the stream would be another one.
struct PacketTunnel: Sendable {
    /// The most that `AT+CIPSEND=<n>` takes (ESP8266 AT Instruction Set V3.0.1; ESP-AT takes more).
    static let longestPiece = 2048
    /// From the command to the prompt, which comes within milliseconds.
    static let promptLimit: Duration = .seconds(3)
    /// From the last byte of a piece to `Recv`. Without it the module waits for bytes that were lost.
    static let countLimit: Duration = .seconds(2)
    /// From `Recv` to `SEND OK`. NonOS AT gives up after three retransmissions, 5.5 to 7.3 s.
    static let acknowledgementLimit: Duration = .seconds(10)
    /// When, and how often, a module that has not said `SEND OK` is asked whether it still sends.
    static let probePause: Duration = .seconds(3)
    /// How long `SEND Canceled` may take before `+++` is said once more.
    static let cancelPause: Duration = .milliseconds(500)
    /// `SEND FAIL` can be followed by `SEND OK` for the same piece (ESP8266_NONOS_SDK#60).
    static let secondThought: Duration = .seconds(1)
    /// Data and texts that come behind the word of the end (ESP8266_NONOS_SDK#124).
    static let lastWords: Duration = .milliseconds(200)
    /// From the noise of the boot ROM to `ready`.
    static let restartLimit: Duration = .milliseconds(400)
    /// After `busy …`, for which ESP-AT may carry the command out all the same (esp-at#731): sent again
    /// sooner, it could become payload.
    static let busyPause: Duration = .seconds(1)
    /// For how long `busy …` is put up with.
    static let busyLimit: Duration = .seconds(15)
    /// The module sends a `+IPD` without a pause.
    static let payloadGap: Duration = .seconds(2)
    /// And so it does with the text that a payload may have taken in.
    static let textGap: Duration = .milliseconds(50)

    enum Output: Equatable, Sendable {
        /// Bytes for the serial port.
        case send([UInt8])
        /// Bytes for the serial port that were written for the peer.
        case forward([UInt8])
        /// Bytes from the peer.
        case deliver([UInt8])
        /// Bytes that were written have waited since then for the line; so many of them begin to leave now.
        case held(since: Moment, waiting: Int)
        case toModem(String)
        case fromModem(String)
        /// All that was written has been sent, after ``leave(now:)``.
        case finished
        case failed(LinkFailure)
    }

    enum Phase: Equatable, Sendable {
        /// No piece is on its way.
        case idle
        /// Said; the prompt is awaited. `isAccepted` after `OK`.
        case prompting(isAccepted: Bool, until: Moment)
        /// The module was busy; it will be said again.
        case holding(until: Moment)
        /// The piece was written; `Recv` is awaited.
        case counting(until: Moment)
        /// `SEND OK` is awaited.
        case acknowledging(probe: Moment, until: Moment)
        /// `SEND FAIL` came; `SEND OK` may follow.
        case doubting(until: Moment)
        /// The module waits for bytes that will not come: `+++` gets it out of that before the attempt ends.
        case cancelling(LinkFailure, left: Int, until: Moment)
        /// It is over; what the module still says is heard until then.
        case ending(LinkFailure, until: Moment)
        case over
    }

    let ssid: String
    var reader = PacketReader()
    var wire: Wire
    var phase = Phase.idle
    /// Written and not handed to the module yet; the first `piece` bytes are announced to it.
    var waiting: [UInt8] = []
    var piece = 0
    /// Since when the first of ``waiting`` could have left.
    var waitingSince = Moment.zero
    var busySince: Moment?
    /// A line that says why ERROR will come.
    var clue: LinkFailure?
    /// When bytes came last.
    private var payloadAt = Moment.zero
    var isLeaving = false
    /// What the module says makes no sense any more; nothing is delivered.
    private var isSpoilt = false

    init(ssid: String, wire: Wire) {
        self.ssid = ssid
        self.wire = wire
    }

    /// When ``timerFired(now:)`` wants to be called.
    var deadline: Moment? {
        let due: Moment? =
            switch phase {
            case .idle, .over: nil
            case .prompting(_, let until), .holding(let until), .counting(let until), .doubting(let until),
                .cancelling(_, _, let until), .ending(_, let until):
                until
            case .acknowledging(let probe, let until): min(probe, until)
            }
        return [due, phase == .over ? nil : payloadEnd].compactMap { $0 }.min()
    }

    /// When the rest of a payload, or of the text that it may have taken in, comes no more.
    private var payloadEnd: Moment? {
        if reader.missing > 0 { return payloadAt + Self.payloadGap }
        return reader.holdsPayload ? payloadAt + Self.textGap : nil
    }

    // MARK: Inputs

    /// Bytes for the peer.
    mutating func write(_ bytes: [UInt8], now: Moment) -> [Output] {
        if waiting.isEmpty { waitingSince = max(now, wire.idleFrom) }
        waiting += bytes
        return announce(now: now)
    }

    /// Bytes came from the serial port.
    mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Output] {
        var rest = bytes
        var outputs: [Output] = []
        while phase != .over {
            reader.awaitsPrompt = expectsPrompt
            guard let token = reader.next(&rest) else { break }
            switch token {
            case .line(let line, let isGlued): outputs += heard(line, isGlued: isGlued, now: now)
            case .prompt: outputs += prompted(now: now)
            case .payload(let bytes): outputs += delivering(bytes)
            case .shortPayload: outputs += spoil(now: now)
            }
        }
        payloadAt = now
        return outputs
    }

    private func delivering(_ bytes: [UInt8]) -> [Output] { isSpoilt ? [] : [.deliver(bytes)] }

    /// No more will be written; ``Output/finished`` follows when the rest has been sent, or the link is lost.
    mutating func leave(now: Moment) -> [Output] {
        isLeaving = true
        return announce(now: now)
    }

    /// The time ``deadline`` said has come.
    mutating func timerFired(now: Moment) -> [Output] {
        guard let deadline, now >= deadline else { return [] }
        if let payloadEnd, now >= payloadEnd {
            guard reader.missing == 0 else { return end(.bytesLost(fromModem: true)) }
            return delivering(reader.release())
        }
        switch phase {
        case .idle, .over:
            return []
        case .prompting:
            return cancel(.commandTimedOut(command: command.text), now: now)
        case .holding:
            return say(now: now)
        case .counting:
            return cancel(.bytesLost(fromModem: false), now: now)
        case .acknowledging(_, let until):
            guard now < until else { return end(.sendFailed(reply: "no SEND OK")) }
            phase = .acknowledging(probe: now + Self.probePause, until: until)
            return send(.probe, now: now)
        case .cancelling(let failure, let left, _):
            return left > 0 ? cancel(failure, left: left, now: now) : end(failure)
        case .doubting:
            return end(.sendFailed(reply: "SEND FAIL"))
        case .ending(let failure, _):
            return end(failure)
        }
    }
}

// MARK: - Pieces

extension PacketTunnel {
    private static let escape = Array("+++".utf8)

    var command: ATCommand { .send(piece) }

    private var expectsPrompt: Bool {
        if case .prompting(isAccepted: true, _) = phase { true } else { false }
    }

    /// Begins the next piece, if none is on its way.
    mutating func announce(now: Moment) -> [Output] {
        guard phase == .idle else { return [] }
        guard !waiting.isEmpty else { return isLeaving ? finish() : [] }
        piece = min(waiting.count, Self.longestPiece)
        // Three bytes `+++` with silence before them cancel AT+CIPSEND; so the last of them comes with what follows.
        if waiting[..<piece].suffix(3).elementsEqual(Self.escape) { piece -= 1 }
        (busySince, clue) = (nil, nil)
        return say(now: now)
    }

    private mutating func say(now: Moment) -> [Output] {
        let outputs = send(command, now: now)
        phase = .prompting(isAccepted: false, until: wire.idleFrom + Self.promptLimit)
        return outputs
    }

    func isBusyTooLong(now: Moment) -> Bool { busySince.map { now - $0 >= Self.busyLimit } ?? false }

    private mutating func send(_ command: ATCommand, now: Moment) -> [Output] {
        wire.took(command.bytes.count, now: now)
        return [.toModem(command.text), .send(command.bytes)]
    }

    private mutating func prompted(now: Moment) -> [Output] {
        let held = Output.held(since: waitingSince, waiting: waiting.count)
        let bytes = Array(waiting[..<piece])
        waiting.removeFirst(piece)
        wire.took(bytes.count, now: now)
        waitingSince = wire.idleFrom
        phase = .counting(until: wire.idleFrom + Self.countLimit)
        return [.fromModem(">"), held, .forward(bytes)]
    }

    mutating func sent(now: Moment) -> [Output] {
        phase = .idle
        return announce(now: now)
    }

    // MARK: The end

    /// Bytes of the module were lost or others came in their place: nothing of what follows can be trusted to be what it
    /// looks like, but for the word that the module has restarted.
    mutating func spoil(now: Moment) -> [Output] {
        guard !isSpoilt else { return [] }
        isSpoilt = true
        let failure = LinkFailure.bytesLost(fromModem: true)
        switch phase {
        case .prompting, .holding: return cancel(failure, now: now)
        case .cancelling, .ending, .over: return []
        case .idle, .counting, .acknowledging, .doubting:
            phase = .ending(failure, until: now + Self.restartLimit)
            return []
        }
    }

    /// Three bytes `+++` with silence around them cancel AT+CIPSEND. What is said without them to a module that waits
    /// for bytes goes to the peer in place of these: a message with wrong bytes in it.
    private mutating func cancel(_ failure: LinkFailure, left: Int = 3, now: Moment) -> [Output] {
        wire.took(Self.escape.count, now: now)
        phase = .cancelling(failure, left: left - 1, until: wire.idleFrom + Self.cancelPause)
        return [.toModem("+++"), .send(Self.escape)]
    }

    private mutating func finish() -> [Output] {
        phase = .over
        return [.finished]
    }

    mutating func end(_ failure: LinkFailure) -> [Output] {
        if isLeaving { return finish() }
        phase = .over
        return [.failed(failure)]
    }
}
