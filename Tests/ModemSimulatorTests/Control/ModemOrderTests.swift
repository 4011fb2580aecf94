import Testing

@testable import ModemSimulator

@Suite struct ModemOrderTests {
    @Test(
        arguments: [
            ("drop", .fault(.dropped)), ("drop-hold 2.5", .fault(.droppedAndHeld(.milliseconds(2500)))),
            ("network down", .fault(.networkDown)), ("network up", .fault(.networkUp)),
            ("ap down", .fault(.accessPointDown)), ("ap up", .fault(.accessPointUp)),
            ("ap refuse", .fault(.accessPointRefuses(true))), ("dhcp off", .fault(.addressesGiven(false))),
            ("password new secret", .fault(.passwordChanged("new secret"))), ("reset", .fault(.restarted)),
            ("mute on", .fault(.muted(true))), ("garbage 20", .fault(.garbage(20))), ("hangup", .hangUp),
            ("replug", .replug), ("quit", .stop),
            ("", nil), ("drop now", nil), ("drop-hold x", nil), ("drop-hold -1", nil), ("garbage -1", nil),
            ("network", nil), ("mute", nil), ("explode", nil),
        ] as [(String, ModemOrder?)])
    func lines(line: String, order: ModemOrder?) {
        #expect(ModemOrder(line: line) == order)
    }
}

@Suite struct HostMappingTests {
    @Test(
        arguments: [
            ("name=127.0.0.1", HostMapping(name: "name", address: "127.0.0.1")),
            ("Name:1883=127.0.0.1:2883", HostMapping(name: "name", port: 1883, address: "127.0.0.1", targetPort: 2883)),
            ("name", nil), ("=127.0.0.1", nil), ("a=b=c", nil), ("a:x=b", nil), ("a:0=b", nil), ("a=b:70000", nil),
        ] as [(String, HostMapping?)])
    func texts(text: String, mapping: HostMapping?) {
        #expect(HostMapping(text: text) == mapping)
    }

    @Test func portsAreMoreParticularThanNames() {
        var configuration = ModemConfiguration()
        configuration.hosts = [
            HostMapping(name: "a", address: "127.0.0.2"),
            HostMapping(name: "a", port: 443, address: "127.0.0.3", targetPort: 4443),
        ]
        #expect(configuration.route(host: "A", port: 1883) == .leads(to: "127.0.0.2", port: 1883))
        #expect(configuration.route(host: "a", port: 443) == .leads(to: "127.0.0.3", port: 4443))
        #expect(configuration.address(of: "A") == "127.0.0.2")
        #expect(configuration.address(of: "8.8.8.8") == "8.8.8.8")
        #expect(configuration.address(of: "b") == nil)
        #expect(configuration.route(host: "b", port: 443) == .nameUnknown)
        #expect(configuration.route(host: "127.1.2.3", port: 443) == .leads(to: "127.1.2.3", port: 443))
        #expect(configuration.route(host: "8.8.8.8", port: 53) == .silent(address: "8.8.8.8"))
        #expect(configuration.route(host: "256.1.1.1", port: 53) == .nameUnknown)
    }
}
