import BridgeCore
import TestSupport
import Testing

@testable import espbridged

@Suite("Configuration file")
struct ConfigurationFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let short = """
        [serial]
        device = "/dev/ttyUSB0"
        [wifi]
        ssid = "workshop"
        [broker]
        host = "192.168.1.10"
        client_id = "gateway-1"

        """

    @Test("what is not given has its default")
    func defaults() throws {
        let configuration = try #require(try folder.load(Self.short).configuration)
        var expected = Configuration()
        expected.serial.device = "/dev/ttyUSB0"
        expected.wifi.ssid = "workshop"
        expected.broker = .init()
        expected.broker?.host = "192.168.1.10"
        expected.broker?.clientID = "gateway-1"
        #expect(configuration == expected)
        #expect(configuration.serial.baud == 115_200)
        #expect(configuration.modem.linkKeepAlive == 60)
        #expect(configuration.modem.mode == .transparent)
        #expect(configuration.mqtt.port == 1883)
        #expect(configuration.mqtt.keepAlive == 100)
        #expect(configuration.mqtt.cleanSession)
        #expect(configuration.mqtt.qos == .atLeastOnce)
        #expect(configuration.socket.path == "/run/espbridged.sock")
        #expect(configuration.socket.mode == 0o660)
        #expect(configuration.socket.maxMessage == 262_144)
        #expect(configuration.socket.maxClients == 256)
        #expect(configuration.outbox.path == "/var/lib/espbridged/outbox.db")
        #expect(configuration.outbox.maxBytes == 67_108_864)
        #expect(configuration.outbox.maxAge == 604_800)
        #expect(configuration.outbox.whenFull == .refuseNew)
        #expect(configuration.log.level == .info)
    }

    @Test("every key is read")
    func everything() throws {
        let text = """
            [serial]
            device = "/dev/serial/by-id/usb-1"
            baud = 921600
            flow_control = "rts-cts"
            fast_baud = 0
            [wifi]
            ssid = "a,b"
            password = "12345678"
            bssid = "18:fe:34:a1:b2:c3"
            [modem]
            mode = "packet"
            link_keep_alive = 0
            [aliyun]
            product_key = "pk"
            device_name = "device"
            device_secret = "secret"
            region = "eu-central-1"
            endpoint = "iot-06z00abc.mqtt.iothub.aliyuncs.com"
            sign_method = "hmacsha256"
            client_id = "12345"
            [mqtt]
            port = 443
            security = "tcp"
            ca_file = ""
            keep_alive = 300
            clean_session = false
            qos = 0
            subscribe = [{ filter = "/pk/device/user/get", qos = 0 }, { filter = "b/#" }]
            [socket]
            path = "/tmp/s"
            mode = "600"
            group = "dialout"
            max_message = 2048
            max_clients = 2
            [outbox]
            path = "/tmp/o"
            max_bytes = 65536
            max_age = 60
            when_full = "drop-oldest"
            [log]
            level = "debug"
            """
        let loading = try folder.load(text)
        #expect(loading.mistakes.isEmpty && loading.warnings.isEmpty)
        let read = try #require(loading.configuration)
        #expect(read.serial.device == "/dev/serial/by-id/usb-1")
        #expect(read.serial.baud == 921_600)
        #expect(read.serial.flowControl == .rtsCts)
        #expect(read.wifi.ssid == "a,b")
        #expect(read.wifi.password.value == "12345678")
        #expect(read.wifi.bssid == "18:fe:34:a1:b2:c3")
        #expect(read.modem.linkKeepAlive == 0)
        #expect(read.modem.mode == .packet)
        let aliyun = try #require(read.aliyun)
        #expect([aliyun.productKey, aliyun.deviceName, aliyun.deviceSecret.value] == ["pk", "device", "secret"])
        #expect(aliyun.region == "eu-central-1")
        #expect(aliyun.endpoint == "iot-06z00abc.mqtt.iothub.aliyuncs.com")
        #expect(aliyun.signMethod == .hmacsha256)
        #expect(aliyun.clientID == "12345")
        #expect(read.mqtt.port == 443)
        #expect(read.mqtt.keepAlive == 300)
        #expect(!read.mqtt.cleanSession)
        #expect(read.mqtt.qos == .atMostOnce)
        #expect(
            read.mqtt.subscribe == [
                .init(filter: "/pk/device/user/get", qos: .atMostOnce), .init(filter: "b/#", qos: .atLeastOnce),
            ])
        #expect([read.socket.path, read.socket.group, read.outbox.path] == ["/tmp/s", "dialout", "/tmp/o"])
        #expect([read.socket.mode, read.socket.maxMessage, read.socket.maxClients] == [0o600, 2048, 2])
        #expect([read.outbox.maxBytes, read.outbox.maxAge] == [65_536, 60])
        #expect(read.outbox.whenFull == .dropOldest)
        #expect(read.log.level == .debug)
    }

    @Test("all mistakes of a file are listed with their lines, in the order of the file")
    func several() throws {
        let text = """
            # A comment
            [serial]
            devise = "/dev/ttyUSB0"
            baud = "115200"
            fast_baud = 921600

            [wifi]
            ssid = "workshop"
            password = "short"

            [modem]
            mode = "bridge"
            link_keep_alive = 7201

            [broker]
            host = "192.168.1.10"
            client_id = 7

            [mqtt]
            port = 1883.5
            security = "ssl"
            ca_file = "/etc/ssl/ca.pem"
            keep_alive = 1
            clean_session = "yes"
            qos = 2

            [socket]
            mode = "0888"

            [outbox]
            when_full = "explode"

            [log]
            level = "loud"

            [extra]
            """
        #expect(
            try folder.load(text).mistakes == [
                "espbridged.conf:2: serial.device: missing: the path of the serial port is needed",
                "espbridged.conf:3: serial.devise: unknown key; did you mean device?",
                "espbridged.conf:4: serial.baud: is a string, expected an integer",
                "espbridged.conf:5: serial.fast_baud: a second speed is not in this version: expected 0",
                "espbridged.conf:9: wifi.password: expected 8 to 64 bytes, or none for an open network",
                "espbridged.conf:12: modem.mode: \"bridge\" is not permitted: expected one of \"transparent\", \"packet\"",
                "espbridged.conf:13: modem.link_keep_alive: 7201 is out of range: expected 0 to 7200 seconds (0 is off)",
                "espbridged.conf:17: broker.client_id: is an integer, expected a string in quotes",
                "espbridged.conf:20: mqtt.port: is a number with a fraction, expected an integer",
                "espbridged.conf:21: mqtt.security: \"ssl\" is not permitted: expected one of \"tcp\", \"tls\"",
                "espbridged.conf:22: mqtt.ca_file: is for TLS: expected security = \"tls\" beside it",
                "espbridged.conf:23: mqtt.keep_alive: 1 is out of range: expected 5 to 65535 seconds",
                "espbridged.conf:24: mqtt.clean_session: is a string, expected true or false",
                "espbridged.conf:25: mqtt.qos: 2 is out of range: expected 0 or 1",
                "espbridged.conf:28: socket.mode: \"0888\" is not permitted: expected octal permission bits such as \"0660\"",
                "espbridged.conf:31: outbox.when_full: \"explode\" is not permitted: expected one of \"refuse-new\", \"drop-oldest\"",
                "espbridged.conf:34: log.level: \"loud\" is not permitted: expected one of \"trace\", \"debug\", "
                    + "\"info\", \"notice\", \"warning\", \"error\", \"critical\"",
                "espbridged.conf:36: extra: unknown key: expected one of aliyun, broker, log, modem, mqtt, outbox, "
                    + "serial, socket, wifi",
            ])
    }

    @Test("a file of certificate authorities is read at once, beside the configuration")
    func authorities() throws {
        func load(_ lines: String) throws -> Loading { try folder.load(Self.short + "[mqtt]\n" + lines) }
        let wanted = "security = \"tls\"\nca_file = \"ca.pem\""
        let place = "espbridged.conf:10: mqtt.ca_file: ca.pem"
        #expect(try load(wanted).mistakes == ["\(place) cannot be opened: No such file or directory"])
        try folder.write("ca.pem", "not one", mode: 0o644)
        #expect(try load(wanted).mistakes == ["\(place) holds no certificate (-----BEGIN CERTIFICATE-----)"])
        try folder.write("ca.pem", try TestAuthority().root.pem().certificate, mode: 0o644)
        let configuration = try #require(try load(wanted).configuration)
        #expect(configuration.mqtt.security == .tls)
        #expect(configuration.mqtt.caFile == folder.path + "/ca.pem")
        #expect(
            try load("ca_file = \"ca.pem\"").mistakes == [
                "espbridged.conf:9: mqtt.ca_file: is for TLS: expected security = \"tls\" beside it"
            ])
    }

    @Test("a NUL, which would end a value without a word, is a mistake", arguments: ["\\u0000", "\\U00000000"])
    func writtenNUL(written: String) throws {
        let text = Self.short.replacingOccurrences(of: "ssid = \"", with: "ssid = \"ab\(written)")
        try #require(text != Self.short)
        let mistakes = try folder.load(text).mistakes
        #expect(mistakes.count == 1)
        #expect(
            mistakes.first?.hasSuffix(": wifi.ssid: has a NUL character (\\u0000), which has no place in a value")
                == true)
        #expect(try folder.load(Self.short + "\n# \\u0000 in a remark\n").mistakes.isEmpty)
    }

    @Test("a NUL in the file, which would end the file without a word, is a mistake")
    func rawNUL() throws {
        #expect(
            try folder.load(Self.short + "\n\0[log]\n").mistakes.first?.hasSuffix(
                ": a NUL character has no place in a text file") == true)
    }

    @Test("a subscription's mistakes are found at its own line, whatever stands before it")
    func subscriptions() throws {
        let text =
            Self.short + """
                [mqtt]
                subscribe = [
                    { filter = "good/#" },
                    "bad",
                    { filter = 3 },
                    { qos = 1 },
                    { filter = "a/#/b", qos = 5 }, # both wrong
                    { filter = "c", colour = 1 },
                ]
                """
        #expect(
            try folder.load(text).mistakes.map { String($0.prefix { $0 != " " }) + " " + $0.key } == [
                "espbridged.conf:11: mqtt.subscribe[1]", "espbridged.conf:12: mqtt.subscribe[2].filter",
                "espbridged.conf:13: mqtt.subscribe[3].filter", "espbridged.conf:14: mqtt.subscribe[4].qos",
                "espbridged.conf:14: mqtt.subscribe[4].filter", "espbridged.conf:15: mqtt.subscribe[5].colour",
            ])
    }

    @Test("a table that is none makes one mistake, not one for each key")
    func tableOfAnotherType() throws {
        #expect(
            try folder.load("serial = 3\nbroker = []\n[wifi]\nssid = \"a\"\n").mistakes == [
                "espbridged.conf:1: serial: is an integer, expected a table",
                "espbridged.conf:2: broker: is an array, expected a table",
            ])
    }

    @Test("an empty file lacks what is needed")
    func empty() throws {
        #expect(
            try folder.load("").mistakes == [
                "espbridged.conf: serial.device: missing: the path of the serial port is needed",
                "espbridged.conf: wifi.ssid: expected 1 to 32 bytes",
                "espbridged.conf: expected one of the tables [aliyun] and [broker]; both are missing",
            ])
    }

    @Test("a file that is not there, not text, or a folder")
    func unreadable() throws {
        #expect(throws: ConfigurationFile.Rejected.self) { try ConfigurationFile.load(folder.path + "/none") }
        #expect(throws: ConfigurationFile.Rejected.self) { try ConfigurationFile.load(folder.path) }
        let file = try folder.write("latin1", [UInt8(ascii: "#"), 0xE9, 0x0A])
        #expect(throws: ConfigurationFile.Rejected.self) { try ConfigurationFile.load(file) }
        do {
            _ = try ConfigurationFile.load(folder.path + "/none")
        } catch {
            #expect(error.lines == ["\(folder.path)/none: No such file or directory"])
        }
    }

    @Test("a mistake in TOML itself has line and column")
    func syntax() throws {
        let mistakes = try folder.load("[serial]\ndevice = \"/dev/ttyUSB0\"\nbaud = = 3\n").mistakes
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.hasPrefix("espbridged.conf:3: column ") == true)
    }

    @Test("reading twice gives the same: the loader keeps nothing")
    func twice() throws {
        #expect(try folder.load(Self.short).configuration == folder.load(Self.short).configuration)
        #expect(try folder.load("x = 1").mistakes == folder.load("x = 1").mistakes)
    }
}

extension String {
    /// The second of the parts between `": "`.
    fileprivate var key: String {
        let parts = split(separator: ": ")
        return parts.count > 1 ? String(parts[1]) : ""
    }
}
