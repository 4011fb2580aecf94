import BridgeCore
import TestSupport
import Testing

/// Not more than the platform takes.
@Suite("Pace of publishes")
struct PublishPaceTests {
    @Test("QoS 0: in no second more than the platform takes, and no slower than that needs")
    func sent() {
        var pace = PublishPace(.platform)
        var now = Moment.zero
        var sent: [Moment] = []
        while sent.count < 500 {
            if let later = pace.wait(.atMostOnce, for: Int64(sent.count), now: now) {
                #expect(later > now)
                now = later
            } else {
                sent.append(now)
            }
        }
        for (index, time) in sent.enumerated() where index >= 30 { #expect(time - sent[index - 30] >= .seconds(1)) }
        #expect(now - .zero <= .milliseconds(Int64(1_100 * 500 / 30)))
    }

    @Test("QoS 1: a network that holds messages back and delivers them at once brings no more than ten in a second")
    func arrived() {
        var random = SplitMix(seed: 4)
        var pace = PublishPace(.platform)
        var now = Moment.zero
        var arrivals: [Moment] = []
        var pending: [(sequence: Int64, arrives: Moment, acknowledged: Moment)] = []
        var stall = Moment.zero
        for sequence in Int64(0)..<2000 {
            while let later = pace.wait(.atLeastOnce, for: sequence, now: now) {
                now = min(later, pending.map(\.acknowledged).min() ?? later)
                for entry in pending where entry.acknowledged <= now { pace.left(entry.sequence, now: now) }
                pending.removeAll { $0.acknowledged <= now }
            }
            if Int.random(in: 0..<40, using: &random) == 0 {
                stall = now + .milliseconds(Int64.random(in: 0...9000, using: &random))
            }
            let arrives = max(
                now + .milliseconds(Int64.random(in: 5...200, using: &random)), stall, arrivals.last ?? now)
            arrivals.append(arrives)
            pending.append((sequence, arrives, arrives + .milliseconds(Int64.random(in: 5...400, using: &random))))
        }
        for (index, time) in arrivals.enumerated() where index >= 10 {
            #expect(time - arrivals[index - 10] >= .seconds(1))
        }
    }

    @Test("the qualities are counted apart")
    func apart() {
        var pace = PublishPace(.platform)
        let first = (0..<11).map { pace.wait(.atLeastOnce, for: $0, now: .zero) == nil }
        let other = pace.wait(.atMostOnce, for: 11, now: .zero)
        #expect(first == Array(repeating: true, count: 10) + [false])
        #expect(other == nil)
    }
}
