import ArgumentParser
import Glibc
import ModemSimulator

struct Cloud: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A small simulated Aliyun IoT Platform: an MQTT broker that judges its one device.",
        discussion: """
            Checks the sign-in as the platform does (CONNACK 2 for a keep-alive outside 30 to 1200 s or a malformed \
            client identifier, 4 for a wrong triple), keeps one session a device, answers posts of the thing model on \
            their _reply topics, closes connections that break MQTT or stay silent, and prints what happens, one event \
            a line.

            Lines for the --control socket, each answered with "ok" or "error ...":

            \(CloudOrder.help)
            """)

    @Option(help: "Where to listen; port 0 takes any, which is printed.")
    var listen = "127.0.0.1:1883"

    @Option(help: "ProductKey of the device.")
    var productKey: String

    @Option(help: "DeviceName of the device.")
    var deviceName: String

    @Option(help: "A file with the device's secret in its first line.")
    var secretFile: String

    @Flag(help: "Print events as JSON, one object a line.")
    var json = false

    @Flag(help: "Do not limit messages a second and connections a minute as the platform does.")
    var unlimited = false

    @Option(help: "PEM file with the server's certificate chain: TLS instead of plain TCP. Needs --tls-key.")
    var tlsCertificate: String?

    @Option(help: "PEM file with the certificate's key.")
    var tlsKey: String?

    @Option(help: "A Unix socket that takes orders, one a line.")
    var control: String?

    func run() async throws {
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]), (0...65535).contains(port) else {
            throw ValidationError("--listen takes ADDRESS:PORT")
        }
        var options = SimulatedCloud.Options()
        options.host = String(parts[0])
        options.port = port
        options.devices = [
            CloudDevice(productKey: productKey, deviceName: deviceName, secret: try secret())
        ]
        options.controlPath = control
        options.enforcesRates = !unlimited
        switch (tlsCertificate, tlsKey) {
        case (let certificates?, let key?): options.tls = .init(certificates: certificates, key: key)
        case (nil, nil): break
        default: throw ValidationError("--tls-certificate and --tls-key belong together")
        }
        options.onEvent = { [json] event in printNow(json ? event.jsonLine : event.line) }
        let stop = StopSignals()
        let cloud = try await SimulatedCloud.start(options)
        printNow("espsim: cloud on \(parts[0]):\(cloud.port)")
        await withCheckedContinuation { continuation in
            stop.onStop { continuation.resume() }
        }
        try await cloud.stop()
        if let control { unlink(control) }
    }

    private func secret() throws -> String {
        guard let file = fopen(secretFile, "r") else { throw SimulatorError.system("open \(secretFile)", errno) }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { throw ValidationError("\(secretFile) is empty") }
        let bytes = line.prefix { $0 != 0 && $0 != 10 && $0 != 13 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
