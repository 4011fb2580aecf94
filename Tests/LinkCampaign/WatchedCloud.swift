import BridgeCore
import ModemSimulator

/// The simulated cloud, and what is held against the bridge there.
struct WatchedCloud: VirtualPeer {
    private var peer: PlatformPeer
    /// When each CONNECT of the last minute came.
    private var connects: [Moment] = []
    private(set) var mostConnectsAMinute = 0
    private(set) var connectCount = 0
    /// The payloads that came whole, by the number in them.
    private(set) var seen: Set<Int64> = []
    /// Payloads that were none of those sent.
    private(set) var damaged = 0
    /// Messages beyond the platform's rate, which it drops without a word.
    private(set) var droppedForRate = 0
    private let payloads: Payloads

    init(_ platform: SimulatedPlatform, payloads: Payloads) {
        peer = PlatformPeer(platform)
        self.payloads = payloads
    }

    var answer: DialAnswer {
        get { peer.answer }
        set { peer.answer = newValue }
    }

    var deadline: Moment? { peer.deadline }

    mutating func order(_ order: CloudOrder, now: Moment) -> [PeerAction] { watched(now) { $0.order(order, now: now) } }

    mutating func opened(_ connection: Int, now: Moment) -> [PeerAction] {
        watched(now) { $0.opened(connection, now: now) }
    }

    mutating func received(_ connection: Int, _ bytes: [UInt8], now: Moment) -> [PeerAction] {
        watched(now) { $0.received(connection, bytes, now: now) }
    }

    mutating func closed(_ connection: Int, now: Moment) -> [PeerAction] {
        watched(now) { $0.closed(connection, now: now) }
    }

    mutating func timePassed(_ now: Moment) -> [PeerAction] { watched(now) { $0.timePassed(now) } }

    private mutating func watched(_ now: Moment, _ input: (inout PlatformPeer) -> [PeerAction]) -> [PeerAction] {
        let actions = input(&peer)
        for event in peer.takeEvents() { note(event, now: now) }
        return actions
    }

    private mutating func note(_ event: CloudEvent, now: Moment) {
        switch event {
        case .connected, .refused:
            connectCount += 1
            connects.removeAll { $0 + .seconds(60) <= now }
            connects.append(now)
            mostConnectsAMinute = max(mostConnectsAMinute, connects.count)
        case .message(_, let payload, _, _):
            if let number = payloads.number(in: payload) { seen.insert(number) } else { damaged += 1 }
        case .limit(let why) where why.contains("messages a second"): droppedForRate += 1
        default: break
        }
    }
}

/// Payloads that can be told from damaged ones.
struct Payloads {
    let seed: UInt64

    func payload(_ number: Int64, length: Int) -> [UInt8] {
        var random = SeededGenerator(seed: seed &+ UInt64(number))
        let filler = (0..<length).map { _ in UInt8.random(in: 97...122, using: &random) }
        return Array("{\"id\":\"\(number)\",\"length\":\(length),\"filler\":\"".utf8) + filler + Array("\"}".utf8)
    }

    /// The number of the message, if it is one of ours, byte for byte.
    func number(in payload: [UInt8]) -> Int64? {
        let numbers = String(decoding: payload.prefix(48), as: UTF8.self).split { !$0.isNumber }.prefix(2)
        guard numbers.count == 2, let number = Int64(numbers[0]), let length = Int(numbers[1]), length < 100_000,
            self.payload(number, length: length) == payload
        else { return nil }
        return number
    }
}
