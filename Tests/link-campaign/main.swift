import Glibc
import LinkCampaign
import Synchronization

// link-campaign RUNS [FIRST-SEED [WORKERS]]: so many runs; exit code 1 when one went against the rules.
// link-campaign trace SEED: one run, with all that is said on the line.
let arguments = Array(CommandLine.arguments.dropFirst())
/// Written at once, so that nothing is missing when the run is ended from outside.
func say(_ text: String) {
    _ = Array((text + "\n").utf8).withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}
if arguments.first == "trace", arguments.count == 2, let seed = UInt64(arguments[1]) {
    let plan = CampaignPlan(seed: seed)
    say(plan.text)
    var run = CampaignRun(plan: plan) { say($0) }
    let result = run.run()
    say(CampaignSummary.text(of: result))
    exit(result.complaints.isEmpty ? 0 : 1)
}
guard let count = Int(arguments.first ?? "1000"), let firstSeed = UInt64(arguments.dropFirst().first ?? "1"),
    let workers = Int(arguments.dropFirst(2).first ?? "\(sysconf(CInt(_SC_NPROCESSORS_ONLN)))"), count > 0
else {
    say("usage: link-campaign RUNS [FIRST-SEED [WORKERS]] | link-campaign trace SEED")
    exit(64)
}
let start = ContinuousClock.now
let summary = Mutex(CampaignSummary())
await Campaign.run(count: count, firstSeed: firstSeed, workers: workers) { result in
    summary.withLock { $0.add(result) }
    guard !result.complaints.isEmpty else { return }
    say(CampaignSummary.text(of: result) + CampaignPlan(seed: result.seed).text)
}
let failed = summary.withLock { summary in
    say(summary.text)
    return summary.failed
}
say("\(count) runs of an hour in \(ContinuousClock.now - start) on \(workers) threads")
exit(failed == 0 ? 0 : 1)
