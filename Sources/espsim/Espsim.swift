import ArgumentParser
import BridgeCore

@main
struct Espsim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "espsim",
        abstract: "A simulated ESP8266 with AT firmware, and a small simulated Aliyun IoT Platform.",
        version: Version.current,
        subcommands: [Modem.self, Cloud.self, Play.self, Faults.self])
}
