import BridgeCore

/// An ESP8266 with Espressif's AT firmware, without its pins: what comes in goes in as ``Input``, what the module
/// does comes out as ``Effect``, and time is told to it.
///
/// Follows "ESP8266 AT Instruction Set" V3.0.1 and "ESP-AT User Guide" 2.3 and, where the manuals are silent or wrong,
/// what the firmware really does, see ``FirmwareVersion``; it knows of no driver. After each input the caller carries out all effects and sets one timer for
/// ``deadline``.
public struct SimulatedModem: Sendable {
    /// Names one TCP connection; each dial has a new one.
    public typealias ConnectionID = Int

    /// What happened around the module.
    public enum Input: Sendable {
        /// The supply came on.
        case poweredOn
        /// The supply is gone.
        case poweredOff
        /// The host sent bytes.
        case received([UInt8])
        /// A dial succeeded.
        case connected(ConnectionID, localPort: Int)
        /// A dial was answered with RST.
        case refused(ConnectionID)
        /// TCP took all that ``Effect/send(_:_:)`` gave it.
        case taken(ConnectionID)
        /// The peer sent bytes.
        case arrived(ConnectionID, [UInt8])
        /// The peer closed or reset the connection.
        case ended(ConnectionID)
        /// Something was broken on purpose.
        case struck(Fault)
        /// ``deadline`` was reached.
        case timePassed
    }

    /// What the caller is to do.
    public enum Effect: Equatable, Sendable {
        /// Send these bytes to the host, at the speed of the line.
        case write([UInt8])
        /// After what was written before: change the speed of the line.
        case setSpeed(baud: Int)
        /// Open a TCP connection.
        case dial(ConnectionID, address: String, port: Int)
        /// Send over a connection, and report ``Input/taken(_:)``.
        case send(ConnectionID, [UInt8])
        /// Close in order (FIN).
        case close(ConnectionID)
        /// The module forgot the connection; the peer is to notice as late as it would notice a lost module.
        case abandon(ConnectionID)
        /// Whether segments pass between module and peers; while they do not, nothing is to be read from a peer.
        case setNetwork(isUp: Bool)
    }

    /// What the bytes of the host mean at present.
    enum Phase: Equatable {
        /// No supply, or booting: bytes are lost.
        case down
        /// Command mode.
        case command
        /// After `> ` of AT+CIPSEND=<n> and its relatives.
        case payload(link: Int, expected: Int)
        /// The payload is on its way: `busy s...`.
        case sending(link: Int)
        /// Transparent mode.
        case data
    }

    /// Why the next command has to wait: `busy p...`.
    enum Pending: Equatable {
        case flash
        case join
        case scan
        case dial(link: Int)
        case lookup(String)
        case ping(String)
    }

    enum TimerName: Equatable {
        case booted
        case flush, redial, savedLink
        case command, joinPoll
        case associate, address, addressLimit
        case dialLookup(Int), synRetry(Int), dialLimit(Int), lateClosed(Int), dataLimit(Int), acknowledged(Int)
        case clock
        case payloadSilence
        case networkBack
    }

    public let configuration: ModemConfiguration
    let firmware: Firmware
    var flash: ModemFlash
    var volatile = VolatileState()
    var random: SeededGenerator
    var phase = Phase.down
    var pending: Pending?
    var input = LineInput()
    var payload = PayloadInput()
    var transparent: TransparentBuffer
    var station = Station()
    var links: [Int: Link] = [:]
    var surroundings: Surroundings
    var lastConnection = 0
    /// What AT+CWLAP looks for.
    var scanned = ScanFilter()
    /// When the module was first switched on, which is ``ModemConfiguration/networkTime``.
    var firstPower: Moment?
    private(set) var now = Moment.zero
    private var timers: [(name: TimerName, due: Moment)] = []
    private var effects: [Effect] = []

    public init(_ configuration: ModemConfiguration) {
        self.configuration = configuration
        let firmware = Firmware.of(configuration.firmware)
        self.firmware = firmware
        transparent = TransparentBuffer(
            size: firmware.packetSize, reserve: firmware.packetReserve,
            needsSilenceBefore: firmware.needsSilenceBeforeEscape)
        flash = configuration.flash
        random = SeededGenerator(seed: configuration.seed)
        surroundings = Surroundings(accessPoints: configuration.accessPoints)
    }

    /// When the module wants to be woken, if nothing happens before.
    public var deadline: Moment? { timers.earliest { $0.due } }

    /// The speed of the line that the module was last set to.
    public var baud: Int { volatile.line.baud }

    /// Whether bytes of the host are payload rather than commands.
    public var isTransparent: Bool { phase == .data }

    /// Bytes of the host that the module can take now without losing any.
    public var room: Int { phase == .data ? transparent.room : .max }

    /// Bytes of the host lost in transparent mode because TCP did not take them fast enough.
    public var lostBytes: Int { transparent.lost }

    /// Takes in what happened; timers that were due before are served first.
    public mutating func input(_ input: Input, now moment: Moment) -> [Effect] {
        serveTimers(until: moment)
        now = max(now, moment)
        handle(input)
        defer { effects = [] }
        return effects
    }

    private mutating func handle(_ input: Input) {
        switch input {
        case .poweredOn:
            firstPower = firstPower ?? now
            boot(cause: .powerOn)
        case .poweredOff: powerDown()
        case .received(let bytes): hostSent(bytes)
        case .connected(let id, let localPort): dialSucceeded(id, localPort: localPort)
        case .refused(let id): dialRefused(id)
        case .taken(let id): connectionTook(id)
        case .arrived(let id, let bytes): peerSent(id, bytes)
        case .ended(let id): peerEnded(id)
        case .struck(let fault): strike(fault)
        case .timePassed: break
        }
    }

    private mutating func serveTimers(until moment: Moment) {
        while let index = timers.indices.min(by: { timers[$0].due < timers[$1].due }), timers[index].due <= moment {
            let timer = timers.remove(at: index)
            now = max(now, timer.due)
            serve(timer.name)
        }
    }

    private mutating func serve(_ timer: TimerName) {
        switch timer {
        case .booted: bootFinished()
        case .flush: flushDue()
        case .redial: redial()
        case .savedLink: dialSavedLink()
        case .command: commandDue()
        case .joinPoll: joinPolled()
        case .associate: associationDue()
        case .address: addressDue()
        case .addressLimit: addressMissed()
        case .dialLookup(let link): dialLookupDone(link)
        case .synRetry(let link): sendSyn(link)
        case .dialLimit(let link): dialTimedOut(link)
        case .lateClosed(let link): say(prefixed("CLOSED\r\n", link: link))
        case .dataLimit(let link): dataTimedOut(link)
        case .acknowledged(let link): payloadAcknowledged(link)
        case .payloadSilence: payloadSilenceReached()
        case .clock: clockDue()
        case .networkBack: setNetwork(isUp: true)
        }
    }

    // MARK: Means of the extensions

    /// Sends text to the host.
    mutating func say(_ text: String) { write(Array(text.utf8)) }

    /// Sends bytes to the host.
    mutating func write(_ bytes: [UInt8]) {
        guard !surroundings.isMute, !bytes.isEmpty else { return }
        guard case .write(var before)? = effects.last else { return effects.append(.write(bytes)) }
        // The only reference is the local one when bytes are appended, so that they are not copied each time.
        effects.removeLast()
        before += bytes
        effects.append(.write(before))
    }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    /// Sets a timer, or sets it anew.
    mutating func set(_ timer: TimerName, at due: Moment) {
        cancel(timer)
        timers.append((timer, due))
    }

    mutating func set(_ timer: TimerName, after duration: Duration) { set(timer, at: now + duration) }

    /// Sets a timer by a duration drawn from a range.
    mutating func set(_ timer: TimerName, within range: ClosedRange<Duration>) {
        set(timer, after: random.duration(in: range))
    }

    mutating func cancel(_ timer: TimerName) { timers.removeAll { $0.name == timer } }

    func isSet(_ timer: TimerName) -> Bool { timers.contains { $0.name == timer } }

    /// A reset stops all that the module was about to do; what happens around it goes on.
    mutating func cancelAllOfModule() { timers.removeAll { $0.name != .networkBack } }
}
