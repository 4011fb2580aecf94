import BridgeCore
import Testing

@Suite("Which message a reply belongs to")
struct ReplyMatcherTests {
    private let post = "/sys/pk/device/thing/event/property/post"

    @Test("a reply is matched by topic and id, once")
    func matched() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        #expect(matcher.replied(topic: post + "_reply", id: "8") == [])
        #expect(matcher.replied(topic: "/sys/pk/device/thing/event/alarm/post_reply", id: "7") == [])
        #expect(matcher.replied(topic: post + "_reply", id: "7") == [1])
        #expect(matcher.replied(topic: post + "_reply", id: "7") == [])
        #expect(matcher.count == 0)
    }

    @Test("two messages with one id are both answered")
    func sameIdentifier() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        matcher.awaits(receipt: 2, topic: post, id: "7")
        #expect(matcher.replied(topic: post + "_reply", id: "7") == [1, 2])
    }

    @Test("patience begins with the delivery")
    func patience() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        #expect(matcher.deadline == nil)
        #expect(matcher.expired(now: .zero + .seconds(100_000)) == [])
        matcher.delivered(receipt: 1, now: .zero)
        #expect(matcher.deadline == .zero + .seconds(60))
        #expect(matcher.expired(now: .zero + .seconds(59)) == [])
        #expect(matcher.expired(now: .zero + .seconds(60)) == [1])
        #expect(matcher.replied(topic: post + "_reply", id: "7") == [])
    }

    @Test("what is forgotten is not answered")
    func forgotten() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        matcher.awaits(receipt: 2, topic: post, id: "7")
        matcher.forget(receipt: 1)
        #expect(matcher.replied(topic: post + "_reply", id: "7") == [2])
    }
}
