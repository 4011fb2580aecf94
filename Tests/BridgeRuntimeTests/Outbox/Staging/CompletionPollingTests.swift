import BridgeCore
import Testing

@testable import BridgeRuntime

/// When a write is waited for without sleeping.
@Suite struct CompletionPollingTests {
    private static func at(micros: Int64) -> Moment { Moment(nanoseconds: micros * 1000) }

    private static func after(_ writes: [Int64]) -> CompletionPolling {
        var polling = CompletionPolling()
        for micros in writes { polling.ended(began: at(micros: 7), seen: at(micros: 7 + micros)) }
        return polling
    }

    @Test(
        "Only where writes have been quick of late are they waited for; a single slow one does not decide",
        arguments: [
            ([], false),
            ([80], false),
            (Array(repeating: 80, count: 30), true),
            (Array(repeating: 80, count: 30) + [2_000_000], true),
            (Array(repeating: 80, count: 30) + Array(repeating: 1000, count: 10), false),
            (Array(repeating: 1000, count: 30), false),
            (Array(repeating: 1000, count: 30) + Array(repeating: 80, count: 30), true),
        ] as [([Int64], Bool)])
    func worth(writes: [Int64], isWorthwhile: Bool) {
        #expect(Self.after(writes).isWorthwhile(now: Self.at(micros: 1)) == isWorthwhile)
    }

    @Test("Who did not get the processor back in time does not poll for a while")
    func competitor() {
        var polling = Self.after(Array(repeating: 80, count: 30))
        polling.polled(began: Self.at(micros: 0), ended: Self.at(micros: 500))
        #expect(polling.isWorthwhile(now: Self.at(micros: 500)))
        polling.polled(began: Self.at(micros: 1000), ended: Self.at(micros: 4000))
        #expect(!polling.isWorthwhile(now: Self.at(micros: 103_999)))
        #expect(polling.isWorthwhile(now: Self.at(micros: 104_000)))
    }
}
