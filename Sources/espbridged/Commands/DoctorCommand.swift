import ArgumentParser
import BridgeCore
import BridgeRuntime

/// `espbridged doctor`: climbs the ladder against the real modem, with the daemon stopped.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine the line rung by rung against the real modem, and say what fails and what to try.",
        discussion: """
            For a stopped daemon: it takes the serial port as the daemon does, and sends nothing while another program holds \
            it. At the end the modem is in command mode. What is on the line is found by experiment: other speeds, +++, and \
            bytes that only a loop of wire returns.

            Exit status: 0 when all rungs are good, 1 when one fails, 69 when a running daemon holds the port, 78 for \
            mistakes in the configuration.
            """)

    @OptionGroup var file: ConfigurationOption

    func run() async throws {
        let configuration: Configuration
        do throws(ConfigurationFile.Rejected) {
            let loaded = try ConfigurationFile.load(file.path)
            for warning in loaded.warnings { Standard.complain("warning: \(warning)") }
            configuration = loaded.configuration
        } catch {
            throw Failure.configuration(error.lines)
        }
        let verdict = try await Doctor.examine(
            configuration, say: { for line in $0.lines { Standard.say(line) } },
            remark: { Standard.complain($0) })
        switch verdict {
        case .healthy: Standard.say("All rungs are good.")
        case .ill: throw Failure.no
        case .occupied(let daemon):
            throw Failure.unavailable(
                "\(configuration.serial.device) is held by the running daemon, \(daemon): ask it (espbridged why), or stop "
                    + "it first (systemctl stop espbridged.socket espbridged)")
        }
    }
}
