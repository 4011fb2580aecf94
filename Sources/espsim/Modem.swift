import ArgumentParser
import Glibc
import ModemSimulator

struct Modem: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A simulated ESP8266 on a pseudo-terminal that opens real TCP connections.",
        discussion: """
            Speaks as one of Espressif's AT firmwares does: NonOS AT 1.3.0, NonOS AT 1.7.5 or ESP-AT 2.3.0. Prints one \
            line with the terminal's path when it is ready, and runs until SIGINT or SIGTERM.

            Names are known only by --map; others are answered DNS Fail. Numeric addresses of 127.0.0.0/8 are dialled, \
            other numeric addresses never answer. UDP, SSL and the TCP server are not simulated.

            Lines for the --control socket are explained by `espsim faults`; each is answered with "ok" or "error ...".
            """)

    @Option(help: "A symbolic link that leads to the terminal; removed at the end.")
    var link: String?

    @Option(help: "Bits a second of the line, in both directions; 0 passes bytes as fast as they come.")
    var baud = 115_200

    @Option(help: "The firmware: nonos-1.3, nonos-1.7 or esp-at-2.")
    var firmware = FirmwareVersion.nonOS17

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

    @Option(help: "Append the dialogue to a file, as a transcript that `espsim play` can play.")
    var record: String?

    @Option(help: "A file of lines that say what goes wrong and when; `espsim faults` explains them.")
    var scenario: String?

    @Option(help: "How long segments take there and back, in milliseconds.", transform: { "rtt \($0)" })
    var rtt: String?

    @Option(help: "How many of a hundred segments are lost.", transform: { "loss \($0)" })
    var loss: String?

    func run() throws {
        var options = ModemHost.Options()
        options.configuration = try world()
        options.baud = baud == 0 ? nil : baud
        options.link = link
        options.controlPath = control
        options.trace = try sink()
        options.scenario = try script()
        options.announce = { [link] path in announce(path, link) }
        let stop = StopSignals()
        let host = try ModemHost(options)
        announce(host.path, link)
        stop.onStop { host.perform(.stop) }
        host.wait()
    }

    private func world() throws -> ModemConfiguration {
        var world = ModemConfiguration()
        world.firmware = firmware
        world.networkTime = Int64(Glibc.time(nil))
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

    private func script() throws -> Scenario {
        var script = Scenario()
        for (name, order) in [("--rtt", rtt), ("--loss", loss)] {
            guard let order else { continue }
            guard let order = ModemOrder(line: order) else { throw ValidationError("\(name): not understood") }
            script.entries.append(.init(.at(.zero), order))
        }
        guard let scenario else { return script }
        do {
            script.entries += try Scenario(parsing: try Input.text(of: scenario)).entries
        } catch let error as Scenario.ParseError {
            throw ValidationError("\(scenario): \(error)")
        }
        return script
    }

    private func sink() throws -> (@Sendable (String) -> Void)? {
        var descriptors: [Int32] = trace ? [STDERR_FILENO] : []
        if let record {
            let file = open(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw SimulatorError.system("open \(record)", errno) }
            descriptors.append(file)
        }
        guard !descriptors.isEmpty else { return nil }
        return { [descriptors] line in
            let bytes = Array((line + "\n").utf8)
            for descriptor in descriptors { _ = write(descriptor, bytes, bytes.count) }
        }
    }
}

extension FirmwareVersion: ExpressibleByArgument {}
