import ArgumentParser

@main
struct Espsim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "espsim",
        abstract: "A simulated ESP8266 with AT firmware, and a small simulated Aliyun IoT Platform.",
        subcommands: [Modem.self])
}
