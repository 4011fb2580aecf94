import BridgeCore

/// What many runs have shown together.
public struct CampaignSummary: Sendable {
    public private(set) var failed = 0
    private var runs = 0
    private var messages = 0
    private var damaged = 0
    private var attempts = 0
    private var connects = 0
    private var repairs: [Repair: Int] = [:]
    private var failures: [String: Int] = [:]
    private var recoveries: [Duration] = []
    private var nearest = 0.0

    public init() {}

    public mutating func add(_ result: CampaignRun.Result) {
        runs += 1
        failed += result.complaints.isEmpty ? 0 : 1
        messages += result.messages
        damaged += result.damaged
        attempts += result.attempts
        connects += result.connects
        repairs.merge(result.repairs) { $0 + $1 }
        failures.merge(result.failures) { $0 + $1 }
        recoveries.append(result.recovery)
        nearest = max(nearest, result.recovery / result.bound)
    }

    public var text: String {
        let sorted = recoveries.sorted()
        func part(_ share: Double) -> String {
            sorted.isEmpty
                ? "-" : "\(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))].inMilliseconds) ms"
        }
        let byRepair = repairs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let byWord = failures.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return """
            \(runs) runs, \(failed) against the rules; \(messages) messages, of which \(damaged) damaged on the serial line
            online again after the last fault: median \(part(0.5)), 90 % \(part(0.9)), 99 % \(part(0.99)), \
            longest \(part(1)); at most \(Int(nearest * 100)) % of the bound
            \(attempts) attempts (\(byRepair)), \(connects) CONNECTs
            causes: \(byWord)
            """
    }

    /// One run in words.
    public static func text(of result: CampaignRun.Result) -> String {
        let verdict = result.complaints.isEmpty ? "good" : "against the rules, CAMPAIGN_SEED=\(result.seed)"
        return "seed \(result.seed): \(verdict); online \(result.recovery) after the last fault "
            + "(bound \(result.bound))\n" + result.complaints.map { "  \($0)\n" }.joined()
    }
}
