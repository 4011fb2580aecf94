import BridgeCore
import ModemSimulator

/// One run, as it follows from its seed: how the bridge is set, what the module is, what goes wrong and when.
public struct CampaignPlan: Sendable {
    /// What a line of the plan does.
    enum Order: Equatable, Sendable {
        case modem(ModemOrder)
        case cloud(CloudOrder)
        /// How the peer answers a dial.
        case answers(DialAnswer)
        /// The adapter is unplugged just after each CONNECT, or stays in from now on.
        case flaps(Bool)
    }

    struct Entry: Sendable {
        var at: Moment
        var line: String
        var order: Order
    }

    static let length = Duration.seconds(3600)
    /// Faults begin, and end, within these.
    static let faultsBegin = Duration.seconds(20)
    static let faultsEnd = Duration.seconds(2000)

    public let seed: UInt64
    let firmware: FirmwareVersion
    let mqtt: MQTTConnection.Settings
    let modem: ModemLink.Settings
    private(set) var entries: [Entry] = []
    /// When each message is queued, how long its filler is, and whether it is acknowledged.
    private(set) var messages: [(at: Moment, length: Int, qos: QoS)] = []
    /// When the last fault has ended.
    private(set) var quietFrom = Moment.zero
    /// Faults that strike at the next occasion, and so perhaps later than the others end.
    private(set) var latentFaults = 0
    /// Whether bytes are changed or lost on the serial line, which MQTT cannot notice in a payload.
    private(set) var damagesBytes = false

    static let device = CloudDevice(productKey: "a1B2c3D4e5F", deviceName: "gateway-1", secret: "campaign-secret")

    /// Faults and messages as they follow from the seed.
    public init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.init(seed: seed, settingsBy: &random)
        planFaults(&random)
        planMessages(&random)
        planFlapping()
    }

    /// These lines at these times, and a message in each period; everything else as it follows from the seed.
    public init(seed: UInt64, lines: [(at: Duration, line: String)], messageEvery period: Duration) {
        var random = SeededGenerator(seed: seed)
        self.init(seed: seed, settingsBy: &random)
        for line in lines { add(line.line, at: line.at) }
        quietFrom = lines.reduce(.zero) { max($0, .zero + $1.at) }
        var now = Moment.zero + period
        while now < .zero + Self.length - .seconds(300) {
            messages.append((now, 100, .atLeastOnce))
            now = now + period
        }
    }

    private init(seed: UInt64, settingsBy random: inout SeededGenerator) {
        self.seed = seed
        firmware = FirmwareVersion.allCases.randomElement(using: &random) ?? .nonOS17
        let signIn = SignIn(
            DeviceIdentity(
                productKey: Self.device.productKey, deviceName: Self.device.deviceName,
                secret: Secret(Self.device.secret)))
        let filters = DownlinkTopics.filters(productKey: Self.device.productKey, deviceName: Self.device.deviceName)
        var mqtt = MQTTConnection.Settings(
            connect: .init(
                clientIdentifier: signIn.clientIdentifier, cleanSession: Bool.random(using: &random),
                keepAlive: [30, 60, 100, 300].randomElement(using: &random) ?? 100, username: signIn.userName,
                password: Array(signIn.password.value.utf8)),
            subscriptions: filters.map { Subscription(filter: $0, qos: .atLeastOnce) })
        mqtt.acknowledgesAutomatically = Bool.random(using: &random)
        mqtt.suspicion = .milliseconds(2500)
        mqtt.longestBurst = 2048
        mqtt.heartbeat = Bool.random(using: &random) ? .seconds(Int.random(in: 5...20, using: &random)) : nil
        var modem = ModemLink.Settings(
            ssid: "workshop", password: "12345678", host: "broker", port: 1883,
            linkKeepAlive: [0, 60].randomElement(using: &random) ?? 60, baud: 115_200)
        modem.verifiesConnection = true
        modem.triesSpeeds = true
        // As the daemon sets them, see `Configuration.uplinkSettings`.
        if [3, 4].contains(seed % 7) {
            (modem.mode, modem.verifiesConnection, mqtt.suspicion) = (.packet, false, nil)
            (mqtt.windowBytes, mqtt.longestBurst, mqtt.restartVerdictDelay) = (8192, .max, .zero)
        }
        (self.modem, self.mqtt) = (modem, mqtt)
    }

    /// What the module and its surroundings are at the start.
    var configuration: ModemConfiguration {
        var configuration = ModemConfiguration()
        configuration.firmware = firmware
        configuration.seed = seed
        configuration.hosts = [HostMapping(name: "broker", address: "127.0.0.1", targetPort: 1883)]
        configuration.accessPoints = [AccessPoint(ssid: "workshop", password: "12345678")]
        return configuration
    }

    // MARK: Faults

    private mutating func planFaults(_ random: inout SeededGenerator) {
        let low = Int.random(in: 20...150, using: &random)
        add("modem rtt \(low)-\(low + Int.random(in: 0...150, using: &random))", at: .zero)
        for _ in 0..<Int.random(in: 1...10, using: &random) {
            guard let fault = CampaignFault.all.randomElement(using: &random) else { continue }
            let longest = Self.faultsEnd - Self.faultsBegin - fault.longest
            let begin = Self.faultsBegin + .milliseconds(Int64.random(in: 0...longest.inMilliseconds, using: &random))
            let end =
                begin + .milliseconds(Int64.random(in: 0...max(1, fault.longest.inMilliseconds), using: &random))
            add(fault.begins(&random), at: begin)
            for line in fault.ends { add(line, at: end) }
            quietFrom = max(quietFrom, .zero + end)
            latentFaults += fault.isLatent ? 1 : 0
            damagesBytes = damagesBytes || fault.damagesBytes
        }
        entries.sort { $0.at < $1.at }
    }

    /// In each fourth plan the port flaps for a while. That is drawn from a generator of its own, so that everything else
    /// stays as the seed has always given it.
    private mutating func planFlapping() {
        var random = SeededGenerator(seed: seed ^ 0xF1A9)
        guard Int.random(in: 0..<4, using: &random) == 0 else { return }
        let latest = Self.faultsEnd - .seconds(300)
        let begin = Duration.milliseconds(Int64.random(in: 0...latest.inMilliseconds, using: &random))
        let end = begin + .seconds(Int.random(in: 20...300, using: &random))
        add("port flaps", at: begin)
        add("port holds", at: end)
        quietFrom = max(quietFrom, .zero + end)
        entries.sort { $0.at < $1.at }
    }

    private mutating func add(_ line: String, at time: Duration) {
        guard let order = Self.order(line) else { preconditionFailure("no such order: \(line)") }
        entries.append(Entry(at: .zero + time, line: line, order: order))
    }

    private static func order(_ line: String) -> Order? {
        let rest = String(line.drop { $0 != " " }.dropFirst())
        if line.hasPrefix("modem ") { return ModemOrder(line: rest).map(Order.modem) }
        if line.hasPrefix("cloud ") { return CloudOrder(line: rest).map(Order.cloud) }
        switch line {
        case "peer accepts": return .answers(.accepts)
        case "peer refuses": return .answers(.refuses)
        case "peer ignores": return .answers(.ignores)
        case "port flaps": return .flaps(true)
        case "port holds": return .flaps(false)
        default: return nil
        }
    }

    private mutating func planMessages(_ random: inout SeededGenerator) {
        var now = Moment.zero
        // Of its own, so that faults and lengths stay what they were.
        var once = SeededGenerator(seed: seed ^ 0x9050)
        let pause = Int64.random(in: 2_000...60_000, using: &random)
        while true {
            now = now + .milliseconds(Int64.random(in: 0...2 * pause, using: &random))
            guard now < .zero + Self.length - .seconds(300) else { return }
            let isBurst = Int.random(in: 0..<20, using: &random) == 0
            for _ in 0..<(isBurst ? Int.random(in: 2...40, using: &random) : 1) {
                let isLong = Int.random(in: 0..<40, using: &random) == 0
                let qos = Int.random(in: 0..<4, using: &once) == 0 ? QoS.atMostOnce : .atLeastOnce
                messages.append((now, Int.random(in: isLong ? 1000...6000 : 0...200, using: &random), qos))
            }
        }
    }

    /// The plan in words, one line each.
    public var text: String {
        let head =
            "seed \(seed): \(firmware.rawValue), keep-alive \(mqtt.connect.keepAlive) s, "
            + "clean session \(mqtt.connect.cleanSession), link keep-alive \(modem.linkKeepAlive) s, "
            + "\(messages.count) messages, quiet from \(quietFrom.seconds)\n"
        return head + entries.map { "  \($0.at.seconds)  \($0.line)\n" }.joined()
    }
}

/// The earlier of two moments; a missing one is never.
func earliest(_ one: Moment?, _ other: Moment?) -> Moment? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
}

extension Moment {
    /// For people: seconds with three decimals.
    var seconds: String {
        let milliseconds = nanoseconds / 1_000_000
        let rest = String(milliseconds % 1000 + 1000).dropFirst()
        return "\(milliseconds / 1000).\(rest) s"
    }
}
