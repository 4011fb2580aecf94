/// The daemon's configuration with all defaults in place, as `/etc/espbridged.conf` gives it.
public struct Configuration: Equatable, Sendable {
    public var serial = Serial()
    public var wifi = WiFi()
    public var modem = Modem()
    /// Exactly one of this and ``broker`` is there.
    public var aliyun: Aliyun?
    public var broker: Broker?
    public var mqtt = MQTT()
    public var socket = Socket()
    public var outbox = OutboxFile()
    public var log = Log()

    public init() {}

    public struct Serial: Equatable, Sendable {
        public var device = ""
        /// Bits a second.
        public var baud = 115_200
        public var flowControl = FlowControl.none
        public var reset = ResetLine.none

        /// The line of the adapter that is wired to the module's reset pin.
        public enum ResetLine: String, CaseIterable, Sendable {
            case none, dtr, rts
        }

        public enum FlowControl: String, CaseIterable, Sendable {
            case none
            case rtsCts = "rts-cts"
        }
    }

    public struct WiFi: Equatable, Sendable {
        public var ssid = ""
        /// Empty for an open network.
        public var password = Secret("")
        /// Empty for any access point of that name.
        public var bssid = ""
    }

    public struct Modem: Equatable, Sendable {
        public var mode = ModemLink.TunnelMode.transparent
        /// Seconds, 0 to 7200; 0 is off.
        public var linkKeepAlive = 60
        /// Seconds without anything from the server until PINGREQ; 0 leaves it to keep_alive.
        public var heartbeat = 0
    }

    public struct Aliyun: Equatable, Sendable {
        public var productKey = ""
        public var deviceName = ""
        public var deviceSecret = Secret("")
        public var region = "cn-shanghai"
        /// Overrides the region when not empty.
        public var endpoint = ""
        public var signMethod = SignMethod.hmacsha1
        /// Empty for the default.
        public var clientID = ""
        /// Messages a second at QoS 1 that the instance takes, and three times as many at QoS 0; 0 is any number.
        public var maxRate = PublishPace.Limits.platform.atLeastOnce

        public init() {}
    }

    public struct Broker: Equatable, Sendable {
        public var host = ""
        public var clientID = ""
        public var username = ""
        public var password = Secret("")

        public init() {}
    }

    public struct MQTT: Equatable, Sendable {
        public var port = 1883
        public var security = Security.tcp
        /// PEM file with the certificate authorities that are trusted; empty for those of the system.
        public var caFile = ""
        /// Seconds.
        public var keepAlive = 100
        public var cleanSession = true
        /// Of publishes that do not say.
        public var qos = QoS.atLeastOnce
        public var subscribe: [Subscription] = []

        public enum Security: String, CaseIterable, Sendable {
            case tcp, tls
        }
    }

    public struct Socket: Equatable, Sendable {
        public var path = "/run/espbridged.sock"
        /// Permission bits.
        public var mode = 0o660
        /// Empty for the daemon's own group.
        public var group = ""
        /// Bytes of one JSON document.
        public var maxMessage = 262_144
        public var maxClients = 256
    }

    public struct OutboxFile: Equatable, Sendable {
        public var path = "/var/lib/espbridged/outbox.db"
        public var maxBytes = 67_108_864
        /// Seconds.
        public var maxAge = 604_800
        public var whenFull = OutboxLimits.WhenFull.refuseNew
        public var drain = OutboxLimits.Drain.inOrder
        /// Bytes that stay free on its file system; 0: a sixteenth of it, 256 KiB to 8 MiB.
        public var minFree = 0
    }

    public struct Log: Equatable, Sendable {
        public var level = LogLevel.info
    }

    /// The words of `[log] level`.
    public enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }
}
