import BridgeCore

/// A simulated module with its serial line and its network, in virtual time: for tests of drivers in which hours pass in
/// milliseconds, and every run can be repeated from its seed.
///
/// The test is the host: it writes with ``send(_:)``, lets time pass with ``advance(by:)`` (or ``advance(to:)`` up to
/// ``deadline``), and reads what arrived with ``read()``.
public struct VirtualModem<Peer: VirtualPeer>: Sendable {
    public private(set) var now: Moment
    /// Who is at the other end of every connection.
    public private(set) var peer: Peer
    public private(set) var faulty: FaultyModem
    /// The speed that the host has set its own port to; at another one than the module's, both hear garbage.
    public var hostBaud: Int?
    /// Whether the adapter is plugged in; without it nothing passes.
    public private(set) var isPlugged = true
    private var toModem: VirtualWire
    private var toHost: VirtualWire
    private var arrived: [UInt8] = []
    private var inbox: [SimulatedModem.Input] = []
    private var nextPort = 49_152
    private var networkIsUp = true
    /// What peers did while the network was down.
    private var heldBack: [PeerAction] = []
    private var open: Set<Int> = []
    /// Connections that the module has forgotten; the peer finds out when it sends.
    private var forgotten: Set<Int> = []

    /// Switches the module on.
    ///
    /// - Parameter baud: bits a second of the line; nil passes bytes as fast as they come.
    public init(
        _ configuration: ModemConfiguration = ModemConfiguration(), peer: Peer, scenario: Scenario = Scenario(),
        baud: Int? = 115_200, start: Moment = .zero
    ) {
        var configuration = configuration
        if let baud { configuration.flash.line.baud = baud }
        now = start
        self.peer = peer
        faulty = FaultyModem(configuration, scenario: scenario, start: start)
        (toModem, toHost) = (VirtualWire(baud: baud), VirtualWire(baud: baud))
        hostBaud = baud
        feed(.poweredOn)
    }

    // MARK: The host

    /// The host writes.
    public mutating func send(_ bytes: [UInt8]) {
        guard isPlugged else { return }
        toModem.write(bytes, now: now)
        if toModem.baud == nil { settle() }
    }

    public mutating func send(_ text: String) { send(Array(text.utf8)) }

    /// What has arrived at the host since the last call.
    public mutating func read() -> [UInt8] {
        defer { arrived = [] }
        return arrived
    }

    /// Whether something waits for ``read()``.
    public var hasArrived: Bool { !arrived.isEmpty }

    // MARK: Time

    /// When something happens next, if the host does nothing.
    public var deadline: Moment? {
        earliest(
            earliest(toModem.deadline, toHost.deadline),
            earliest(faulty.deadline, networkIsUp ? peer.deadline : nil))
    }

    public mutating func advance(by duration: Duration) { advance(to: now + duration) }

    /// Lets time pass; never backwards.
    public mutating func advance(to moment: Moment) {
        while let next = deadline, next <= moment {
            now = max(now, next)
            settle()
        }
        now = max(now, moment)
    }

    /// Lets time pass until something has arrived at the host; false when nothing did by `limit`.
    public mutating func advance(untilArrival limit: Moment) -> Bool {
        while arrived.isEmpty, let next = deadline, next <= limit {
            now = max(now, next)
            settle()
        }
        if arrived.isEmpty { now = max(now, limit) }
        return !arrived.isEmpty
    }

    // MARK: Trouble

    /// Breaks or mends something, as a line of the control socket would.
    public mutating func perform(_ order: ModemOrder) {
        carryOut(faulty.perform(order, now: now))
        drain()
        settle()
    }

    /// Adds a line of a scenario; its times count from now.
    public mutating func add(_ entry: Scenario.Entry) { faulty.add(entry, now: now) }

    /// The peer does something of its own.
    public mutating func act(_ actions: [PeerAction]) {
        carryOut(actions)
        drain()
        settle()
    }

    /// Changes the peer, for instance what it answers a dial with.
    public mutating func withPeer<Result>(_ change: (inout Peer, Moment) -> Result) -> Result { change(&peer, now) }

    // MARK: Work

    private mutating func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            while let bytes = toModem.take(now: now) {
                isBusy = true
                feed(.received(garbled(bytes, from: hostBaud, to: toModem.baud)))
            }
            while let bytes = toHost.take(now: now) {
                isBusy = true
                arrived += garbled(bytes, from: toHost.baud, to: hostBaud)
            }
            if let due = faulty.deadline, due <= now {
                isBusy = true
                feed(.timePassed)
            }
            if networkIsUp, let due = peer.deadline, due <= now {
                isBusy = true
                carryOut(peer.timePassed(now))
                drain()
            }
        }
    }

    private func garbled(_ bytes: [UInt8], from sending: Int?, to receiving: Int?) -> [UInt8] {
        guard let sending, let receiving else { return bytes }
        return BootNoise.resample(bytes, from: sending, to: receiving)
    }

    private mutating func feed(_ input: SimulatedModem.Input) {
        inbox.append(input)
        drain()
    }

    /// All effects of an input are carried out before the next input.
    private mutating func drain() {
        while !inbox.isEmpty { carryOut(faulty.input(inbox.removeFirst(), now: now)) }
    }

    private mutating func carryOut(_ effects: [FaultyModem.Effect]) {
        for effect in effects {
            switch effect {
            case .modem(let effect): carryOut(effect)
            case .order(let order): carryOut(order)
            }
        }
    }

    private mutating func carryOut(_ effect: SimulatedModem.Effect) {
        switch effect {
        case .write(let bytes): if isPlugged { toHost.write(bytes, now: now) }
        case .setSpeed(let baud):
            guard toModem.baud != nil else { return }
            (toModem.baud, toHost.baud) = (baud, baud)
        case .dial(let id, _, _):
            switch peer.answer {
            case .accepts:
                nextPort = nextPort >= 65_535 ? 49_152 : nextPort + 1
                open.insert(id)
                inbox.append(.connected(id, localPort: nextPort))
                carryOut(peer.opened(id, now: now))
            case .refuses: inbox.append(.refused(id))
            case .ignores: break
            }
        case .send(let id, let bytes):
            guard open.contains(id) else { return }
            inbox.append(.taken(id))
            carryOut(peer.received(id, bytes, now: now))
        case .close(let id):
            guard open.remove(id) != nil else { return }
            carryOut(peer.closed(id, now: now))
        case .abandon(let id): if open.remove(id) != nil { forgotten.insert(id) }
        case .setNetwork(let isUp):
            networkIsUp = isUp
            guard isUp else { return }
            let actions = heldBack
            heldBack = []
            carryOut(actions)
        }
    }

    private mutating func carryOut(_ order: ModemOrder) {
        switch order {
        case .hangUp:
            isPlugged = false
            toModem.cut()
            toHost.cut()
            inbox.append(.poweredOff)
        case .replug:
            guard !isPlugged else { return }
            isPlugged = true
            inbox.append(.poweredOn)
        default: break
        }
    }

    private mutating func carryOut(_ actions: [PeerAction]) {
        guard networkIsUp else { return heldBack += actions }
        for action in actions {
            switch action {
            case .send(let id, let bytes):
                if open.contains(id) {
                    inbox.append(.arrived(id, bytes))
                } else if forgotten.remove(id) != nil {
                    carryOut(peer.closed(id, now: now))
                }
            case .close(let id):
                forgotten.remove(id)
                if open.remove(id) != nil { inbox.append(.ended(id)) }
            }
        }
    }
}
