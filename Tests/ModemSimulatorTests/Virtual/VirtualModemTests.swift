import BridgeCore
import ModemSimulator
import Testing

/// The whole line in virtual time.
@Suite("Virtual modem")
struct VirtualModemTests {
    private func configuration(seed: UInt64 = 1) -> ModemConfiguration {
        var configuration = ModemConfiguration()
        configuration.seed = seed
        configuration.hosts = [HostMapping(name: "broker", address: "127.0.0.1", targetPort: 2883)]
        configuration.flash.wifiMode = 1
        configuration.flash.credentials = Credentials(ssid: "workshop", password: "12345678")
        return configuration
    }

    /// In transparent mode, to a peer that listens.
    private func transparent(baud: Int?) -> VirtualModem<SilentPeer> {
        var line = VirtualModem(configuration(), peer: SilentPeer(), baud: baud)
        line.advance(by: .seconds(60))
        for command in ["ATE0", #"AT+CIPSTART="TCP","broker",1883"#, "AT+CIPMODE=1", "AT+CIPSEND"] {
            line.send(command + "\r\n")
            line.advance(by: .seconds(2))
        }
        _ = line.read()
        return line
    }

    @Test("a byte takes ten bit times in both directions", arguments: [9_600, 115_200, 921_600])
    func pace(baud: Int) throws {
        var line = transparent(baud: 115_200)
        line.hostBaud = baud
        line.perform(try #require(ModemOrder(line: "speed \(baud)")))
        let count = baud / 10
        line.act([.send(1, [UInt8](repeating: 0x55, count: count))])
        let start = line.now
        line.advance(to: start + .milliseconds(995))
        #expect(line.read().count < count)
        line.advance(to: start + .milliseconds(1_005))
        #expect(line.hasArrived)
        line.send([UInt8](repeating: 0x55, count: count))
        line.advance(by: .milliseconds(990))
        let before = line.peer.received.count
        line.advance(by: .milliseconds(100))
        #expect(before < count)
        #expect(line.peer.received.count == count)
    }

    @Test("a year without a word is soon over")
    func longTime() {
        var line = VirtualModem(configuration(), peer: SilentPeer())
        line.advance(by: .seconds(365 * 86_400))
        line.send("AT\r\n")
        line.advance(by: .seconds(1))
        #expect(String(decoding: line.read(), as: UTF8.self).hasSuffix("AT\r\r\n\r\nOK\r\n"))
    }

    @Test("the same seed gives the same run, to the byte and the nanosecond; another seed another one")
    func repeats() throws {
        func run(seed: UInt64) throws -> ([UInt8], Moment?) {
            let scenario = try Scenario(parsing: "every 7s garbage 20\nevery 45s reset\nat 20s ap down\nat 33s ap up")
            var line = VirtualModem(configuration(seed: seed), peer: SilentPeer(), scenario: scenario)
            line.advance(by: .seconds(600))
            return (line.read(), line.deadline)
        }
        let first = try run(seed: 5)
        let second = try run(seed: 5)
        let other = try run(seed: 6)
        #expect(first == second)
        #expect(first.0 != other.0)
    }

    @Test("unplugged: nothing passes; plugged in: the module boots")
    func replugged() {
        var line = VirtualModem(configuration(), peer: SilentPeer())
        line.advance(by: .seconds(60))
        _ = line.read()
        line.perform(.hangUp)
        line.send("AT\r\n")
        line.advance(by: .seconds(60))
        #expect(!line.hasArrived)
        #expect(!line.isPlugged)
        line.perform(.replug)
        line.advance(by: .seconds(60))
        #expect(String(decoding: line.read(), as: UTF8.self).contains("\r\nready\r\n"))
    }

    @Test("what the peer says while the network is down arrives when it is up again")
    func networkDown() {
        var line = transparent(baud: nil)
        line.perform(.fault(.networkDown))
        line.act([.send(1, [1, 2, 3])])
        line.advance(by: .seconds(3))
        #expect(!line.hasArrived)
        line.perform(.fault(.networkUp))
        line.advance(by: .seconds(1))
        #expect(line.read() == [1, 2, 3])
    }

    @Test(
        "a peer that does not answer, and one that refuses",
        arguments: [(DialAnswer.ignores, 3_000), (.refuses, 200)])
    func dials(answer: DialAnswer, milliseconds: Int) {
        var line = VirtualModem(configuration(), peer: SilentPeer())
        line.withPeer { peer, _ in peer.answer = answer }
        line.advance(by: .seconds(60))
        _ = line.read()
        line.send("AT+CIPSTART=\"TCP\",\"broker\",1883\r\n")
        line.advance(by: .milliseconds(Int64(milliseconds)))
        line.advance(by: .seconds(1))
        #expect(String(decoding: line.read(), as: UTF8.self).contains("\r\nERROR\r\nCLOSED\r\n"))
    }

    @Test("the simulated cloud is a peer: it closes a connection that says nothing for ten seconds")
    func cloud() {
        let device = CloudDevice(productKey: "p", deviceName: "d", secret: "s")
        var line = VirtualModem(configuration(), peer: PlatformPeer(SimulatedPlatform(devices: [device])))
        line.advance(by: .seconds(60))
        for command in ["ATE0", #"AT+CIPSTART="TCP","broker",1883"#] {
            line.send(command + "\r\n")
            line.advance(by: .seconds(2))
        }
        _ = line.read()
        line.advance(by: .seconds(12))
        #expect(String(decoding: line.read(), as: UTF8.self) == "CLOSED\r\n")
        let events = line.withPeer { peer, _ in peer.takeEvents() }
        #expect(events.map(\.word) == ["opened", "dropped"])
    }
}
