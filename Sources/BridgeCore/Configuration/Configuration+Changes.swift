extension Configuration {
    /// A key whose value differs, and what it takes to put the new one into force.
    public struct Change: Equatable, Sendable {
        public enum Effect: Sendable {
            /// In force as soon as it is read.
            case atOnce
            /// Told to the server in the session that stands, or at the next sign-in.
            case resubscribe
            /// The link has to be brought up anew.
            case relink
            /// The daemon has to be started anew.
            case restart
        }

        /// As written in the file, for example `mqtt.keep_alive`.
        public var key: String
        public var effect: Effect

        public init(_ key: String, _ effect: Effect) {
            self.key = key
            self.effect = effect
        }
    }

    /// What is different in `new`, in the order of the file.
    public func changes(to new: Configuration) -> [Change] {
        Self.keys.filter { $0.differs(self, new) }.map { Change($0.name, $0.effect) }
    }

    struct Key: Sendable {
        var name: String
        var effect: Change.Effect
        var differs: @Sendable (Configuration, Configuration) -> Bool

        init<Value: Equatable & SendableMetatype>(
            _ name: String, _ effect: Change.Effect, _ value: @escaping @Sendable (Configuration) -> Value
        ) {
            self.name = name
            self.effect = effect
            differs = { value($0) != value($1) }
        }

        /// A key of a table that may be missing: the table's coming or going is a change of the table alone.
        init<Table, Value: Equatable & SendableMetatype>(
            _ name: String, _ effect: Change.Effect, in table: @escaping @Sendable (Configuration) -> Table?,
            _ value: @escaping @Sendable (Table) -> Value
        ) {
            self.name = name
            self.effect = effect
            differs = { old, new in
                guard let old = table(old), let new = table(new) else { return false }
                return value(old) != value(new)
            }
        }
    }

    static let keys: [Key] = [
        Key("serial.device", .relink) { $0.serial.device },
        Key("serial.baud", .relink) { $0.serial.baud },
        Key("serial.flow_control", .relink) { $0.serial.flowControl },
        Key("serial.reset", .relink) { $0.serial.reset },
        Key("wifi.ssid", .relink) { $0.wifi.ssid },
        Key("wifi.password", .relink) { $0.wifi.password },
        Key("wifi.bssid", .relink) { $0.wifi.bssid },
        Key("modem.mode", .relink) { $0.modem.mode },
        Key("modem.link_keep_alive", .relink) { $0.modem.linkKeepAlive },
        Key("modem.heartbeat", .relink) { $0.modem.heartbeat },
        Key("aliyun", .relink) { $0.aliyun == nil },
        Key("aliyun.product_key", .relink, in: \.aliyun) { $0.productKey },
        Key("aliyun.device_name", .relink, in: \.aliyun) { $0.deviceName },
        Key("aliyun.device_secret", .relink, in: \.aliyun) { $0.deviceSecret },
        Key("aliyun.region", .relink, in: \.aliyun) { $0.region },
        Key("aliyun.endpoint", .relink, in: \.aliyun) { $0.endpoint },
        Key("aliyun.sign_method", .relink, in: \.aliyun) { $0.signMethod },
        Key("aliyun.client_id", .relink, in: \.aliyun) { $0.clientID },
        Key("aliyun.max_rate", .atOnce, in: \.aliyun) { $0.maxRate },
        Key("broker", .relink) { $0.broker == nil },
        Key("broker.host", .relink, in: \.broker) { $0.host },
        Key("broker.client_id", .relink, in: \.broker) { $0.clientID },
        Key("broker.username", .relink, in: \.broker) { $0.username },
        Key("broker.password", .relink, in: \.broker) { $0.password },
        Key("mqtt.port", .relink) { $0.mqtt.port },
        Key("mqtt.security", .relink) { $0.mqtt.security },
        Key("mqtt.ca_file", .relink) { $0.mqtt.caFile },
        Key("mqtt.keep_alive", .relink) { $0.mqtt.keepAlive },
        Key("mqtt.clean_session", .relink) { $0.mqtt.cleanSession },
        Key("mqtt.qos", .atOnce) { $0.mqtt.qos },
        Key("mqtt.subscribe", .resubscribe) { $0.mqtt.subscribe },
        Key("socket.path", .restart) { $0.socket.path },
        Key("socket.mode", .restart) { $0.socket.mode },
        Key("socket.group", .restart) { $0.socket.group },
        Key("socket.max_message", .atOnce) { $0.socket.maxMessage },
        Key("socket.max_clients", .atOnce) { $0.socket.maxClients },
        Key("outbox.path", .restart) { $0.outbox.path },
        Key("outbox.max_bytes", .atOnce) { $0.outbox.maxBytes },
        Key("outbox.max_age", .atOnce) { $0.outbox.maxAge },
        Key("outbox.when_full", .atOnce) { $0.outbox.whenFull },
        Key("outbox.drain", .atOnce) { $0.outbox.drain },
        Key("outbox.min_free", .atOnce) { $0.outbox.minFree },
        Key("log.level", .atOnce) { $0.log.level },
    ]
}
