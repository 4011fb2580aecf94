import BridgeCore
import Synchronization

/// Many runs on several threads.
public enum Campaign {
    /// Gives out seeds.
    private final class Counter: Sendable {
        private let next = Atomic<Int>(0)

        func take() -> Int { next.add(1, ordering: .relaxed).oldValue }
    }

    /// Carries runs out with seeds from `firstSeed` on. `report` is called from several threads.
    public static func run(
        count: Int, firstSeed: UInt64, workers: Int, _ report: @escaping @Sendable (CampaignRun.Result) -> Void
    ) async {
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<max(1, workers) {
                group.addTask {
                    while true {
                        let index = counter.take()
                        guard index < count else { return }
                        var run = CampaignRun(plan: CampaignPlan(seed: firstSeed &+ UInt64(index)))
                        report(run.run())
                    }
                }
            }
        }
    }
}
