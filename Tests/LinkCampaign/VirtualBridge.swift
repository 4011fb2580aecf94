import BridgeCore
import ModemSimulator

/// The daemon's decisions without the daemon: the same machines, glued together as `Uplink` and its channel handlers do.
struct VirtualBridge {
    /// What the world around is to do.
    enum Action {
        case send([UInt8])
        /// Bytes of the tunnel.
        case forward([UInt8])
        case openPort
        case setSpeed(Int)
        /// A new connection begins: CONNECT is the next packet.
        case signsIn
        case acknowledged(Int64)
        /// A message of QoS 0 is said to be on the line.
        case written(Int64)
        case failed(LinkFailure, at: Rung)
    }

    let plan: CampaignPlan
    private(set) var keeper = LinkKeeper(mayRefusePlainTCP: true)
    private(set) var isOnline = false
    /// The last failure, for reports.
    private(set) var lastFailure: LinkFailure?
    private(set) var actions: [Action] = []
    var outbox = OutboxModel()
    private var link: ModemLink?
    private var mqtt: MQTTConnection?
    private var session = MQTTSession(identifiers: MQTTSession.answeredByCommandMode)
    private var random: SeededGenerator
    /// Grows with each attempt, so that what is left of an ended one is seen.
    private var generation = 0

    init(plan: CampaignPlan) {
        self.plan = plan
        random = SeededGenerator(seed: plan.seed ^ 0xB21D)
    }

    var deadline: Moment? {
        earliest(
            earliest(keeper.deadline, link?.deadline),
            earliest(mqtt?.deadline, isOnline ? outbox.paceDeadline : nil))
    }

    mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    // MARK: Inputs

    mutating func started(now: Moment) { carryOut(keeper.started(now: now), now: now) }

    mutating func portOpened(now: Moment) { carryOut(keeper.portOpened(speedChanged: false, now: now), now: now) }

    mutating func portMissing(now: Moment) {
        carryOut(keeper.portFailed(.portMissing(path: "/dev/ttyUSB0"), now: now), now: now)
    }

    mutating func portLost(now: Moment) { end(.portLost(path: "/dev/ttyUSB0"), now: now) }

    mutating func received(_ bytes: [UInt8], now: Moment) {
        guard let effects = link?.received(bytes[...], now: now) else { return }
        carryOut(effects, now: now)
    }

    mutating func queued(_ message: OutgoingMessage, now: Moment) {
        outbox.queued(message)
        pump(now: now)
    }

    mutating func timePassed(now: Moment) {
        if let due = keeper.deadline, due <= now { carryOut(keeper.timerFired(now: now), now: now) }
        if let due = link?.deadline, due <= now { carryOut(link?.timerFired(now: now) ?? [], now: now) }
        if let due = mqtt?.deadline, due <= now { carryOut(mqtt?.timerFired(now: now) ?? [], now: now) }
        if let due = outbox.paceDeadline, due <= now { pump(now: now) }
    }

    // MARK: Carrying out

    private mutating func carryOut(_ effects: [LinkKeeper.Effect], now: Moment) {
        for effect in effects {
            switch effect {
            case .openPort: actions.append(.openPort)
            case .closePort, .flushPort, .holdReset, .lacksPort, .waitsForBudget: break
            case .attempt(let repair): begin(repair, now: now)
            case .backsOff(let failure, let rung, _):
                lastFailure = failure
                actions.append(.failed(failure, at: rung))
            }
        }
    }

    private mutating func begin(_ repair: Repair, now: Moment) {
        generation += 1
        mqtt = MQTTConnection(settings: plan.mqtt, session: session)
        session = MQTTSession()
        link = ModemLink(settings: plan.modem, start: repair, bootSpeed: keeper.bootSpeed)
        actions.append(.setSpeed(plan.modem.baud))
        carryOut(link?.begun(now: now) ?? [], now: now)
    }

    private mutating func carryOut(_ effects: [ModemLink.Effect], now: Moment) {
        let generation = generation
        for effect in effects {
            guard generation == self.generation else { return }
            switch effect {
            case .send(let bytes): actions.append(.send(bytes))
            case .forward(let bytes):
                actions.append(.forward(bytes))
                carryOut(mqtt?.lineTook(bytes.count, now: now) ?? [], now: now)
            case .climbed(let rung): keeper.climbed(rung, now: now)
            case .opened: carryOut(mqtt?.opened(now: now) ?? [], now: now)
            case .deliver(let bytes): carryOut(mqtt?.received(bytes[...], now: now) ?? [], now: now)
            case .failed(let failure): end(failure, now: now)
            case .held(let since, let waiting): mqtt?.lineHeld(since: since, waiting: waiting, now: now)
            case .verified: carryOut(mqtt?.verified(now: now) ?? [], now: now)
            case .setSpeed(let baud): actions.append(.setSpeed(baud))
            case .learned(.speed(let baud)): keeper.found(at: baud)
            case .learned, .said, .left: break
            }
        }
    }

    private mutating func carryOut(_ effects: [MQTTConnection.Effect], now: Moment) {
        let generation = generation
        for effect in effects {
            guard generation == self.generation else { return }
            switch effect {
            case .send(let bytes): carryOut(link?.write(bytes, now: now) ?? [], now: now)
            case .climbed(let rung):
                if rung == .connecting { actions.append(.signsIn) }
                keeper.climbed(rung, now: now)
                isOnline = rung == .online
            case .connected: keeper.accepted(now: now)
            case .written(let sequence):
                outbox.delivered(sequence, now: now)
                actions.append(.written(sequence))
            case .acknowledged(let sequence):
                outbox.delivered(sequence, now: now)
                actions.append(.acknowledged(sequence))
            case .windowOpened: pump(now: now)
            case .message(let message):
                guard let identifier = message.packetIdentifier else { break }
                carryOut(mqtt?.acknowledge(packetIdentifier: identifier, now: now) ?? [], now: now)
            case .verify: carryOut(link?.verify(now: now) ?? [], now: now)
            case .failed(let failure): end(failure, now: now)
            case .undeliverable, .pinged, .refusedSubscriptions, .subscriptionsChanged, .disconnected, .note: break
            }
        }
    }

    private mutating func end(_ failure: LinkFailure, now: Moment) {
        guard var connection = mqtt else { return }
        generation += 1
        let lastHeard = connection.lastHeard
        session = connection.takeSession()
        (mqtt, link, isOnline) = (nil, nil, false)
        let chance = Double.random(in: 0..<1, using: &random)
        carryOut(keeper.failed(failure, lastHeard: lastHeard, now: now, random: chance), now: now)
    }

    private mutating func pump(now: Moment) {
        outbox.paceOver()
        guard isOnline else { return }
        while let next = outbox.next, mqtt?.canPublish(bytes: next.encodedLength) == true, outbox.mayGo(next, now: now)
        {
            outbox.lent()
            carryOut(mqtt?.publish(next, now: now) ?? [], now: now)
        }
    }
}
