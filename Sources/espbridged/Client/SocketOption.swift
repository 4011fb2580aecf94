import ArgumentParser

/// `--socket S`, shared by the companion commands.
struct SocketOption: ParsableArguments {
    @Option(name: .customLong("socket"), help: "The daemon's socket.")
    var path = "/run/espbridged.sock"
}
