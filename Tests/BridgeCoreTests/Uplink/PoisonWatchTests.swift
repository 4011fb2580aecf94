import BridgeCore
import Testing

@Suite("A message with which the link breaks")
struct PoisonWatchTests {
    @Test("three times first in flight, the third time alone: it is set aside")
    func poison() {
        var watch = PoisonWatch()
        #expect(watch.broke(by: .publishTimedOut, firstInFlight: 7) == nil)
        #expect(watch.suspect == nil)
        #expect(watch.broke(by: .pingTimedOut, firstInFlight: 7) == nil)
        #expect(watch.suspect == 7)
        #expect(watch.broke(by: .protocolViolation(detail: ""), firstInFlight: 7) == 7)
        #expect(watch.suspect == nil)
        #expect(watch.broke(by: .publishTimedOut, firstInFlight: 8) == nil)
    }

    @Test("another message in between, none at all, or its acknowledgement begins the count anew")
    func notInARow() {
        var watch = PoisonWatch()
        for interruption in 0..<3 {
            #expect(watch.broke(by: .publishTimedOut, firstInFlight: 7) == nil)
            #expect(watch.broke(by: .publishTimedOut, firstInFlight: 7) == nil)
            switch interruption {
            case 0: #expect(watch.broke(by: .publishTimedOut, firstInFlight: 8) == nil)
            case 1: #expect(watch.broke(by: .publishTimedOut, firstInFlight: nil) == nil)
            default: watch.acknowledged(7)
            }
            #expect(watch.suspect == nil)
        }
    }

    @Test(
        "what no message can bring about is not counted",
        arguments: [
            .portLost(path: "/dev/tty"), .modemRestartedOnline, .accessPointLost(ssid: "a"),
        ] as [LinkFailure])
    func innocent(failure: LinkFailure) {
        var watch = PoisonWatch()
        for _ in 0..<10 { #expect(watch.broke(by: failure, firstInFlight: 7) == nil) }
        #expect(watch.suspect == nil)
    }
}
