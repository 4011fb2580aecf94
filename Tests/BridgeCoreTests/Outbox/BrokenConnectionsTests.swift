import BridgeCore
import Testing

@Suite("Connections that broke")
struct BrokenConnectionsTests {
    private let start = Moment.zero

    @Test("one is suspected for a minute after its end, for what its program may not have read; others are not")
    func memory() throws {
        var broken = BrokenConnections()
        #expect(broken.suspects(now: start) == nil)
        broken.broke(5, settled: 10, now: start)
        let found = broken.suspects(now: start + .seconds(59))
        let suspects = try #require(found)
        #expect(suspects.contains(11, of: 5))
        #expect(!suspects.contains(10, of: 5))
        #expect(!suspects.contains(11, of: 4))
        #expect(suspects.settled == 10)
        #expect(broken.suspects(now: start + .seconds(60)) == nil)
    }

    @Test("after a crash all connections of the process before are suspected, for a minute and the last messages")
    func crash() throws {
        var broken = BrokenConnections()
        broken.started(after: .init(connection: 10, settled: 100), now: start)
        let found = broken.suspects(now: start)
        let suspects = try #require(found)
        #expect(suspects.contains(101, of: 1))
        #expect(suspects.contains(101, of: 10))
        #expect(!suspects.contains(100, of: 10))
        #expect(!suspects.contains(101, of: 11))
        // The daemon's own messages come on no connection.
        #expect(!suspects.contains(101, of: 0))
        #expect(broken.suspects(now: start + .seconds(61)) == nil)
    }

    @Test("of a crash and a break, each is forgotten in its time")
    func both() throws {
        var broken = BrokenConnections()
        broken.started(after: .init(connection: 10, settled: 100), now: start)
        broken.broke(12, settled: 200, now: start + .seconds(30))
        #expect(broken.suspects(now: start + .seconds(59))?.settled == 100)
        #expect(broken.suspects(now: start + .seconds(61))?.settled == 200)
        #expect(broken.suspects(now: start + .seconds(91)) == nil)
    }

    @Test("a program that breaks connection after connection costs no memory without end")
    func bounded() throws {
        var broken = BrokenConnections()
        for number in 1...10_000 as ClosedRange<Int64> {
            broken.broke(number, settled: 0, now: start + .milliseconds(number))
        }
        let found = broken.suspects(now: start + .seconds(11))
        let suspects = try #require(found)
        #expect(!suspects.contains(1, of: 1))
        #expect(suspects.contains(1, of: 10_000))
    }
}
