import BridgeCore
import LinkCampaign
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("The link heals itself, in virtual time")
struct CampaignTests {
    @Test("a run is the same each time")
    func repeats() {
        var first = CampaignRun(plan: CampaignPlan(seed: 7))
        var second = CampaignRun(plan: CampaignPlan(seed: 7))
        let (one, other) = (first.run(), second.run())
        #expect(one.recovery == other.recovery)
        #expect(one.failures == other.failures)
        #expect(one.attempts == other.attempts)
    }

    /// 1: busy without end, and AT+RST not tried. 2: ten messages a second became more on the network. 19: a message longer
    /// than the module's buffers. 90: echo taken for PUBACK. 161: busy at another speed. 1239: asked for ever.
    @Test(
        "seeds that found something once, and a few more",
        arguments: [1, 2, 19, 90, 161, 1239] + (20...26).map(UInt64.init))
    func seeds(seed: UInt64) {
        check(seed)
    }

    @Test("the seed of CAMPAIGN_SEED", .enabled(if: CampaignTests.wanted != nil, "CAMPAIGN_SEED is not set"))
    func wantedSeed() {
        if let seed = Self.wanted { check(seed) }
    }

    private static var wanted: UInt64? { getenv("CAMPAIGN_SEED").flatMap { UInt64(String(cString: $0)) } }

    private func check(_ seed: UInt64) {
        let plan = CampaignPlan(seed: seed)
        var run = CampaignRun(plan: plan)
        let result = run.run()
        #expect(result.complaints.isEmpty, "\(CampaignSummary.text(of: result))\(plan.text)")
    }
}
