import ArgumentParser
import BridgeCore
import BridgeRuntime

/// `espbridged run`: the daemon.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the daemon (the default).",
        discussion: "SIGHUP reads the configuration again; SIGTERM ends the session in order.")

    @OptionGroup var file: ConfigurationOption

    func run() async throws {
        let loaded: ConfigurationFile.Loaded
        do throws(ConfigurationFile.Rejected) {
            loaded = try ConfigurationFile.load(file.path)
        } catch {
            throw Failure.configuration(error.lines)
        }
        let path = file.path
        let daemon = Daemon(
            configuration: loaded.configuration, warnings: loaded.warnings, version: Espbridged.version,
            reload: {
                do throws(ConfigurationFile.Rejected) {
                    return .success(try ConfigurationFile.load(path).configuration)
                } catch {
                    return .failure(.init(text: error.lines.joined(separator: "; ")))
                }
            })
        do {
            try await daemon.runUntilStopped()
        } catch is OutboxError {
            // The daemon has said why, in the journal or on standard error.
            throw Failure.silentIO
        } catch {
            throw Failure.silentUnavailable
        }
    }
}
