import ArgumentParser
import BridgeCore

/// The daemon and its companion commands.
@main
struct Espbridged: AsyncParsableCommand {
    static let version = Version.current

    static let configuration = CommandConfiguration(
        commandName: "espbridged",
        abstract: "A dependable line to the Aliyun IoT Platform through an ESP8266 on a serial port.",
        version: version,
        subcommands: [
            RunCommand.self, CheckCommand.self, StatusCommand.self, WhyCommand.self, DoctorCommand.self,
            CaptureCommand.self, PublishCommand.self, WatchCommand.self, QueueCommand.self, SignCommand.self,
            PacketCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
