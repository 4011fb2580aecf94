/// One mistake in a configuration.
public struct ConfigurationMistake: Equatable, Sendable {
    /// As written in the file, for example `mqtt.keep_alive`; empty for the file as a whole.
    public var key: String
    /// What is wrong and what was expected. Never holds a secret.
    public var message: String

    public init(_ key: String, _ message: String) {
        self.key = key
        self.message = message
    }
}

extension Configuration {
    /// Everything that is wrong with the values, in the order of the file; empty when nothing is.
    public var mistakes: [ConfigurationMistake] {
        serialMistakes + wifiMistakes + peerMistakes + mqttMistakes + localMistakes
    }

    private var serialMistakes: [ConfigurationMistake] {
        var found = Mistakes()
        found.expect(!serial.device.isEmpty, "serial.device", "missing: the path of the serial port is needed")
        found.expect(
            serial.device.isEmpty || Self.isPath(serial.device), "serial.device",
            "expected an absolute path such as /dev/ttyUSB0 or /dev/serial/by-id/…")
        found.expect(110...4_608_000, serial.baud, "serial.baud", "bits a second")
        found.expect(
            serial.reset != .rts || serial.flowControl == .none, "serial.reset",
            "\"rts\" cannot be: flow_control = \"rts-cts\" needs that line")
        found.expect(0...7200, modem.linkKeepAlive, "modem.link_keep_alive", "seconds (0 is off)")
        found.expect(
            modem.heartbeat == 0 || (5...1200).contains(modem.heartbeat), "modem.heartbeat",
            "\(modem.heartbeat) is out of range: expected 5 to 1200 seconds, or 0 for keep_alive alone")
        found.expect(
            modem.heartbeat == 0 || modem.heartbeat < mqtt.keepAlive, "modem.heartbeat",
            "\(modem.heartbeat) does nothing: expected less than mqtt.keep_alive, which is \(mqtt.keepAlive)")
        return found.list
    }

    private var wifiMistakes: [ConfigurationMistake] {
        var found = Mistakes()
        found.expect((1...32).contains(wifi.ssid.utf8.count), "wifi.ssid", "expected 1 to 32 bytes")
        found.expectParameter(wifi.ssid, "wifi.ssid")
        let length = wifi.password.value.utf8.count
        found.expect(
            length == 0 || (8...64).contains(length), "wifi.password",
            "expected 8 to 64 bytes, or none for an open network")
        found.expectParameter(wifi.password.value, "wifi.password")
        if !wifi.bssid.isEmpty {
            let parts = wifi.bssid.split(separator: ":", omittingEmptySubsequences: false)
            found.expect(
                parts.count == 6 && parts.allSatisfy { $0.count == 2 && $0.allSatisfy { $0.isASCII && $0.isHexDigit } },
                "wifi.bssid",
                "expected six pairs of hex digits such as 18:fe:34:a1:b2:c3")
        }
        let parameters = ModemLink.Settings(
            ssid: wifi.ssid, password: wifi.password.value, bssid: wifi.bssid.isEmpty ? nil : wifi.bssid,
            host: "", port: mqtt.port, linkKeepAlive: modem.linkKeepAlive, baud: serial.baud)
        do throws(ATCommand.Problem) { try parameters.validate() } catch {
            if case .tooLong = error { found.add("wifi", "\(error)") }
        }
        return found.list
    }

    private var peerMistakes: [ConfigurationMistake] {
        var found = Mistakes()
        switch (aliyun, broker) {
        case (nil, nil): found.add("", "expected one of the tables [aliyun] and [broker]; both are missing")
        case (_?, _?): found.add("broker", "expected one of the tables [aliyun] and [broker], not both")
        default: break
        }
        if let aliyun { check(aliyun, &found) }
        if let broker { check(broker, &found) }
        return found.list
    }

    private func check(_ aliyun: Aliyun, _ found: inout Mistakes) {
        found.expect(PlatformRules.mistake(inProductKey: aliyun.productKey), "aliyun.product_key")
        found.expect(PlatformRules.mistake(inDeviceName: aliyun.deviceName), "aliyun.device_name")
        if aliyun.deviceSecret.isEmpty {
            found.add(
                "aliyun.device_secret",
                "missing: give device_secret, device_secret_file or the systemd credential device-secret")
        } else {
            found.expect(PlatformRules.mistake(inSecret: aliyun.deviceSecret), "aliyun.device_secret")
        }
        if aliyun.endpoint.isEmpty {
            found.expect(PlatformRules.mistake(inRegion: aliyun.region), "aliyun.region")
        } else {
            found.expect(PlatformRules.mistake(inHost: aliyun.endpoint), "aliyun.endpoint")
        }
        found.expect(0...10_000, aliyun.maxRate, "aliyun.max_rate", "messages a second (0 is any number)")
        if !aliyun.clientID.isEmpty {
            found.expect(PlatformRules.mistake(inClientID: aliyun.clientID), "aliyun.client_id")
        }
    }

    private func check(_ broker: Broker, _ found: inout Mistakes) {
        found.expect(PlatformRules.mistake(inHost: broker.host), "broker.host")
        found.expect(
            (try? MQTTTopic.checkName(broker.clientID)) != nil,
            "broker.client_id", "expected at least one character, none of them + # or NUL: it stands in topics too")
        found.expect(
            broker.password.isEmpty || !broker.username.isEmpty, "broker.username",
            "missing: a password needs a user name [MQTT-3.1.2-22]")
        found.expectString(broker.username, "broker.username")
        found.expectString(broker.password.value, "broker.password")
    }

    private var mqttMistakes: [ConfigurationMistake] {
        var found = Mistakes()
        found.expect(1...65_535, mqtt.port, "mqtt.port", "(a TCP port)")
        found.expect(
            mqtt.caFile.isEmpty || mqtt.security == .tls, "mqtt.ca_file",
            "is for TLS: expected security = \"tls\" beside it")
        found.expect(
            aliyun == nil ? 5...65_535 : PlatformRules.keepAlive, mqtt.keepAlive, "mqtt.keep_alive",
            aliyun == nil ? "seconds" : "seconds, as the platform takes them")
        for (index, subscription) in mqtt.subscribe.enumerated() {
            let key = "mqtt.subscribe[\(index)].filter"
            do throws(MQTTError) { try MQTTTopic.checkFilter(subscription.filter) } catch { found.add(key, "\(error)") }
            found.expect(aliyun == nil || subscription.filter.utf8.count <= 128, key, "expected at most 128 bytes")
        }
        found.expect(
            aliyun == nil || subscriptions.count <= PlatformRules.subscriptions, "mqtt.subscribe",
            "the platform takes \(PlatformRules.subscriptions) subscriptions, \(subscriptions.count) are wanted with the standard ones"
        )
        return found.list
    }

    private var localMistakes: [ConfigurationMistake] {
        var found = Mistakes()
        found.expect(
            Self.isPath(socket.path) && socket.path.utf8.count <= 107, "socket.path",
            "expected an absolute path of at most 107 bytes")
        found.expect((0...0o777).contains(socket.mode), "socket.mode", "expected permission bits such as \"0660\"")
        found.expect(1024...16_777_216, socket.maxMessage, "socket.max_message", "bytes")
        found.expect(1...4096, socket.maxClients, "socket.max_clients", "clients")
        found.expect(Self.isPath(outbox.path), "outbox.path", "expected an absolute path")
        found.expect(65_536...1_099_511_627_776, outbox.maxBytes, "outbox.max_bytes", "bytes")
        found.expect(60...315_360_000, outbox.maxAge, "outbox.max_age", "seconds")
        found.expect(0...1_099_511_627_776, outbox.minFree, "outbox.min_free", "bytes")
        return found.list
    }

    /// An absolute path that C takes as it is written.
    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }

    /// All topics to be subscribed: the standard ones of the platform, and those of the file.
    public var subscriptions: [Subscription] {
        let standard =
            aliyun.map { DownlinkTopics.filters(productKey: $0.productKey, deviceName: $0.deviceName) } ?? []
        return standard.map { .init(filter: $0, qos: .atLeastOnce) } + mqtt.subscribe
    }
}

/// Gathers mistakes.
private struct Mistakes {
    var list: [ConfigurationMistake] = []

    mutating func add(_ key: String, _ message: String) { list.append(ConfigurationMistake(key, message)) }

    mutating func expect(_ condition: Bool, _ key: String, _ message: String) {
        if !condition { add(key, message) }
    }

    /// `expected` is nil when nothing is wrong.
    mutating func expect(_ expected: String?, _ key: String) {
        if let expected { add(key, "expected \(expected)") }
    }

    mutating func expect(_ range: ClosedRange<Int>, _ value: Int, _ key: String, _ unit: String) {
        expect(
            range.contains(value), key,
            "\(value) is out of range: expected \(range.lowerBound) to \(range.upperBound) \(unit)")
    }

    /// Text that MQTT sends as a string (section 1.5.3).
    mutating func expectString(_ value: String, _ key: String) {
        expect(
            value.utf8.count <= MQTTTopic.greatestLength && !value.utf8.contains(0), key,
            "expected at most 65535 bytes without NUL")
    }

    /// Text that stands in an AT command.
    mutating func expectParameter(_ value: String, _ key: String) {
        let hasControl = value.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        expect(!hasControl, key, "holds a control character, which an AT command cannot carry")
    }
}
