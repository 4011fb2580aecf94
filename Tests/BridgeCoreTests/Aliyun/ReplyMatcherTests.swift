import BridgeCore
import Testing

@Suite("Which message a reply belongs to")
struct ReplyMatcherTests {
    private let post = "/sys/pk/device/thing/event/property/post"

    @Test("a reply is matched by topic and id, once")
    func matched() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        #expect(matcher.replied(topic: post + "_reply", id: "8", inFlight: [1]) == nil)
        #expect(matcher.replied(topic: "/sys/pk/device/thing/event/alarm/post_reply", id: "7", inFlight: [1]) == nil)
        #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [1]) == 1)
        #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [1]) == nil)
        #expect(matcher.count == 0)
    }

    @Test("with one id for many, each reply answers one message, in the order in which they went out")
    func sameIdentifier() {
        var matcher = ReplyMatcher()
        for receipt in 1...4 as ClosedRange<Int64> { matcher.awaits(receipt: receipt, topic: post, id: "7") }
        // A fresh one went first.
        matcher.delivered(receipt: 3, now: .zero)
        matcher.delivered(receipt: 1, now: .zero)
        for expected in [3, 1, 2] as [Int64] {
            #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [9, 2]) == expected)
        }
        // The fourth was never sent.
        #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [9]) == nil)
        #expect(matcher.count == 1)
    }

    @Test("a reply that was lost with its session does not shift those that follow; one that comes late is not lost")
    func otherSession() {
        var matcher = ReplyMatcher()
        for receipt in 1...3 as ClosedRange<Int64> { matcher.awaits(receipt: receipt, topic: post, id: "7") }
        matcher.delivered(receipt: 1, now: .zero)
        matcher.sessionEnded()
        matcher.delivered(receipt: 2, now: .zero)
        for expected in [2, 3, 1] as [Int64] {
            #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [3]) == expected)
        }
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
        #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: []) == nil)
    }

    @Test("what is forgotten is not answered")
    func forgotten() {
        var matcher = ReplyMatcher()
        matcher.awaits(receipt: 1, topic: post, id: "7")
        matcher.awaits(receipt: 2, topic: post, id: "7")
        matcher.forget(receipt: 1)
        #expect(matcher.replied(topic: post + "_reply", id: "7", inFlight: [1, 2]) == 2)
    }
}
