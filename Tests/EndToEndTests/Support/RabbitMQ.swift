import Foundation

/// A RabbitMQ node with its MQTT plugin, for one test: its own name, ports, cookie, folders and port mapper.
///
/// It shares nothing with a node that the machine may run already, and leaves nothing behind.
final class RabbitMQ {
    /// The start script of Debian's package. The one in `/usr/sbin` always becomes the user rabbitmq, with his folders.
    static let script = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    static var isInstalled: Bool {
        FileManager.default.isExecutableFile(atPath: script) && Programs.find("epmd") != nil
    }

    let port: Int
    let account: Broker.Account
    private let folder: String
    private let portMapper: ChildProgram
    private let node: ChildProgram

    init(account: Broker.Account) throws {
        self.account = account
        folder = NSTemporaryDirectory() + "espbridged-rabbit-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        port = Programs.freePort()
        let (amqpPort, distributionPort, mapperPort) = (Programs.freePort(), Programs.freePort(), Programs.freePort())
        try Self.settings(mqtt: port, amqp: amqpPort, account: account)
            .write(toFile: folder + "/rabbitmq.conf", atomically: true, encoding: .utf8)
        try "[rabbitmq_mqtt].\n".write(toFile: folder + "/enabled_plugins", atomically: true, encoding: .utf8)
        guard let epmd = Programs.find("epmd") else { throw Broker.Missing(name: "epmd") }
        // Started here and not by the node, which would leave it running: it can be ended by its process id.
        let mapper = ["ERL_EPMD_PORT": "\(mapperPort)", "ERL_EPMD_ADDRESS": "127.0.0.1"]
        portMapper = try ChildProgram(epmd, ["-d"], environment: mapper)
        try portMapper.waitForLine("epmd running")
        node = try ChildProgram(
            Self.script, [], name: "rabbitmq",
            environment: mapper.merging([
                "HOME": folder,
                "RABBITMQ_NODENAME": "espbridged-\(UUID().uuidString.prefix(8))@localhost",
                "RABBITMQ_CONF_ENV_FILE": "/dev/null",
                "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
                "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
                "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/enabled_plugins",
                "RABBITMQ_FEATURE_FLAGS_FILE": folder + "/feature_flags",
                "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
                "RABBITMQ_LOG_BASE": folder + "/log",
                "RABBITMQ_PID_FILE": folder + "/pid",
                "RABBITMQ_NODE_PORT": "\(amqpPort)",
                "RABBITMQ_DIST_PORT": "\(distributionPort)",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                    "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
                // The script becomes the Erlang machine instead of waiting for it: one process id for both.
                "RUNNING_UNDER_SYSTEMD": "true",
            ]) { $1 })
        do {
            try node.waitForLine("Server startup complete", seconds: 120)
        } catch {
            end()
            throw error
        }
    }

    deinit { end() }

    private func end() {
        node.end(seconds: 30)
        portMapper.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What the node wrote to its log.
    var log: [String] { node.output }

    private static func settings(mqtt: Int, amqp: Int, account: Broker.Account) -> String {
        """
        listeners.tcp.1 = 127.0.0.1:\(amqp)
        mqtt.listeners.tcp.1 = 127.0.0.1:\(mqtt)
        mqtt.allow_anonymous = false
        default_user = \(account.user)
        default_pass = \(account.password)
        loopback_users = none
        log.console = true
        log.console.level = info
        log.file = false

        """
    }
}
