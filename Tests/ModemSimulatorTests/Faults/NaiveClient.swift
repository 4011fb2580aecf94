import BridgeCore
import ModemSimulator

/// A client as people write them: it sends a line, and believes what it hears within a second.
struct NaiveClient {
    var line: VirtualModem<SilentPeer>

    /// A module that has booted, with echo off.
    init(_ change: (inout ModemConfiguration) -> Void = { _ in }, scenario: Scenario = Scenario()) {
        var configuration = ModemConfiguration()
        configuration.timing = .fast
        configuration.hosts = [HostMapping(name: "broker", address: "127.0.0.1", targetPort: 2883)]
        configuration.flash.wifiMode = 1
        change(&configuration)
        line = VirtualModem(configuration, peer: SilentPeer(), scenario: scenario)
        line.advance(by: .seconds(1))
        _ = line.read()
    }

    static func quiet() -> NaiveClient {
        var client = NaiveClient()
        _ = client.ask("ATE0")
        return client
    }

    /// With an address.
    static func joined() -> NaiveClient {
        var client = quiet()
        _ = client.ask(#"AT+CWJAP_CUR="workshop","12345678""#)
        return client
    }

    /// With a TCP link, in command mode.
    static func connected() -> NaiveClient {
        var client = joined()
        _ = client.ask(#"AT+CIPSTART="TCP","broker",1883"#)
        return client
    }

    /// In transparent mode.
    static func transparent() -> NaiveClient {
        var client = connected()
        _ = client.ask("AT+CIPMODE=1")
        _ = client.ask("AT+CIPSEND")
        return client
    }

    /// Sends a command, and hears what comes within a second.
    mutating func ask(_ command: String, within limit: Duration = .seconds(1)) -> String {
        line.send(command + "\r\n")
        return wait(limit)
    }

    /// What comes within a time.
    mutating func wait(_ duration: Duration = .seconds(1)) -> String {
        line.advance(by: duration)
        return String(decoding: line.read(), as: UTF8.self)
    }

    /// An order of the control socket; false if it is not understood.
    @discardableResult
    mutating func order(_ text: String) -> Bool {
        guard let order = ModemOrder(line: text) else { return false }
        line.perform(order)
        return true
    }

    /// The peer sends over the newest connection.
    mutating func peerSends(_ text: String) {
        guard let connection = line.peer.connections.last else { return }
        line.act([.send(connection, Array(text.utf8))])
    }

    mutating func peerCloses() {
        guard let connection = line.peer.connections.last else { return }
        line.act([.close(connection)])
    }

    var arrived: String { String(decoding: line.peer.received, as: UTF8.self) }
}
