import Testing

@testable import BridgeCore

@Suite("A message with which the link breaks")
struct PoisonWatchTests {
    private static let now = Moment.zero + .seconds(100)

    /// Wholly sent, or on its way when the link broke; so long after its probation.
    private static func exposed(
        _ message: Int64, hasLeft: Bool = true, proved: Duration = .seconds(9)
    ) -> MQTTSession.Exposure {
        MQTTSession.Exposure(message: message, departed: hasLeft ? now - .seconds(1) : nil, provedAt: now - proved)
    }

    private func broke(
        _ watch: inout PoisonWatch, _ exposure: MQTTSession.Exposure?, by failure: LinkFailure = .publishTimedOut
    ) -> Int64? {
        watch.broke(by: failure, exposure: exposure, now: Self.now)
    }

    private func suspecting(_ message: Int64) -> PoisonWatch {
        var watch = PoisonWatch()
        for _ in 1..<PoisonWatch.limit { #expect(broke(&watch, Self.exposed(message)) == nil) }
        #expect(watch.suspect == message)
        return watch
    }

    @Test("three times first in flight, the third time alone: it is set aside")
    func poison() {
        var watch = PoisonWatch()
        #expect(broke(&watch, Self.exposed(7)) == nil)
        #expect(watch.suspect == nil)
        #expect(broke(&watch, Self.exposed(7), by: .pingTimedOut) == nil)
        #expect(watch.suspect == 7)
        #expect(broke(&watch, Self.exposed(7), by: .protocolViolation(detail: "")) == 7)
        #expect(watch.suspect == nil)
        #expect(broke(&watch, Self.exposed(8)) == nil)
    }

    @Test("another message in between, none at all, or its acknowledgement begins the count anew")
    func notInARow() {
        for interruption in 0..<3 {
            var watch = suspecting(7)
            switch interruption {
            case 0: #expect(broke(&watch, Self.exposed(8)) == nil)
            case 1: #expect(broke(&watch, nil) == nil)
            default: watch.acknowledged(7)
            }
            #expect(watch.suspect == nil)
        }
    }

    @Test("a break on the way of a long message shows nothing, unless it comes ten times in a row")
    func interrupted() {
        var watch = suspecting(7)
        for _ in 1..<PoisonWatch.mostInterruptions {
            #expect(broke(&watch, Self.exposed(7, hasLeft: false)) == nil)
            #expect(watch.suspect == 7)
        }
        #expect(broke(&watch, Self.exposed(7, hasLeft: false)) == 7)
    }

    @Test("a break as soon as its beginning has left is a server that hangs up on it")
    func beginning() {
        var watch = suspecting(7)
        #expect(broke(&watch, Self.exposed(7, hasLeft: false, proved: .seconds(2))) == 7)
    }

    @Test("what would have left by now has not")
    func notYet() {
        var watch = suspecting(7)
        let late = MQTTSession.Exposure(message: 7, departed: Self.now + .seconds(1), provedAt: Self.now - .seconds(5))
        #expect(broke(&watch, late) == nil)
    }

    @Test("another client with the same device ends sessions, whatever was sent")
    func kicked() {
        var watch = suspecting(7)
        watch.cleared()
        #expect(watch.suspect == nil)
    }

    @Test(
        "what no message can bring about is not counted",
        arguments: [
            .portLost(path: "/dev/tty"), .modemRestartedOnline, .accessPointLost(ssid: "a"),
        ] as [LinkFailure])
    func innocent(failure: LinkFailure) {
        var watch = PoisonWatch()
        for _ in 0..<10 { #expect(broke(&watch, Self.exposed(7), by: failure) == nil) }
        #expect(watch.suspect == nil)
    }
}
