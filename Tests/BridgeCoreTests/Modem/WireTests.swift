import Testing

@testable import BridgeCore

@Suite struct WireTests {
    @Test func writesQueueUp() {
        var wire = Wire(baud: 9600)
        wire.took(96, now: .zero)
        #expect(wire.drain(now: .zero) == .milliseconds(100))
        wire.took(96, now: .zero + .milliseconds(50))
        #expect(wire.drain(now: .zero + .milliseconds(50)) == .milliseconds(150))
        #expect(wire.drain(now: .zero + .seconds(1)) == .zero)
        wire.took(96, now: .zero + .seconds(1))
        #expect(wire.drain(now: .zero + .seconds(1)) == .milliseconds(100))
    }

    @Test(arguments: [Int.min, 0, 1])
    func staysFinite(baud: Int) {
        var wire = Wire(baud: baud)
        for _ in 0..<1000 { wire.took(.max, now: .zero) }
        #expect(wire.drain(now: .zero) == .seconds(3600))
    }
}
