extension MQTTConnection {
    /// What an attempt is to do, and how patient it is.
    public struct Settings: Equatable, Sendable {
        public var connect: MQTTPacket.Connect
        /// At QoS 0 or 1.
        public var subscriptions: [Subscription]
        /// Filters in one SUBSCRIBE at most; some servers take no more than 8.
        public var topicsPerSubscribe = 8
        /// Subscriptions that the server takes of one client.
        public var mostSubscriptions = Int.max
        /// From the moment CONNECT has left the line to CONNACK.
        public var connackTimeout: Duration = .seconds(10)
        /// From the moment each SUBSCRIBE or UNSUBSCRIBE has left the line to its SUBACK or UNSUBACK; longer on a slow
        /// network once the link is online, see ``RoundTrip``.
        public var subackTimeout: Duration = .seconds(10)
        /// How long before the end of the keep-alive interval PINGREQ goes out.
        public var pingMargin: Duration
        /// From the moment PINGREQ has left the line to PINGRESP; longer on a slow network, see ``RoundTrip``.
        public var pingTimeout: Duration = .seconds(10)
        /// How long the oldest message in flight may wait for PUBACK, from the moment it has left the
        /// line or became the oldest; longer on a slow network, see ``RoundTrip``.
        public var publishTimeout: Duration = .seconds(20)
        /// How long the oldest answer may be due before the line below is asked to look after the connection
        /// (``Effect/verify``); never less than this, and more on a slow network. Nil never asks.
        public var suspicion: Duration?
        /// PINGREQ after so long without anything from the server, when that is sooner than keep-alive wants it.
        public var heartbeat: Duration?
        /// How long a session has to live, and the server to be heard, before a message goes with which the link broke again
        /// and again.
        public var probation: Duration = SessionRecord.shortLife
        /// Most bytes in one burst: a longer packet goes out in pieces of half of it, with pauses, because the module
        /// cannot hold more while the network is slow, and nothing holds the host back.
        public var longestBurst = Int.max
        /// What the layer below adds to each packet, in bytes, when it is TLS.
        public var packetOverhead = 0
        /// Whether the line takes bytes only as fast as they get on (RTS and CTS): the next piece of a longer packet goes when
        /// it has taken the one before, without a pause.
        public var lineHoldsBack = false
        /// Bytes in flight at most; a longer message goes when nothing else is in flight.
        public var windowBytes = 2048
        /// Messages in flight at most.
        public var windowMessages = 100
        /// The speed of the line, for the time that bytes need on it: 11,520 at 115,200 baud.
        public var bytesPerSecond = 11_520
        /// The longest packet accepted from the server, in bytes.
        public var maximumPacketSize = 262_144 + 1024
        /// PUBACK follows each inbound QoS 1 message at once. When false, it waits for
        /// ``MQTTConnection/acknowledge(packetIdentifier:now:)``.
        public var acknowledgesAutomatically = true
        /// After bytes that are not MQTT, how long to wait for text that says that the modem restarted.
        /// It matters because the garbage of the boot ROM comes some hundred milliseconds before
        /// the readable `ready`. Zero decides at once.
        public var restartVerdictDelay: Duration = .seconds(1)

        public init(connect: MQTTPacket.Connect, subscriptions: [Subscription] = []) {
            precondition(
                subscriptions.allSatisfy { $0.qos <= .atLeastOnce },
                "Subscriptions are made at QoS 0 or 1; QoS 2 is not spoken here")
            self.connect = connect
            self.subscriptions = subscriptions
            let keepAlive = Duration.seconds(Int64(connect.keepAlive))
            pingMargin = max(.seconds(2), keepAlive / 20)
        }

        /// How long nothing may be sent, or received, before PINGREQ; nil when keep-alive is off.
        ///
        /// The keep-alive less the margin, but at least half of it: at an interval of a second or two
        /// the margin would eat all of it.
        var pingInterval: Duration? {
            guard connect.keepAlive > 0 else { return heartbeat }
            let keepAlive = Duration.seconds(Int64(connect.keepAlive))
            let interval = max(keepAlive - pingMargin, keepAlive / 2)
            return min(interval, heartbeat ?? interval)
        }

        /// The longest time that nothing comes from the server before PINGREQ asks; nil when nothing ever does.
        public var silenceBeforePing: Duration? { pingInterval }

        /// The time that so many bytes need on the line.
        func lineTime(_ bytes: Int) -> Duration {
            .nanoseconds(Int64(Double(bytes) * 1e9 / Double(max(1, bytesPerSecond))))
        }
    }

    /// What is to be done after an input, in this order.
    public enum Effect: Equatable, Sendable {
        /// Write these bytes in one burst, and say with ``MQTTConnection/lineTook(_:now:)`` when they have left.
        case send([UInt8])
        /// Say that the link stands on this rung: connecting, subscribing, online.
        case climbed(Rung)
        /// CONNACK accepted us.
        case connected(sessionPresent: Bool)
        /// Take the row out of the outbox: the line has taken a QoS 0 message. It may come behind `disconnected`.
        case written(sequence: Int64)
        /// Take the row out of the outbox: PUBACK came.
        case acknowledged(sequence: Int64)
        /// Drop the row with a report: no server could ever take it.
        case undeliverable(sequence: Int64, MQTTError)
        /// Pass the message on.
        case message(InboundMessage)
        /// More may be published: offer the next message if ``MQTTConnection/canPublish(bytes:)``.
        /// It comes on reaching `online` and whenever there is room again.
        case windowOpened
        /// PINGRESP came so long after PINGREQ.
        case pinged(rtt: Duration)
        /// These filters do not hold: SUBACK said 0x80, or they are no filters. The link goes on.
        case refusedSubscriptions([String])
        /// The server has taken a change of the subscriptions over, but for those that were refused.
        case subscriptionsChanged(added: [String], removed: [String])
        /// An answer is overdue: find out whether the connection is still the same one, and say so with
        /// ``MQTTConnection/verified(now:)``. What is sent meanwhile has to wait.
        case verify
        /// DISCONNECT was sent; close once it is out.
        case disconnected
        /// The attempt is over: close without a word.
        case failed(LinkFailure)
        /// Something odd that changes nothing, for the journal.
        case note(String)
    }
}
