import BridgeCore
import Testing

/// Configurations in order, for one change each.
private enum Good {
    static let aliyun: Configuration = {
        var configuration = Configuration()
        configuration.serial.device = "/dev/ttyUSB0"
        configuration.wifi.ssid = "workshop"
        configuration.wifi.password = Secret("password")
        configuration.aliyun = Configuration.Aliyun()
        configuration.aliyun?.productKey = "a1B2c3D4e5F"
        configuration.aliyun?.deviceName = "gateway-1"
        configuration.aliyun?.deviceSecret = Secret("secret")
        return configuration
    }()

    static let broker: Configuration = {
        var configuration = aliyun
        configuration.aliyun = nil
        configuration.broker = Configuration.Broker()
        configuration.broker?.host = "192.168.1.10"
        configuration.broker?.clientID = "gateway-1"
        return configuration
    }()
}

/// A change to a good configuration, and the key that it makes a mistake of; nil when it is permitted.
private struct Change: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var key: String?
    var apply: @Sendable (inout Configuration) -> Void

    init(_ what: String, _ key: String? = nil, apply: @escaping @Sendable (inout Configuration) -> Void) {
        testDescription = what
        self.key = key
        self.apply = apply
    }

    func expect(on base: Configuration) {
        var configuration = base
        apply(&configuration)
        #expect(configuration.mistakes.map(\.key) == (key.map { [$0] } ?? []))
    }
}

@Suite("Rules of the configuration")
struct ConfigurationRulesTests {
    @Test("good ones have no mistakes")
    func good() {
        #expect(Good.aliyun.mistakes.isEmpty)
        #expect(Good.broker.mistakes.isEmpty)
    }

    @Test(
        "serial port and modem",
        arguments: [
            Change("no device", "serial.device") { $0.serial.device = "" },
            Change("relative device", "serial.device") { $0.serial.device = "ttyUSB0" },
            Change("NUL in the device", "serial.device") { $0.serial.device = "/dev/tty\0USB0" },
            Change("baud 109", "serial.baud") { $0.serial.baud = 109 },
            Change("baud 110") { $0.serial.baud = 110 },
            Change("baud 4608000") { $0.serial.baud = 4_608_000 },
            Change("baud 4608001", "serial.baud") { $0.serial.baud = 4_608_001 },
            Change("RTS/CTS") { $0.serial.flowControl = .rtsCts },
            Change("probe off") { $0.modem.linkKeepAlive = 0 },
            Change("probe 7200") { $0.modem.linkKeepAlive = 7200 },
            Change("probe 7201", "modem.link_keep_alive") { $0.modem.linkKeepAlive = 7201 },
            Change("probe -1", "modem.link_keep_alive") { $0.modem.linkKeepAlive = -1 },
            Change("heartbeat 5") { $0.modem.heartbeat = 5 },
            Change("heartbeat 4", "modem.heartbeat") { $0.modem.heartbeat = 4 },
            Change("heartbeat -1", "modem.heartbeat") { $0.modem.heartbeat = -1 },
            Change("heartbeat as long as keep-alive", "modem.heartbeat") { $0.modem.heartbeat = $0.mqtt.keepAlive },
            Change("reset by DTR") { $0.serial.reset = .dtr },
            Change("reset by RTS") { $0.serial.reset = .rts },
            Change("RTS for two things", "serial.reset") {
                $0.serial.reset = .rts
                $0.serial.flowControl = .rtsCts
            },
        ])
    fileprivate func modem(change: Change) { change.expect(on: Good.aliyun) }

    @Test(
        "Wi-Fi",
        arguments: [
            Change("no name", "wifi.ssid") { $0.wifi.ssid = "" },
            Change("32 bytes") { $0.wifi.ssid = String(repeating: "é", count: 16) },
            Change("34 bytes in 17 letters", "wifi.ssid") { $0.wifi.ssid = String(repeating: "é", count: 17) },
            Change("line end in the name", "wifi.ssid") { $0.wifi.ssid = "a\r\nAT+RST" },
            Change("separators in the name") { $0.wifi.ssid = "a,\"b\\c" },
            Change("open") { $0.wifi.password = Secret("") },
            Change("7 bytes", "wifi.password") { $0.wifi.password = Secret("1234567") },
            Change("8 bytes") { $0.wifi.password = Secret("12345678") },
            Change("64 bytes") { $0.wifi.password = Secret(String(repeating: "1", count: 64)) },
            Change("65 bytes", "wifi.password") { $0.wifi.password = Secret(String(repeating: "1", count: 65)) },
            Change("line end in the password", "wifi.password") { $0.wifi.password = Secret("12345678\n") },
            Change("address of an access point") { $0.wifi.bssid = "18:fe:34:A1:b2:c3" },
            Change("address without colons", "wifi.bssid") { $0.wifi.bssid = "18fe34a1b2c3" },
            Change("five pairs", "wifi.bssid") { $0.wifi.bssid = "18:fe:34:a1:b2" },
            Change("wide digits", "wifi.bssid") { $0.wifi.bssid = "１8:fe:34:a1:b2:c3" },
        ])
    fileprivate func wifi(change: Change) { change.expect(on: Good.aliyun) }

    @Test("the longest name and password, all escaped, still make a line that the firmware takes")
    func longestLine() {
        var configuration = Good.aliyun
        configuration.wifi.ssid = String(repeating: ",", count: 32)
        configuration.wifi.password = Secret(String(repeating: "\"", count: 64))
        configuration.wifi.bssid = "18:fe:34:a1:b2:c3"
        #expect(configuration.mistakes.isEmpty)
    }

    @Test(
        "the platform",
        arguments: [
            Change("no product key", "aliyun.product_key") { $0.aliyun?.productKey = "" },
            Change("short name", "aliyun.device_name") { $0.aliyun?.deviceName = "abc" },
            Change("no secret", "aliyun.device_secret") { $0.aliyun?.deviceSecret = Secret("") },
            Change("blank in the secret", "aliyun.device_secret") { $0.aliyun?.deviceSecret = Secret("a b") },
            Change("region", "aliyun.region") { $0.aliyun?.region = "Shanghai" },
            Change("endpoint before region") {
                $0.aliyun?.region = ""
                $0.aliyun?.endpoint = "iot-06z00abc.mqtt.iothub.aliyuncs.com"
            },
            Change("endpoint with port", "aliyun.endpoint") { $0.aliyun?.endpoint = "host:1883" },
            Change("client id with |", "aliyun.client_id") { $0.aliyun?.clientID = "a|b" },
            Change("client id of 65", "aliyun.client_id") { $0.aliyun?.clientID = String(repeating: "a", count: 65) },
            Change("keep-alive 29", "mqtt.keep_alive") { $0.mqtt.keepAlive = 29 },
            Change("keep-alive 30") { $0.mqtt.keepAlive = 30 },
            Change("keep-alive 1200") { $0.mqtt.keepAlive = 1200 },
            Change("keep-alive 1201", "mqtt.keep_alive") { $0.mqtt.keepAlive = 1201 },
            Change("keep-alive off", "mqtt.keep_alive") { $0.mqtt.keepAlive = 0 },
            Change("long filter", "mqtt.subscribe[0].filter") {
                $0.mqtt.subscribe = [.init(filter: String(repeating: "a", count: 129), qos: .atLeastOnce)]
            },
            Change("too many filters", "mqtt.subscribe") {
                $0.mqtt.subscribe = (0..<90).map { .init(filter: "/user/\($0)", qos: .atMostOnce) }
            },
        ])
    fileprivate func platform(change: Change) { change.expect(on: Good.aliyun) }

    @Test(
        "a broker",
        arguments: [
            Change("no host", "broker.host") { $0.broker?.host = "" },
            Change("URL", "broker.host") { $0.broker?.host = "mqtt://broker" },
            Change("no client id", "broker.client_id") { $0.broker?.clientID = "" },
            Change("wildcard", "broker.client_id") { $0.broker?.clientID = "a+" },
            Change("wildcard", "broker.client_id") { $0.broker?.clientID = "a#" },
            Change("NUL", "broker.client_id") { $0.broker?.clientID = "a\0" },
            Change("user without password") { $0.broker?.username = "u" },
            Change("password without user", "broker.username") { $0.broker?.password = Secret("p") },
            Change("NUL in the user", "broker.username") { $0.broker?.username = "u\0" },
            Change("long password", "broker.password") {
                $0.broker?.username = "u"
                $0.broker?.password = Secret(String(repeating: "p", count: 65_536))
            },
            Change("keep-alive 4", "mqtt.keep_alive") { $0.mqtt.keepAlive = 4 },
            Change("keep-alive 5") { $0.mqtt.keepAlive = 5 },
            Change("keep-alive 65535") { $0.mqtt.keepAlive = 65_535 },
            Change("keep-alive 65536", "mqtt.keep_alive") { $0.mqtt.keepAlive = 65_536 },
            Change("long filter") {
                $0.mqtt.subscribe = [.init(filter: String(repeating: "a", count: 129), qos: .atLeastOnce)]
            },
        ])
    fileprivate func broker(change: Change) { change.expect(on: Good.broker) }

    @Test(
        "MQTT, socket and outbox",
        arguments: [
            Change("port 0", "mqtt.port") { $0.mqtt.port = 0 },
            Change("port 65536", "mqtt.port") { $0.mqtt.port = 65_536 },
            Change("filter a/#/b", "mqtt.subscribe[1].filter") {
                $0.mqtt.subscribe = [.init(filter: "a/#", qos: .atMostOnce), .init(filter: "a/#/b", qos: .atMostOnce)]
            },
            Change("filter a+", "mqtt.subscribe[0].filter") {
                $0.mqtt.subscribe = [.init(filter: "a+", qos: .atMostOnce)]
            },
            Change("relative socket", "socket.path") { $0.socket.path = "espbridged.sock" },
            Change("socket of 107 bytes") { $0.socket.path = "/" + String(repeating: "s", count: 106) },
            Change("socket of 108 bytes", "socket.path") { $0.socket.path = "/" + String(repeating: "s", count: 107) },
            Change("mode 01777", "socket.mode") { $0.socket.mode = 0o1777 },
            Change("message 1023", "socket.max_message") { $0.socket.maxMessage = 1023 },
            Change("message 1024") { $0.socket.maxMessage = 1024 },
            Change("clients 0", "socket.max_clients") { $0.socket.maxClients = 0 },
            Change("clients 4097", "socket.max_clients") { $0.socket.maxClients = 4097 },
            Change("relative outbox", "outbox.path") { $0.outbox.path = "outbox.db" },
            Change("small outbox", "outbox.max_bytes") { $0.outbox.maxBytes = 65_535 },
            Change("age 59", "outbox.max_age") { $0.outbox.maxAge = 59 },
        ])
    fileprivate func rest(change: Change) { change.expect(on: Good.aliyun) }

    @Test("exactly one of the two peers")
    func peers() {
        var both = Good.aliyun
        both.broker = Good.broker.broker
        #expect(both.mistakes.map(\.key) == ["broker"])
        var none = Good.aliyun
        none.aliyun = nil
        #expect(none.mistakes.map(\.key) == [""])
    }

    @Test("all mistakes are listed, those of both peers too")
    func all() {
        var configuration = Good.aliyun
        configuration.serial.baud = 1
        configuration.wifi.ssid = ""
        configuration.aliyun?.productKey = "-"
        configuration.broker = Configuration.Broker()
        configuration.mqtt.port = 0
        configuration.outbox.maxAge = 0
        #expect(
            configuration.mistakes.map(\.key) == [
                "serial.baud", "wifi.ssid", "broker", "aliyun.product_key", "broker.host", "broker.client_id",
                "mqtt.port", "outbox.max_age",
            ])
    }

    @Test("a number out of range is shown with the range and the unit")
    func words() {
        var configuration = Good.aliyun
        configuration.mqtt.keepAlive = 15
        #expect(
            configuration.mistakes.map(\.message)
                == ["15 is out of range: expected 30 to 1200 seconds, as the platform takes them"])
    }

    @Test("no mistake shows a secret")
    func secrets() {
        for canary in ["canary", "canary canary\n" + String(repeating: "c", count: 70_000)] {
            var configuration = Configuration()
            configuration.wifi.password = Secret(canary)
            configuration.aliyun = .init()
            configuration.aliyun?.deviceSecret = Secret(canary)
            configuration.broker = .init()
            configuration.broker?.password = Secret(canary)
            let mistakes = configuration.mistakes
            #expect(mistakes.contains { $0.key == "wifi.password" })
            #expect(!mistakes.contains { "\($0)".contains("canary") })
        }
    }
}
