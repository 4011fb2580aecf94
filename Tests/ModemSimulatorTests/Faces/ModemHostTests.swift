import BridgeCore
import Glibc
import Synchronization
import Testing

@testable import ModemSimulator

/// The real faces: a pseudo-terminal, sockets, an own thread.
@Suite struct ModemHostTests {
    private static func options(baud: Int? = nil) -> ModemHost.Options {
        var options = ModemHost.Options()
        options.baud = baud
        options.configuration.timing = .fast
        options.configuration.flash.wifiMode = 1
        return options
    }

    private static func temporaryPath(_ name: String) -> String { "/tmp/espsim-test-\(getpid())-\(name)" }

    @Test func answersOnTheTerminal() throws {
        let host = try ModemHost(Self.options())
        defer { host.stop() }
        let client = try TerminalClient(path: host.path)
        #expect(client.read(until: "ready\r\n").hasSuffix("\r\nready\r\n"))
        #expect(try client.ask("AT") == "AT\r\r\n\r\nOK\r\n")
        #expect(try client.ask("ATE0") == "ATE0\r\r\n\r\nOK\r\n")
    }

    @Test func closingTheTerminalDoesNotEndTheLine() throws {
        let host = try ModemHost(Self.options(baud: 115_200))
        defer { host.stop() }
        do {
            let first = try TerminalClient(path: host.path)
            _ = first.read(until: "ready\r\n")
        }
        let second = try TerminalClient(path: host.path)
        #expect(try second.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test(arguments: [nil, 921_600])
    func carriesDataToTheCloudAndBack(baud: Int?) async throws {
        let events = Mutex<[CloudEvent]>([])
        var cloudOptions = SimulatedCloud.Options()
        cloudOptions.devices = [CloudDevice(productKey: "pk", deviceName: "device", secret: "secret")]
        cloudOptions.onEvent = { event in events.withLock { $0.append(event) } }
        let cloud = try await SimulatedCloud.start(cloudOptions)
        var options = Self.options(baud: baud)
        options.configuration.hosts = [HostMapping(name: "broker", address: "127.0.0.1", targetPort: cloud.port)]
        let host = try ModemHost(options)
        let client = try TerminalClient(path: host.path)
        _ = client.read(until: "ready\r\n")
        _ = try client.ask("ATE0")
        #expect(
            try client.ask("AT+CWJAP_CUR=\"workshop\",\"12345678\"") == "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n")
        #expect(try client.ask("AT+CIPSTART=\"TCP\",\"broker\",1883") == "CONNECT\r\n\r\nOK\r\n")
        _ = try client.ask("AT+CIPMODE=1")
        #expect(try client.ask("AT+CIPSEND", until: ">") == "\r\nOK\r\n\r\n>")
        // CONNECT as device&pk, one PUBLISH of 3000 bytes at QoS 1, DISCONNECT.
        let identifier = Array("12345|securemode=3,signmethod=hmacsha1,timestamp=789|".utf8)
        let password = Array("fafd82a3d602b37fb0fa8b7892f24a477f851a14".utf8)
        var connect: [UInt8] = [0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 0xC2, 0, 60, 0, UInt8(identifier.count)] + identifier
        connect += [0, 9] + Array("device&pk".utf8) + [0, UInt8(password.count)] + password
        try client.send([0x10, UInt8(connect.count)] + connect)
        #expect(client.read { $0.count >= 4 } == [0x20, 2, 0, 0])
        let topic = Array("/pk/device/user/x".utf8)
        let payload = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
        let publish = [0, UInt8(topic.count)] + topic + [0, 7] + payload
        try client.send([0x32, UInt8(publish.count & 0x7F | 0x80), UInt8(publish.count >> 7)] + publish)
        #expect(client.read { $0.count >= 4 } == [0x40, 2, 0, 7])
        let message = CloudEvent.message(
            topic: "/pk/device/user/x", payload: payload, qos: .atLeastOnce, isDuplicate: false)
        #expect(events.withLock { $0.contains(message) })
        host.stop()
        try await cloud.stop()
    }

    @Test func unpluggedPortVanishesAndComesBack() throws {
        let link = Self.temporaryPath("link")
        let control = Self.temporaryPath("control")
        let announced = Mutex<[String]>([])
        var options = Self.options()
        options.link = link
        options.controlPath = control
        options.announce = { path in announced.withLock { $0.append(path) } }
        let host = try ModemHost(options)
        let client = try TerminalClient(path: link)
        _ = client.read(until: "ready\r\n")
        let orders = try ControlClient(path: control)
        #expect(try orders.ask("hangup") == "ok\n")
        #expect(client.read { _ in false } == [])
        #expect(access(link, F_OK) != 0)
        #expect(try orders.ask("replug") == "ok\n")
        #expect(try orders.ask("replug") == "error the adapter is plugged in\n")
        #expect(try orders.ask("nonsense") == "error not understood: nonsense\n")
        let again = try TerminalClient(path: link)
        #expect(again.read(until: "ready\r\n").hasSuffix("\r\nready\r\n"))
        #expect(announced.withLock { $0.count } == 1)
        host.stop()
        #expect(access(link, F_OK) != 0)
        #expect(access(control, F_OK) != 0)
    }

    @Test func somethingElseInThePlaceOfTheLinkIsKept() throws {
        let link = Self.temporaryPath("file")
        close(open(link, O_WRONLY | O_CREAT, 0o600))
        defer { unlink(link) }
        var options = Self.options()
        options.link = link
        #expect(throws: SimulatorError.self) { try ModemHost(options) }
        #expect(access(link, F_OK) == 0)
    }
}

/// One client of a control socket.
private final class ControlClient {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    func ask(_ line: String) throws -> String {
        let bytes = Array((line + "\n").utf8)
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        var reply = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &reply, reply.count)
        try #require(count > 0)
        return String(decoding: reply.prefix(count), as: UTF8.self)
    }
}
