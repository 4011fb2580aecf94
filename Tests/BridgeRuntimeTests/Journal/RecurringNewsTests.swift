import BridgeCore
import Testing

@testable import BridgeRuntime

@Suite("What recurs in the journal")
struct RecurringNewsTests {
    @Test("the first of a kind is said, the others are counted")
    func counted() {
        var news = RecurringNews<RequestError>()
        let said = (0..<100).map { _ in news.isNews(.queueFull) }
        #expect(said == [true] + [Bool](repeating: false, count: 99))
        let other = news.isNews(.diskFull)
        #expect(other)
        let counts = news.takeCounts()
        #expect(counts.map(\.kind) == [.queueFull])
        #expect(counts.map(\.times) == [99])
    }

    @Test("as long as it goes on it is a number; after a pause it is news again")
    func pause() {
        var news = RecurringNews<RequestError>()
        _ = news.isNews(.queueFull)
        _ = news.isNews(.queueFull)
        let counts = news.takeCounts().map(\.times)
        #expect(counts == [1])
        let again = [news.isNews(.queueFull), news.isNews(.queueFull)]
        #expect(again == [false, false])
        let more = [news.takeCounts().map(\.times), news.takeCounts().map(\.times)]
        #expect(more == [[2], []])
        let isNews = news.isNews(.queueFull)
        #expect(isNews)
    }
}
