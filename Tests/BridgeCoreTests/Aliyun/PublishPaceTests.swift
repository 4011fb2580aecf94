import BridgeCore
import Testing

/// Not more than the platform takes.
@Suite("Pace of publishes")
struct PublishPaceTests {
    @Test(
        "in no second more than the platform takes, and no slower than that needs",
        arguments: [(QoS.atLeastOnce, 10), (.atMostOnce, 30)])
    func rate(qos: QoS, limit: Int) {
        var pace = PublishPace(.platform)
        var now = Moment.zero
        var sent: [Moment] = []
        while sent.count < 500 {
            if let later = pace.wait(qos, now: now) {
                #expect(later > now)
                now = later
            } else {
                sent.append(now)
            }
        }
        for (index, time) in sent.enumerated() where index >= limit {
            #expect(time - sent[index - limit] >= .seconds(1))
        }
        #expect(now - .zero <= .milliseconds(Int64(1_100 * 500 / limit)))
    }

    @Test("the qualities are counted apart")
    func apart() {
        var pace = PublishPace(.platform)
        let first = (0..<11).map { _ in pace.wait(.atLeastOnce, now: .zero) == nil }
        let other = pace.wait(.atMostOnce, now: .zero)
        #expect(first == Array(repeating: true, count: 10) + [false])
        #expect(other == nil)
    }
}
