import BridgeCore
import Testing

@testable import ModemSimulator

/// Speeds of both ends of a real pseudo-terminal.
@Suite("Speed of the line")
struct LineSpeedTests {
    private func host(_ baud: Int) throws -> (ModemHost, TerminalClient) {
        var options = ModemHost.Options()
        options.baud = baud
        options.configuration.timing = .fast
        let host = try ModemHost(options)
        let client = try TerminalClient(path: host.path)
        _ = client.read(until: "ready\r\n")
        return (host, client)
    }

    @Test("a host that sets no speed has the module's; whoever sets another one hears garbage, until it is right")
    func wrongSpeed() throws {
        let (host, client) = try host(115_200)
        defer { host.stop() }
        #expect(try client.ask("AT") == "AT\r\r\n\r\nOK\r\n")
        HostSpeed.set(9_600, of: client.descriptor)
        try client.send(Array("AT\r\n".utf8))
        #expect(!String(decoding: client.read(forMilliseconds: 300), as: UTF8.self).contains("OK"))
        HostSpeed.set(115_200, of: client.descriptor)
        // What the module took for the beginning of a command is ended.
        try client.send(Array("\r\n".utf8))
        _ = client.read(forMilliseconds: 300)
        #expect(try client.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test("AT+UART_CUR is answered at the old speed; then only the new one is understood")
    func changesSpeed() throws {
        let (host, client) = try host(115_200)
        defer { host.stop() }
        #expect(try client.ask("AT+UART_CUR=460800,8,1,0,0").hasSuffix("\r\nOK\r\n"))
        HostSpeed.set(460_800, of: client.descriptor)
        _ = client.read(forMilliseconds: 50)
        #expect(try client.ask("AT") == "AT\r\r\n\r\nOK\r\n")
    }

    @Test(
        "speeds that a UART takes for the same, and those that it does not",
        arguments: [
            (115_200, 115_273, true), (115_200, 117_000, true), (115_200, 76_800, false), (9_600, 10_000, false),
        ])
    func tolerance(one: Int, other: Int, fits: Bool) { #expect(HostSpeed.fits(one, other) == fits) }
}
