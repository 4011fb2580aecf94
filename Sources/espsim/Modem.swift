import ArgumentParser
import Glibc
import ModemSimulator

struct Modem: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A simulated ESP8266 on a pseudo-terminal that opens real TCP connections.",
        discussion: """
            Speaks as Espressif's NonOS AT firmware 1.7.5 does. Prints one line with the terminal's path when it is \
            ready, and runs until SIGINT or SIGTERM.

            Names are known only by --map; others are answered DNS Fail. Numeric addresses of 127.0.0.0/8 are dialled, \
            other numeric addresses never answer. UDP, SSL and the TCP server are not simulated.

            Lines for the --control socket, each answered with "ok" or "error ...":

            \(ModemOrder.help)
            """)

    @Option(help: "A symbolic link that leads to the terminal; removed at the end.")
    var link: String?

    @Option(help: "Bits a second of the line, in both directions; 0 passes bytes as fast as they come.")
    var baud = 115_200

    @Option(help: "An access point in reach; may be given several times. Default: workshop.")
    var ssid: [String] = []

    @Option(help: "The password of the access point of the same place; empty for an open one. Default: 12345678.")
    var password: [String] = []

    @Flag(help: "The module knows the first access point and joins it by itself after each boot.")
    var remember = false

    @Option(
        help: ArgumentHelp(
            "A name, and where it really leads; may be given several times.", valueName: "name[:port]=127.0.0.1[:port]")
    )
    var map: [String] = []

    @Flag(help: "Joining, booting and the like take 10 to 50 ms each instead of seconds.")
    var fast = false

    @Option(help: "Seed of every random choice.")
    var seed: UInt64 = 1

    @Option(help: "A Unix socket that takes orders, one a line.")
    var control: String?

    @Flag(help: "Print the dialogue on standard error, passwords masked.")
    var trace = false

    @Option(help: "Append the dialogue to a file.")
    var traceFile: String?

    func run() throws {
        var options = ModemHost.Options()
        options.configuration = try world()
        options.baud = baud == 0 ? nil : baud
        options.link = link
        options.controlPath = control
        options.trace = try sink()
        options.announce = { [link] path in announce(path, link) }
        let stop = StopSignals()
        let host = try ModemHost(options)
        announce(host.path, link)
        stop.onStop { host.perform(.stop) }
        host.wait()
    }

    private func world() throws -> ModemConfiguration {
        var world = ModemConfiguration()
        guard baud == 0 || (110...4_608_000).contains(baud) else {
            throw ValidationError("--baud takes 110 to 4608000, or 0")
        }
        let names = ssid.isEmpty ? ["workshop"] : ssid
        guard password.count <= names.count else { throw ValidationError("more --password than --ssid") }
        world.accessPoints = names.enumerated().map { index, name in
            AccessPoint(ssid: name, password: index < password.count ? password[index] : "12345678")
        }
        world.hosts = try map.map {
            guard let mapping = HostMapping(text: $0) else { throw ValidationError("--map \($0): not name=address") }
            return mapping
        }
        world.timing = fast ? .fast : .realistic
        world.seed = seed
        if remember, let first = world.accessPoints.first {
            world.flash.wifiMode = 1
            world.flash.credentials = Credentials(ssid: first.ssid, password: first.password)
        }
        return world
    }

    private func sink() throws -> (@Sendable (String) -> Void)? {
        var descriptors: [Int32] = trace ? [STDERR_FILENO] : []
        if let traceFile {
            let file = open(traceFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw SimulatorError.system("open \(traceFile)", errno) }
            descriptors.append(file)
        }
        guard !descriptors.isEmpty else { return nil }
        return { [descriptors] line in
            let bytes = Array((line + "\n").utf8)
            for descriptor in descriptors { _ = write(descriptor, bytes, bytes.count) }
        }
    }
}

private func announce(_ path: String, _ link: String?) {
    printNow("espsim: modem on \(path)" + (link.map { " (link \($0))" } ?? ""))
}

/// Prints a line that a waiting program sees at once, even through a pipe.
func printNow(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}
