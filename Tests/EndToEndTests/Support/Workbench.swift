import Foundation

/// A folder, a simulated modem and the daemon on it, for one end-to-end test; all of it goes at the end.
final class Workbench {
    static let productKey = "a1B2c3D4e5F"
    static let deviceName = "gateway-1"
    static let secret = "canary-device-secret-0123456789"
    static let wifiPassword = #"canary, "wifi\key"#
    static let cloudHost = "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com"

    /// Where the daemon sends its messages.
    enum Peer {
        /// `espsim cloud`, which judges the sign-in.
        case cloud
        /// A broker on this port of the loopback interface.
        case broker(port: Int, user: String = "", password: String = "")
    }

    let folder: String
    private(set) var modem: ChildProgram
    private(set) var daemon: ChildProgram?
    private(set) var cloud: ChildProgram?
    private let peer: Peer
    private var others: [ChildProgram] = []
    private var configuration: String

    /// Starts the simulated modem, and the cloud when it is the peer.
    ///
    /// - Parameters:
    ///   - baud: the simulated line's speed; 0 does not pace it.
    ///   - more: lines for the configuration, with their table headers.
    ///   - firmware: of the simulated modem.
    ///   - tls: the cloud speaks TLS with this, and the daemon trusts its authority.
    ///   - unlimited: the cloud takes any number of messages a second, and the daemon sends as many.
    init(
        _ peer: Peer = .cloud, baud: Int = 115_200, firmware: String = "nonos-1.7", unlimited: Bool = false,
        tls: TLSServer? = nil, more: String = ""
    ) throws {
        folder = NSTemporaryDirectory() + "espbridged-test-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.peer = peer
        try tls?.write(to: folder)
        var maps: [String] = []
        let identity: String
        switch peer {
        case .cloud:
            try Self.secret.write(toFile: folder + "/device-secret", atomically: false, encoding: .utf8)
            let cloud = try ChildProgram(
                Programs.espsim,
                [
                    "cloud", "--listen", "127.0.0.1:0", "--product-key", Self.productKey,
                    "--device-name", Self.deviceName, "--secret-file", folder + "/device-secret",
                    "--control", folder + "/cloud.control",
                ] + (unlimited ? ["--unlimited"] : []) + (tls == nil ? [] : TLSServer.options(folder)), name: "cloud")
            let line = try cloud.waitForLine("127.0.0.1:")
            guard let port = line.firstMatch(of: /127\.0\.0\.1:(\d+)/)?.1 else {
                throw ChildProgram.Silence(description: "the cloud names no port: \(line)")
            }
            self.cloud = cloud
            maps = ["\(Self.cloudHost)=127.0.0.1:\(port)"]
            identity = """
                [aliyun]
                product_key = "\(Self.productKey)"
                device_name = "\(Self.deviceName)"
                device_secret_file = "\(folder)/device-secret"
                max_rate = \(unlimited ? 0 : 10)
                """
        case .broker(let port, let user, let password):
            maps = ["broker.test=127.0.0.1:\(port)"]
            identity = """
                [broker]
                host = "broker.test"
                client_id = "\(Self.deviceName)"
                username = "\(user)"
                password = "\(password)"
                """
        }
        let link = folder + "/tty"
        let control = folder + "/modem.control"
        modem = try ChildProgram(
            Programs.espsim,
            [
                "modem", "--fast", "--baud", "\(baud)", "--firmware", firmware, "--link", link, "--control", control,
                "--ssid", "workshop", "--password", Self.wifiPassword,
            ] + maps.flatMap { ["--map", $0] }, name: "modem")
        try modem.waitForLine("modem on /dev/")
        configuration = """
            [serial]
            device = "\(link)"

            [wifi]
            ssid = "workshop"
            password = '\(Self.wifiPassword)'

            \(identity)

            [socket]
            path = "\(folder)/espbridged.sock"

            [outbox]
            path = "\(folder)/outbox.db"

            \(tls == nil ? more : TLSServer.configured(more))
            """
        if !more.contains("[log]") { configuration += "\n[log]\nlevel = \"info\"\n" }
        try write(configuration)
    }

    deinit {
        for other in others { other.end() }
        daemon?.end()
        modem.end()
        cloud?.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Another program of the test; it is ended with the rest.
    func keep(_ program: ChildProgram) { others.append(program) }

    var configurationPath: String { folder + "/espbridged.conf" }
    var socketPath: String { folder + "/espbridged.sock" }

    /// Replaces text of the configuration file; the daemon does not know yet.
    func edit(_ old: String, _ new: String) throws {
        configuration = configuration.replacingOccurrences(of: old, with: new)
        try write(configuration)
    }

    private func write(_ text: String) throws {
        try text.write(toFile: configurationPath, atomically: true, encoding: .utf8)
        chmod(configurationPath, 0o600)
    }

    /// Starts the daemon; its socket answers afterwards.
    @discardableResult
    func start(environment: [String: String] = [:]) throws -> ChildProgram {
        let daemon = try ChildProgram(
            Programs.espbridged, ["run", "--config", configurationPath], environment: environment)
        self.daemon = daemon
        try daemon.waitForLine("ready")
        return daemon
    }

    /// Starts the daemon and waits until it is online.
    @discardableResult
    func startOnline(seconds: Double = 40) throws -> ChildProgram {
        let daemon = try start()
        try daemon.waitForLine(": online", seconds: seconds)
        return daemon
    }

    /// Kills the daemon with SIGKILL.
    func killDaemon() throws {
        daemon?.signal(SIGKILL)
        _ = try daemon?.waitForExit()
        daemon = nil
    }

    func connect() throws -> SocketClient { try SocketClient(socketPath) }

    /// What `status` says.
    func status() throws -> [String: Any] { try connect().ask(#"{"bridge":"status"}"#) }

    /// A number of `status`, as `outbox.waiting`.
    func number(_ path: String) throws -> Int {
        var value: Any? = try status()
        for name in path.split(separator: ".") { value = (value as? [String: Any])?[String(name)] }
        return (value as? NSNumber)?.intValue ?? -1
    }

    /// Has the simulated modem do something (`drop`, `network down`, `hangup` …).
    func disturb(_ command: String) throws { try order(command, of: "modem") }

    /// Has the simulated cloud do something (`publish1 TOPIC PAYLOAD`, `kick` …).
    func orderCloud(_ command: String) throws { try order(command, of: "cloud") }

    private func order(_ command: String, of simulator: String) throws {
        let control = try SocketClient(folder + "/\(simulator).control")
        try control.send(command + "\n")
        let answer = try control.line()
        guard answer == "ok" else { throw SocketClient.Broken(description: "espsim: \(answer ?? "no answer")") }
    }

    /// Waits until a condition holds, with a limit.
    func until(_ what: String, seconds: Double = 60, _ condition: () throws -> Bool) throws {
        let limit = Date(timeIntervalSinceNow: seconds)
        while try !condition() {
            guard Date() < limit else {
                let said = daemon?.output.suffix(20).joined(separator: "\n    ") ?? "-"
                throw ChildProgram.Silence(
                    description: "waited \(seconds) s in vain until \(what); the daemon said:\n    \(said)")
            }
            poll(nil, 0, 50)
        }
    }
}
