import ArgumentParser

/// `--config FILE`.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .customLong("config"), help: "The configuration file.")
    var path = "/etc/espbridged.conf"
}
