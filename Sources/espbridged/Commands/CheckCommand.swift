import ArgumentParser

/// `espbridged check`: validates the configuration.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration; print every mistake with file, line, key and what was expected.",
        discussion: "Exit status: 0 when it is valid, 78 when it is not.")

    @OptionGroup var file: ConfigurationOption

    func run() throws {
        do throws(ConfigurationFile.Rejected) {
            let loaded = try ConfigurationFile.load(file.path)
            for warning in loaded.warnings { Standard.complain("warning: \(warning)") }
            Standard.say("\(file.path) is valid")
        } catch {
            throw Failure.configuration(error.lines)
        }
    }
}
