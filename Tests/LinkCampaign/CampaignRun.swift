import BridgeCore
import ModemSimulator

/// An hour of virtual time, from its plan to its verdict.
public struct CampaignRun {
    /// What a run has shown.
    public struct Result: Sendable {
        public var seed: UInt64
        /// What went against the rules; empty when nothing did.
        public var complaints: [String] = []
        /// From the end of the last fault until the link was online for good.
        public var recovery = Duration.zero
        public var bound = Duration.zero
        public var messages = 0
        /// Messages whose bytes were changed on the serial line, and that the cloud took nevertheless.
        public var damaged = 0
        public var attempts = 0
        public var connects = 0
        /// Dials, joins, resets and so on.
        public var repairs: [Repair: Int] = [:]
        /// How often each cause was said.
        public var failures: [String: Int] = [:]
    }

    private let plan: CampaignPlan
    private var line: VirtualModem<WatchedCloud>
    private var bridge: VirtualBridge
    private var stream: StreamWatch
    private var nextEntry = 0
    private var nextMessage = 0
    private var port = FlappingPort()
    private var onlineSince: Moment?
    private var result: Result
    /// Told what happens, for a person who looks into a failing run.
    private let trace: ((String) -> Void)?

    public init(plan: CampaignPlan, trace: ((String) -> Void)? = nil) {
        self.plan = plan
        self.trace = trace
        let platform = SimulatedPlatform(devices: [CampaignPlan.device])
        line = VirtualModem(
            plan.configuration, peer: WatchedCloud(platform, payloads: Payloads(seed: plan.seed)))
        bridge = VirtualBridge(plan: plan)
        stream = StreamWatch(payloads: Payloads(seed: plan.seed))
        result = Result(seed: plan.seed)
    }

    public mutating func run() -> Result {
        bridge.started(now: line.now)
        carryOut()
        let end = Moment.zero + CampaignPlan.length
        while line.now < end {
            let due = earliest(earliest(nextDue, bridge.deadline), line.deadline) ?? end
            line.advance(to: min(max(due, line.now), end))
            step()
        }
        return verdict()
    }

    private var nextDue: Moment? {
        let entry = nextEntry < plan.entries.count ? plan.entries[nextEntry].at : nil
        let message = nextMessage < plan.messages.count ? plan.messages[nextMessage].at : nil
        return earliest(earliest(entry, message), port.deadline)
    }

    private mutating func step() {
        let now = line.now
        if line.hasArrived {
            let bytes = line.read()
            trace?("\(now.seconds) < \(Self.shown(bytes))")
            bridge.received(bytes, now: now)
            carryOut()
        }
        while nextEntry < plan.entries.count, plan.entries[nextEntry].at <= now {
            perform(plan.entries[nextEntry])
            nextEntry += 1
        }
        if let order = port.take(now: now) { perform(order) }
        while nextMessage < plan.messages.count, plan.messages[nextMessage].at <= now {
            let number = Int64(nextMessage + 1)
            let payload = Payloads(seed: plan.seed).payload(number, length: plan.messages[nextMessage].length)
            let device = CampaignPlan.device
            bridge.queued(
                OutgoingMessage(
                    sequence: number,
                    topic: "/sys/\(device.productKey)/\(device.deviceName)/thing/event/property/post",
                    payload: payload, qos: plan.messages[nextMessage].qos), now: now)
            nextMessage += 1
            carryOut()
        }
        if let due = bridge.deadline, due <= now {
            bridge.timePassed(now: now)
            carryOut()
        }
    }

    private mutating func perform(_ entry: CampaignPlan.Entry) {
        trace?("\(line.now.seconds) # \(entry.line)")
        switch entry.order {
        case .modem(let order): perform(order)
        case .cloud(let order):
            let actions = line.withPeer { peer, now in peer.order(order, now: now) }
            line.act(actions)
        case .answers(let answer): line.withPeer { peer, _ in peer.answer = answer }
        case .flaps(let flaps): port.flaps = flaps
        }
    }

    private mutating func perform(_ order: ModemOrder) {
        line.perform(order)
        guard order == .hangUp else { return }
        bridge.portLost(now: line.now)
        carryOut()
    }

    private mutating func carryOut() {
        var actions = bridge.takeActions()
        while !actions.isEmpty {
            for action in actions { carryOut(action) }
            actions = bridge.takeActions()
        }
        if bridge.isOnline {
            if onlineSince == nil { trace?("\(line.now.seconds) = online") }
            onlineSince = onlineSince ?? line.now
        } else {
            onlineSince = nil
        }
    }

    private mutating func carryOut(_ action: VirtualBridge.Action) {
        switch action {
        case .send(let bytes):
            trace?("\(line.now.seconds) > \(Self.shown(bytes))")
            line.send(bytes)
        case .forward(let bytes):
            trace?("\(line.now.seconds) > \(Self.shown(bytes))")
            if let complaint = stream.sent(bytes) { complain(complaint) }
            line.send(bytes)
        case .openPort:
            if line.isPlugged { bridge.portOpened(now: line.now) } else { bridge.portMissing(now: line.now) }
        case .setSpeed(let baud): line.hostBaud = baud
        case .signsIn:
            stream.connected()
            port.connectSent(now: line.now)
        case .acknowledged(let sequence):
            stream.acknowledged(sequence)
            guard line.withPeer({ peer, _ in !peer.seen.contains(sequence) }) else { return }
            result.damaged += 1
            if !plan.damagesBytes { complain("message \(sequence) was acknowledged and never came") }
        case .written(let sequence):
            // From there on a message of QoS 0 may be lost.
            if !stream.written.contains(sequence) {
                complain("message \(sequence) was said to be on the line, which had not been given it")
            }
        case .failed(let failure, let rung):
            trace?("\(line.now.seconds) = failed at \(rung.rawValue): \(failure)")
            result.failures[failure.word, default: 0] += 1
        }
    }

    private mutating func complain(_ text: String) { result.complaints.append("\(line.now.seconds): \(text)") }

    private mutating func verdict() -> Result {
        result.bound = RecoveryBound(plan: plan).total
        result.messages = plan.messages.count
        result.attempts = bridge.keeper.counters.attempts
        result.connects = bridge.keeper.counters.connects
        result.repairs = bridge.keeper.counters.repairs
        if let onlineSince {
            result.recovery = max(onlineSince - plan.quietFrom, .zero)
            if result.recovery > result.bound {
                complain("online only \(result.recovery) after the last fault; the rules give \(result.bound)")
            }
        } else {
            complain("not online at the end: \(bridge.lastFailure.map { "\($0)" } ?? "no failure was said")")
        }
        if onlineSince != nil, !bridge.outbox.waiting.isEmpty {
            complain("\(bridge.outbox.waiting.count) messages were not delivered by the end")
        }
        let most = line.withPeer { peer, _ in peer.mostConnectsAMinute }
        if most > ConnectBudget.limit { complain("\(most) CONNECTs in a minute") }
        let dropped = line.withPeer { peer, _ in peer.droppedForRate }
        if dropped > 0 { complain("\(dropped) messages were beyond the platform's rate and dropped there") }
        return result
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        String(bytes.prefix(160).map { (32...126).contains($0) ? Character(Unicode.Scalar($0)) : "." })
            + (bytes.count > 160 ? "… (\(bytes.count))" : "")
    }
}
