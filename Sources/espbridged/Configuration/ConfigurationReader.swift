import BridgeCore
import BridgeRuntime
import TOMLKit

/// Makes a ``Configuration`` of a TOML document, noting unknown keys and wrong types.
struct ConfigurationReader {
    private(set) var mistakes: [ConfigurationMistake] = []
    var secrets: SecretSources

    init(secrets: SecretSources) { self.secrets = secrets }

    mutating func read(_ document: TOMLTable) -> Configuration {
        var root = TableReader(document, path: "")
        var configuration = Configuration()
        with(&root, "serial") { serial, _ in
            set(&configuration.serial.device, serial.string("device"))
            set(&configuration.serial.baud, serial.integer("baud"))
            set(&configuration.serial.flowControl, serial.choice("flow_control"))
            set(&configuration.serial.reset, serial.choice("reset"))
            if let fast = serial.integer("fast_baud"), fast != 0 {
                serial.note("fast_baud", "a second speed is not in this version: expected 0")
            }
        }
        with(&root, "wifi", always: true) { wifi, secrets in
            set(&configuration.wifi.ssid, wifi.string("ssid"))
            configuration.wifi.password = secrets.secret("password", credential: "wifi-password", &wifi)
            set(&configuration.wifi.bssid, wifi.string("bssid"))
        }
        with(&root, "modem") { modem, _ in
            set(&configuration.modem.mode, modem.choice("mode"))
            set(&configuration.modem.linkKeepAlive, modem.integer("link_keep_alive"))
            set(&configuration.modem.heartbeat, modem.integer("heartbeat"))
        }
        with(&root, "aliyun") { table, secrets in configuration.aliyun = Self.aliyun(&table, &secrets) }
        with(&root, "broker") { table, secrets in configuration.broker = Self.broker(&table, &secrets) }
        with(&root, "mqtt") { mqtt, secrets in Self.read(&mqtt, secrets, into: &configuration.mqtt) }
        with(&root, "socket") { socket, _ in
            set(&configuration.socket.path, socket.string("path"))
            set(&configuration.socket.mode, Self.mode(&socket))
            set(&configuration.socket.group, socket.string("group"))
            set(&configuration.socket.maxMessage, socket.integer("max_message"))
            set(&configuration.socket.maxClients, socket.integer("max_clients"))
        }
        with(&root, "outbox") { outbox, _ in
            set(&configuration.outbox.path, outbox.string("path"))
            set(&configuration.outbox.maxBytes, outbox.integer("max_bytes"))
            set(&configuration.outbox.maxAge, outbox.integer("max_age"))
            set(&configuration.outbox.whenFull, outbox.choice("when_full"))
            set(&configuration.outbox.drain, outbox.choice("drain"))
            set(&configuration.outbox.minFree, outbox.integer("min_free"))
        }
        with(&root, "log") { log, _ in set(&configuration.log.level, log.choice("level")) }
        root.finish()
        mistakes = root.mistakes + mistakes
        return configuration
    }

    /// Whether the value, its table or the file that it should come from could not be read. It stands at its default
    /// then, and what the rules say about that is no news.
    func hasNoted(_ key: String) -> Bool {
        mistakes.contains { mistake in
            if key.isEmpty { return mistake.key == "aliyun" || mistake.key == "broker" }
            return key == mistake.key || key.hasPrefix(mistake.key + ".") || key + "_file" == mistake.key
        }
    }

    /// Reads one table; when it is missing and `always` is set, an empty one, for the sake of its credentials.
    private mutating func with(
        _ root: inout TableReader, _ name: String, always: Bool = false,
        _ read: (inout TableReader, inout SecretSources) -> Void
    ) {
        let found = root.table(name)
        guard var table = found ?? (always ? TableReader(TOMLTable(), path: name) : nil) else { return }
        read(&table, &secrets)
        table.finish()
        mistakes += table.mistakes
    }

    private static func aliyun(_ table: inout TableReader, _ secrets: inout SecretSources) -> Configuration.Aliyun {
        var aliyun = Configuration.Aliyun()
        set(&aliyun.productKey, table.string("product_key"))
        set(&aliyun.deviceName, table.string("device_name"))
        aliyun.deviceSecret = secrets.secret("device_secret", credential: "device-secret", &table)
        set(&aliyun.region, table.string("region"))
        set(&aliyun.endpoint, table.string("endpoint"))
        set(&aliyun.signMethod, table.choice("sign_method"))
        set(&aliyun.clientID, table.string("client_id"))
        set(&aliyun.maxRate, table.integer("max_rate"))
        return aliyun
    }

    private static func broker(_ table: inout TableReader, _ secrets: inout SecretSources) -> Configuration.Broker {
        var broker = Configuration.Broker()
        set(&broker.host, table.string("host"))
        set(&broker.clientID, table.string("client_id"))
        set(&broker.username, table.string("username"))
        let password = secrets.secret("password", credential: "broker-password", &table)
        // The service always passes a credential; without a user name it is for nobody.
        broker.password =
            broker.username.isEmpty && !table.has("password") && !table.has("password_file") ? Secret("") : password
        return broker
    }

    private static let noAuthorities = "install the package ca-certificates, or name a PEM file"

    private static func read(_ table: inout TableReader, _ secrets: SecretSources, into mqtt: inout Configuration.MQTT)
    {
        set(&mqtt.port, table.integer("port"))
        set(&mqtt.security, table.choice("security"))
        set(&mqtt.caFile, table.string("ca_file").map { $0.isEmpty ? "" : secrets.path(of: $0) })
        if mqtt.security == .tls, let problem = Authorities.problem(in: mqtt.caFile) {
            table.note("ca_file", mqtt.caFile.isEmpty ? "\(problem): \(Self.noAuthorities)" : problem)
        }
        set(&mqtt.keepAlive, table.integer("keep_alive"))
        set(&mqtt.cleanSession, table.bool("clean_session"))
        set(&mqtt.qos, qos(&table))
        guard let entries = table.array("subscribe") else { return }
        for (index, entry) in entries.enumerated() {
            let place = "subscribe[\(index)]"
            // One that cannot be read keeps its place, so that the rules count the others right.
            mqtt.subscribe.append(Subscription(filter: "", qos: .atLeastOnce))
            guard entry.type == .table, let inner = entry.table else {
                table.note(place, "expected a table such as { filter = \"…\", qos = 1 }")
                continue
            }
            var reader = TableReader(inner, path: table.key(place))
            set(&mqtt.subscribe[index].qos, qos(&reader))
            set(&mqtt.subscribe[index].filter, reader.string("filter"))
            if !reader.has("filter") { reader.note("filter", "missing: expected a topic filter") }
            reader.finish()
            table.add(reader.mistakes)
        }
    }

    private static func qos(_ table: inout TableReader) -> QoS? {
        guard let number = table.integer("qos") else { return nil }
        guard number == 0 || number == 1 else {
            table.note("qos", "\(number) is out of range: expected 0 or 1")
            return nil
        }
        return number == 0 ? .atMostOnce : .atLeastOnce
    }

    private static func mode(_ table: inout TableReader) -> Int? {
        guard let text = table.string("mode") else { return nil }
        guard let mode = Int(text, radix: 8), (0...0o777).contains(mode) else {
            table.note("mode", "\"\(text)\" is not permitted: expected octal permission bits such as \"0660\"")
            return nil
        }
        return mode
    }
}

/// Sets a value that was given, and keeps the default of one that was not.
private func set<Value>(_ target: inout Value, _ value: Value?) {
    if let value { target = value }
}
