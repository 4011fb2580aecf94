import BridgeCore

/// Who is at the other end of the module's connections, in virtual time.
public protocol VirtualPeer: Sendable {
    /// What a dial to it is answered with.
    var answer: DialAnswer { get }
    /// When it wants to be woken, if nothing happens before.
    var deadline: Moment? { get }

    mutating func opened(_ connection: Int, now: Moment) -> [PeerAction]
    mutating func received(_ connection: Int, _ bytes: [UInt8], now: Moment) -> [PeerAction]
    /// The module closed, or the peer found out that the connection is no more.
    mutating func closed(_ connection: Int, now: Moment) -> [PeerAction]
    /// ``deadline`` was reached.
    mutating func timePassed(_ now: Moment) -> [PeerAction]
}

/// What a dial is answered with.
public enum DialAnswer: Equatable, Sendable {
    case accepts
    case refuses
    /// No answer at all.
    case ignores
}

/// What a peer does.
public enum PeerAction: Equatable, Sendable {
    case send(Int, [UInt8])
    case close(Int)
}

/// A peer that only listens; tests speak for it through ``VirtualModem/act(_:)``.
public struct SilentPeer: VirtualPeer {
    public var answer = DialAnswer.accepts
    /// All that arrived, whatever the connection.
    public private(set) var received: [UInt8] = []
    /// Connections in the order in which they were opened.
    public private(set) var connections: [Int] = []
    /// Those that the module closed, or that the peer found dead.
    public private(set) var closed: [Int] = []

    public init() {}

    public var deadline: Moment? { nil }

    public mutating func opened(_ connection: Int, now: Moment) -> [PeerAction] {
        connections.append(connection)
        return []
    }

    public mutating func received(_ connection: Int, _ bytes: [UInt8], now: Moment) -> [PeerAction] {
        received += bytes
        return []
    }

    public mutating func closed(_ connection: Int, now: Moment) -> [PeerAction] {
        closed.append(connection)
        return []
    }

    public mutating func timePassed(_ now: Moment) -> [PeerAction] { [] }
}

/// The simulated cloud as a peer.
public struct PlatformPeer: VirtualPeer {
    public var answer = DialAnswer.accepts
    public private(set) var platform: SimulatedPlatform
    /// What the cloud saw, in order, until ``takeEvents()``.
    private var events: [CloudEvent] = []

    public init(_ platform: SimulatedPlatform) { self.platform = platform }

    public var deadline: Moment? { platform.deadline }

    /// What the cloud saw since the last call.
    public mutating func takeEvents() -> [CloudEvent] {
        defer { events = [] }
        return events
    }

    /// Gives the cloud an order.
    public mutating func order(_ order: CloudOrder, now: Moment) -> [PeerAction] { feed(.ordered(order), now) }

    public mutating func opened(_ connection: Int, now: Moment) -> [PeerAction] {
        feed(.opened(connection, peer: "module"), now)
    }

    public mutating func received(_ connection: Int, _ bytes: [UInt8], now: Moment) -> [PeerAction] {
        feed(.received(connection, bytes), now)
    }

    public mutating func closed(_ connection: Int, now: Moment) -> [PeerAction] { feed(.closed(connection), now) }

    public mutating func timePassed(_ now: Moment) -> [PeerAction] { feed(.timePassed, now) }

    private mutating func feed(_ input: SimulatedPlatform.Input, _ now: Moment) -> [PeerAction] {
        platform.input(input, now: now).compactMap { effect in
            switch effect {
            case .send(let connection, let bytes): return .send(connection, bytes)
            case .close(let connection): return .close(connection)
            case .report(let event):
                events.append(event)
                return nil
            }
        }
    }
}
