import BridgeCore
import Testing

@Suite("Refusals in the journal")
struct RefusalTallyTests {
    @Test("the first of a kind is said, the others are counted")
    func counted() {
        var tally = RefusalTally()
        let said = (0..<100).map { _ in tally.refused(.queueFull) }
        #expect(said == [true] + [Bool](repeating: false, count: 99))
        let other = tally.refused(.diskFull)
        #expect(other)
        let counts = tally.takeCounts()
        #expect(counts.map(\.error) == [.queueFull])
        #expect(counts.map(\.messages) == [99])
    }

    @Test("as long as it goes on it is a number; after a pause it is news again")
    func pause() {
        var tally = RefusalTally()
        _ = tally.refused(.queueFull)
        _ = tally.refused(.queueFull)
        let counts = tally.takeCounts().map(\.messages)
        #expect(counts == [1])
        let again = [tally.refused(.queueFull), tally.refused(.queueFull)]
        #expect(again == [false, false])
        let more = [tally.takeCounts().map(\.messages), tally.takeCounts().map(\.messages)]
        #expect(more == [[2], []])
        let news = tally.refused(.queueFull)
        #expect(news)
    }
}
