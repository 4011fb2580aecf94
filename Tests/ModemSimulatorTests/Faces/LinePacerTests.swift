import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct LinePacerTests {
    /// A busy line, looked at only when it asks for it, or late.
    @Test(arguments: [300, 9600, 74_880, 115_200, 921_600, 4_608_000], [0, 1_700_000, 9_000_000] as [Int64])
    func carriesTenBitTimesAByte(baud: Int, lateness: Int64) {
        var pacer = LinePacer(baud: baud)
        var now = Moment(nanoseconds: 1_000_012_345)
        let start = now
        pacer.begin(now: now)
        var left = 20_000
        while left > 0 {
            let look = pacer.nextLook(waiting: left, now: now)
            #expect(look > now)
            now = look + .nanoseconds(lateness)
            let count = min(left, pacer.due(now: now))
            #expect(count > 0)
            left -= count
            _ = pacer.took(count, more: left > 0, now: now)
        }
        let ideal = 20_000 * 10 * 1_000_000_000 / Int64(baud)
        let elapsed = (now - start).inNanoseconds
        #expect(elapsed >= ideal)
        #expect(elapsed - lateness <= ideal + 1)
    }

    @Test func idleLineGivesNoCredit() {
        var pacer = LinePacer(baud: 9600)
        pacer.begin(now: .zero)
        _ = pacer.took(1, more: false, now: pacer.nextLook(waiting: 1, now: .zero))
        let later = Moment.zero + .seconds(10)
        pacer.begin(now: later)
        #expect(pacer.due(now: later) == 0)
        #expect(pacer.due(now: later + .milliseconds(1)) == 0)
        #expect(pacer.due(now: later + .microseconds(1042)) == 1)
    }

    @Test func lineWithoutSpeedTakesAll() {
        var pacer = LinePacer(baud: nil)
        #expect(pacer.due(now: .zero) == .max)
        #expect(pacer.took(5, more: true, now: .zero + .seconds(1)) == .zero + .seconds(1))
    }

    @Test func newSpeedCountsFromTheChange() {
        var pacer = LinePacer(baud: 9600)
        pacer.begin(now: .zero)
        let change = Moment.zero + .seconds(1)
        pacer.setSpeed(115_200, now: change)
        #expect(pacer.due(now: change) == 0)
        #expect(pacer.due(now: change + .seconds(1)) == 11_520)
    }
}
