extension ModemLink {
    /// What an attempt needs to know.
    public struct Settings: Equatable, Sendable {
        public var ssid: String
        public var password: String
        /// Only the access point with this hardware address.
        public var bssid: String?
        public var host: String
        public var port: Int
        /// TCP keep-alive of the module, in seconds (0 to 7200); 0 is off.
        public var linkKeepAlive: Int
        /// Speed of the serial line, in bits a second.
        public var baud: Int
        /// How bytes go through the module.
        public var mode = TunnelMode.transparent
        /// Whether the module is asked which access point it joined, and for its strength.
        public var inspectsAccessPoint = true
        /// RTS/CTS, which the module's flow control has to fit.
        public var hardwareFlowControl = false
        /// Whether other speeds are tried when nothing is heard at the configured one.
        public var triesSpeeds = false
        /// Whether the connection's local port is noted, so that ``ModemLink/verify(now:)`` can tell whether it is
        /// still the same connection.
        public var verifiesConnection = false

        public init(
            ssid: String, password: String, bssid: String? = nil, host: String, port: Int,
            linkKeepAlive: Int, baud: Int, mode: TunnelMode = .transparent, inspectsAccessPoint: Bool = true
        ) {
            self.ssid = ssid
            self.password = password
            self.bssid = bssid
            self.host = host
            self.port = port
            self.linkKeepAlive = linkKeepAlive
            self.baud = baud
            self.mode = mode
            self.inspectsAccessPoint = inspectsAccessPoint
        }

        /// Throws when a value cannot be put into an AT command; for checking a configuration.
        public func validate() throws(ATCommand.Problem) {
            _ = try joinCommand(.nonOS)
            _ = try dialCommand()
        }

        func joinCommand(_ dialect: Dialect) throws(ATCommand.Problem) -> ATCommand {
            try .join(suffix: dialect.suffix, ssid: ssid, password: password, bssid: bssid)
        }

        func dialCommand() throws(ATCommand.Problem) -> ATCommand {
            try .dial(host: host, port: port, keepAlive: linkKeepAlive)
        }

        /// Whether `host` is an address in figures, which needs no DNS.
        var hostIsAddress: Bool {
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        }
    }

    /// How bytes go through the module once the link is open.
    public enum TunnelMode: String, CaseIterable, Sendable {
        /// Both ways as they are; the module says nothing about the link (`AT+CIPMODE=1`).
        case transparent
        /// In pieces, each announced and acknowledged (`AT+CIPSEND=<n>`, `+IPD`).
        case packet
    }

    /// What is to be done after an input.
    public enum Effect: Equatable, Sendable {
        /// Write these bytes to the serial port, unchanged.
        case send([UInt8])
        /// Write these to the serial port, unchanged: the oldest of the bytes for the tunnel that had not left.
        case forward([UInt8])
        /// This rung of the ladder has been reached.
        case climbed(Rung)
        case learned(ModemFact)
        /// The tunnel is open: bytes pass both ways.
        case opened
        /// Bytes from the tunnel.
        case deliver([UInt8])
        /// In packet mode: bytes that were written have waited since then; now `waiting` bytes, which is all of them,
        /// begin to leave. Whoever reckons when they will have left begins anew.
        case held(since: Moment, waiting: Int)
        /// Set the serial port to this speed, in bits a second. It is the attempt's only: each begins at the configured
        /// speed.
        case setSpeed(Int)
        /// The connection was looked after and is the one that it was.
        case verified
        /// The modem is in command mode again and the link is closed, as far as it answers. The end.
        case left
        /// The attempt has failed. The end.
        case failed(LinkFailure)
        /// A line of the AT dialogue, for people.
        case said(Line)
    }

    /// A line of the AT dialogue, without secrets.
    public struct Line: Equatable, Sendable {
        public enum Direction: Equatable, Sendable {
            case toModem
            case fromModem
        }

        public var direction: Direction
        public var text: String

        public init(_ direction: Direction, _ text: String) {
            self.direction = direction
            self.text = text
        }
    }
}
