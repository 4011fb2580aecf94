import BridgeCore
import BridgeRuntime
import Foundation
import TestSupport
import Testing

/// A damaged database loses nothing that was intact, gives out no receipt twice and brings back nothing that had left.
@Suite struct SalvageTests {
    @Test("A database cut short at every page and at odd places", arguments: [false, true], 0..<2)
    func cutShort(keepsLog: Bool, seed: Int) async throws {
        let fixture = try await SalvageFixture.make(keepsLog: keepsLog, seed: seed)
        var random = SplitMix(seed: UInt64(seed + 1))
        for page in 0..<fixture.database.count / SalvageFixture.pageSize {
            // At the page with the first seed, inside of it with the others.
            let odd = seed == 0 ? 0 : Int.random(in: 1..<SalvageFixture.pageSize, using: &random)
            let length = page * SalvageFixture.pageSize + odd
            let outcome = try await SalvageFixture.open(Array(fixture.database.prefix(length)), log: fixture.log)
            // An empty file without a log is an outbox that was never used.
            if length == 0, !keepsLog { continue }
            let intact = fixture.pages.filter { $0.value.allSatisfy { $0 < page } }.map(\.key)
            judge(outcome, fixture, intact: intact, "cut at \(length)")
            // The log may have all that is cut off.
            #expect(outcome.notices.count == 1 || keepsLog, "cut at \(length)")
        }
    }

    @Test("Pages overwritten with noise", arguments: [false, true])
    func noise(keepsLog: Bool) async throws {
        let fixture = try await SalvageFixture.make(keepsLog: keepsLog, seed: 5)
        let pages = fixture.database.count / SalvageFixture.pageSize
        var random = SplitMix(seed: 7)
        for round in 0..<pages * 3 / 2 {
            var database = fixture.database
            // Each page once, and then several at a time.
            let hit = Set(round < pages ? [round] : (0..<3).map { _ in Int.random(in: 0..<pages, using: &random) })
            for page in hit {
                let noise = (0..<SalvageFixture.pageSize).map { _ in UInt8.random(in: 0...255, using: &random) }
                let start = page * SalvageFixture.pageSize
                database.replaceSubrange(start..<(start + noise.count), with: noise)
            }
            let outcome = try await SalvageFixture.open(database, log: fixture.log)
            let intact = fixture.pages.filter { $0.value.isDisjoint(with: hit) }.map(\.key)
            judge(outcome, fixture, intact: intact, "noise on pages \(hit.sorted())")
        }
    }

    @Test("A log cut short: what was folded in before is there")
    func log() async throws {
        let fixture = try await SalvageFixture.make(keepsLog: true, seed: 3)
        for length in stride(from: 0, to: fixture.log.count, by: 31_013) {
            let outcome = try await SalvageFixture.open(fixture.database, log: Array(fixture.log.prefix(length)))
            #expect(outcome.books.balance == 0 && outcome.isBalanced)
            // Each message is in the database or comes with the log; the newest cannot be missed, as nothing tells of them.
            let intact = fixture.pages.filter { !$0.value.isEmpty }.map(\.key)
            #expect(Set(intact).isSubset(of: outcome.waiting.keys), "log of \(length) bytes")
        }
    }

    private func judge(
        _ outcome: SalvageFixture.Outcome, _ fixture: SalvageFixture, intact: some Collection<Int64>,
        _ what: Comment
    ) {
        let lost = Set(intact).subtracting(outcome.waiting.keys)
        #expect(lost.isEmpty, what)
        let wrong = outcome.waiting.filter { fixture.waiting[$0.key] != $0.value }.map(\.key)
        #expect(wrong.isEmpty, what)
        #expect(outcome.books.balance == 0 && outcome.isBalanced, what)
        #expect(outcome.books.waiting == Int64(outcome.waiting.count), what)
        let largest = outcome.waiting.keys.max() ?? 0
        #expect(outcome.next > largest, what)
        if case .setAside(let path, _, let brought, let missing, let hindrance) = outcome.notices.first {
            #expect(path.contains(".corrupt-") && hindrance == nil, what)
            #expect(brought == outcome.books.waiting && missing == outcome.books.dropped[.damaged] ?? 0, what)
        } else {
            // Nothing was found wrong: then nothing is.
            #expect(outcome.waiting.keys == fixture.waiting.keys, what)
        }
    }
}
