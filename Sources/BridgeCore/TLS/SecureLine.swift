/// TLS of one attempt, between the tunnel and MQTT, as a pure machine: when it begins, how long it may take, and what its
/// end means. The bytes themselves are the library's business.
///
/// Call an input, carry out its effects in order, set the one timer to ``deadline``. After ``Effect/failed(_:)`` it is at
/// its end and ignores every input.
public struct SecureLine: Sendable {
    public struct Settings: Equatable, Sendable {
        public var host: String
        public var port: Int
        /// From the tunnel to the end of the handshake.
        ///
        /// A handshake is about 1.5 kB out and 3 to 6 kB in, with two round trips and some arithmetic on both sides:
        /// 20 s, and the time of 8 KiB on the line, which is a second at 115200 baud and nine at 9600.
        public var handshakeTimeout: Duration
        /// How long the server may be silent in the handshake before the line below is asked to look after the connection;
        /// in transparent mode that is the only way to learn that it was closed. Nil never asks.
        public var suspicion: Duration?
        /// After bytes that are not TLS, how long to wait for text that says that the modem restarted
        /// (``MQTTConnection/Settings/restartVerdictDelay``).
        public var restartVerdictDelay: Duration

        public init(
            host: String, port: Int, bytesPerSecond: Int, suspicion: Duration?, restartVerdictDelay: Duration
        ) {
            self.host = host
            self.port = port
            handshakeTimeout = .seconds(20) + .milliseconds(8192 * 1000 / max(1, bytesPerSecond))
            self.suspicion = suspicion
            self.restartVerdictDelay = restartVerdictDelay
        }
    }

    /// What a record costs beyond its content: header 5, explicit nonce 8, tag 16 (AES-GCM in TLS 1.2, RFC 5288); TLS 1.3
    /// and ChaCha20 need less.
    public static let recordOverhead = 29

    public enum Effect: Equatable, Sendable {
        case climbed(Rung)
        /// Begin the handshake.
        case begin
        /// TLS stands: MQTT may begin.
        case opened
        /// Find out whether the connection is still the same one; ``verified(now:)`` or a failure follows.
        case verify
        case failed(LinkFailure)
    }

    private enum Phase: Equatable {
        case idle
        case securing(until: Moment)
        case open
        /// Bytes came that are not TLS; the verdict is awaited.
        case condemned(LinkFailure, until: Moment)
        case ended
    }

    private let settings: Settings
    private var phase = Phase.idle
    private var tail = ModemText.Tail()
    private var hello = ServerHello()
    private var hasHeard = false
    /// When the server was last heard, or the connection was last seen to be in order.
    private var calmSince = Moment.zero
    private var isVerifying = false
    private var clearances = 0

    public init(settings: Settings) { self.settings = settings }

    public var deadline: Moment? {
        switch phase {
        case .idle, .open, .ended: nil
        case .condemned(_, let until): until
        case .securing(let until): min(until, suspicionDue ?? until)
        }
    }

    private var suspicionDue: Moment? {
        guard let suspicion = settings.suspicion, !isVerifying else { return nil }
        return calmSince + suspicion * (1 << min(clearances, 4))
    }

    /// Whether the handshake is going on.
    public var isSecuring: Bool { if case .securing = phase { true } else { false } }

    /// Whether bytes of the server are still wanted by the library.
    public var takesBytes: Bool { isSecuring || phase == .open }

    /// The cipher that the server chose.
    public var cipher: String? { hello.cipher }

    // MARK: Inputs

    /// The tunnel is open.
    public mutating func opened(now: Moment) -> [Effect] {
        guard phase == .idle else { return [] }
        phase = .securing(until: now + settings.handshakeTimeout)
        calmSince = now
        return [.climbed(.securing), .begin]
    }

    /// Bytes came out of the tunnel, before the library gets them.
    public mutating func received(_ bytes: ArraySlice<UInt8>, now: Moment) -> [Effect] {
        guard phase != .ended, phase != .idle else { return [] }
        tail.append(bytes)
        if case .condemned = phase {
            return ModemText.verdict(on: tail.bytes).map { end($0) } ?? []
        }
        if isSecuring { hello.received(bytes) }
        hasHeard = true
        calmSince = now
        clearances = 0
        return []
    }

    /// The line below has looked: the connection is the one that it was.
    public mutating func verified(now: Moment) -> [Effect] {
        isVerifying = false
        calmSince = now
        clearances += 1
        return []
    }

    /// The handshake is done.
    public mutating func secured() -> [Effect] {
        guard isSecuring else { return [] }
        phase = .open
        return [.opened]
    }

    /// The library has given up.
    public mutating func broke(_ trouble: TLSTrouble, now: Moment) -> [Effect] {
        guard takesBytes else { return [] }
        if phase == .open, endsInPlainAlert { return end(.connectionReplaced) }
        switch trouble {
        case .certificate(let failure): return end(.tls(failure))
        case .disagreement(let reason) where isSecuring: return end(.tls(.refused(reason: reason)))
        case .notTLS where isSecuring:
            return condemn(.tls(.notSpoken(host: settings.host, port: settings.port)), now: now)
        case .notTLS: return condemn(.tls(.broken(detail: "the beginning of a record was expected")), now: now)
        case .disagreement(let detail), .garbage(let detail): return condemn(.tls(.broken(detail: detail)), now: now)
        }
    }

    /// Whether the last bytes are an alert that is not enciphered (RFC 5246, section 7.2: type 21, version, two bytes), from a
    /// server that knows nothing of this session: in transparent mode the firmware has replaced the connection.
    private var endsInPlainAlert: Bool {
        let alert = Array(tail.bytes.suffix(7))
        return alert.count == 7 && alert[0] == 21 && alert[1] == 3 && alert[3] == 0 && alert[4] == 2
    }

    /// The server has ended TLS in order.
    public mutating func closed() -> [Effect] {
        guard takesBytes else { return [] }
        return end(.tls(isSecuring ? .closedWhileSecuring(heard: hasHeard) : .closedByServer))
    }

    /// The session is being ended from this side; what the server still says is nobody's concern.
    public mutating func left() { phase = .ended }

    /// The time ``deadline`` said has come.
    public mutating func timerFired(now: Moment) -> [Effect] {
        switch phase {
        case .idle, .open, .ended: return []
        case .condemned(let failure, let until): return now >= until ? end(failure) : []
        case .securing(let until):
            if now >= until { return end(.tls(.timedOut)) }
            guard let due = suspicionDue, now >= due else { return [] }
            isVerifying = true
            return [.verify]
        }
    }

    /// What a failure of the line below means: before TLS stands, the loss of the connection is the server's answer to it.
    public func meaning(of failure: LinkFailure) -> LinkFailure {
        guard isSecuring else { return failure }
        return switch failure {
        case .connectionClosed, .connectionReplaced: .tls(.closedWhileSecuring(heard: hasHeard))
        case .connectionSilent: .tls(.timedOut)
        default: failure
        }
    }

    private mutating func condemn(_ failure: LinkFailure, now: Moment) -> [Effect] {
        if let verdict = ModemText.verdict(on: tail.bytes) { return end(verdict) }
        guard settings.restartVerdictDelay > .zero else { return end(failure) }
        phase = .condemned(failure, until: now + settings.restartVerdictDelay)
        return []
    }

    private mutating func end(_ failure: LinkFailure) -> [Effect] {
        phase = .ended
        return [.failed(failure)]
    }
}
