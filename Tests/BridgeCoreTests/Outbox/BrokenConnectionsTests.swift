import BridgeCore
import Testing

@Suite("Connections that broke")
struct BrokenConnectionsTests {
    private let start = Moment.zero

    @Test("one is suspected for a minute after its end, others are not")
    func memory() throws {
        var broken = BrokenConnections()
        #expect(broken.suspects(now: start) == nil)
        broken.broke(5, now: start)
        let found = broken.suspects(now: start + .seconds(59))
        let suspects = try #require(found)
        #expect(suspects.contains(5))
        #expect(!suspects.contains(4))
        #expect(broken.suspects(now: start + .seconds(60)) == nil)
    }

    @Test("after a crash all connections of the process before are suspected, for a minute")
    func crash() throws {
        var broken = BrokenConnections()
        broken.startedAfterCrash(through: 10, now: start)
        let found = broken.suspects(now: start)
        let suspects = try #require(found)
        #expect(suspects.contains(1))
        #expect(suspects.contains(10))
        #expect(!suspects.contains(11))
        // The daemon's own messages come on no connection.
        #expect(!suspects.contains(0))
        #expect(broken.suspects(now: start + .seconds(61)) == nil)
    }

    @Test("a program that breaks connection after connection costs no memory without end")
    func bounded() throws {
        var broken = BrokenConnections()
        for number in 1...10_000 as ClosedRange<Int64> {
            broken.broke(number, now: start + .milliseconds(number))
        }
        let found = broken.suspects(now: start + .seconds(11))
        let suspects = try #require(found)
        #expect(!suspects.contains(1))
        #expect(suspects.contains(10_000))
    }
}
