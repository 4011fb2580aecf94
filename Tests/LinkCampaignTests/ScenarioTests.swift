import BridgeCore
import LinkCampaign
import Testing

/// Single faults under traffic, in virtual time at 115,200 baud.
@Suite("One fault at a time, in virtual time")
struct ScenarioTests {
    private func run(_ seed: UInt64, _ lines: [(at: Duration, line: String)]) -> CampaignRun.Result {
        var run = CampaignRun(plan: CampaignPlan(seed: seed, lines: lines, messageEvery: .seconds(1)))
        return run.run()
    }

    @Test("TCP is cut and silently replaced: in service within 10 s, nothing lost", arguments: 1...12)
    func cut(seed: UInt64) {
        let result = run(seed, [(.zero, "modem rtt 40-90"), (.seconds(600), "modem drop")])
        #expect(result.complaints.isEmpty, "seed \(seed): \(result.complaints)")
        #expect(result.recovery > .zero && result.recovery <= .seconds(10), "seed \(seed): \(result.recovery)")
        // In packet mode (see CampaignPlan) the module says so itself.
        let word = [3, 4].contains(seed % 7) ? "connection-closed" : "connection-lost"
        #expect(result.failures == [word: 1], "seed \(seed)")
    }

    @Test("transparent mode is left by itself: the next message tells", arguments: [1, 2, 5, 6, 7, 8])
    func escaped(seed: UInt64) {
        let result = run(seed, [(.zero, "modem rtt 40-90"), (.milliseconds(600_500), "modem escape")])
        #expect(result.complaints.isEmpty, "seed \(seed): \(result.complaints)")
        #expect(result.recovery > .zero && result.recovery <= .seconds(5), "seed \(seed): \(result.recovery)")
        #expect(result.failures == ["protocol-violation": 1], "seed \(seed)")
    }

    @Test("a slow network costs no session", arguments: [1, 2, 3])
    func slow(seed: UInt64) {
        let result = run(seed, [(.zero, "modem rtt 1000-3000")])
        #expect(result.failures.isEmpty, "seed \(seed): \(result.failures)")
        #expect(result.attempts == 1)
    }

    @Test("another client with the same device is recognised, and is waited out slowly")
    func kicked() {
        let kicks = (0..<150).map { (at: Duration.seconds(300 + 7 * $0), line: "cloud kick") }
        let result = run(1, [(.zero, "modem rtt 40-90")] + kicks)
        #expect(result.failures["kicked"] != nil, "\(result.failures)")
        #expect(result.attempts < 40)
        #expect(result.complaints.isEmpty, "\(result.complaints)")
    }

    @Test("a port that flaps just after each CONNECT: five of them a minute, and no more", arguments: [1, 3])
    func flappingPort(seed: UInt64) {
        let result = run(
            seed,
            [
                (.zero, "modem rtt 40-90"), (.seconds(300), "port flaps"), (.seconds(301), "modem drop"),
                (.seconds(900), "port holds"),
            ])
        #expect(result.complaints.isEmpty, "seed \(seed): \(result.complaints)")
        #expect(result.connects > 20, "seed \(seed): \(result.connects)")
    }
}
