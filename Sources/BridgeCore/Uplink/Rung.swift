/// One word that says where the link stands, lowest rung first.
///
/// The same words stand in `espbridged status`, in systemd's `STATUS=`, in the journal and in
/// link events.
public enum Rung: String, CaseIterable, Sendable {
    /// There is no serial port to open.
    case noPort = "no-port"
    /// The serial port is being opened.
    case opening
    /// The modem's state is being found out: data mode, echo, garbage, speed.
    case syncing
    /// `AT+RST` was sent, `ready` is awaited; then echo, firmware and mode are set.
    case resetting
    /// The access point is being joined.
    case joining
    /// An address is awaited.
    case addressing
    /// The TCP connection is being made and transparent mode entered.
    case dialling
    /// TLS is being negotiated.
    case securing
    /// CONNECT was sent, CONNACK is awaited.
    case connecting
    /// SUBSCRIBE was sent, SUBACK is awaited.
    case subscribing
    /// Messages flow.
    case online
    /// Waiting before the next attempt.
    case backoff
    /// The daemon is going down in order.
    case stopping

    /// Whether this word is a step of the ladder, rather than one of the two beside it.
    public var isStep: Bool { self != .backoff && self != .stopping }
}

extension Rung: Comparable {
    public static func < (left: Rung, right: Rung) -> Bool {
        left.position < right.position
    }

    private var position: Int { Rung.allCases.firstIndex(of: self)! }
}
