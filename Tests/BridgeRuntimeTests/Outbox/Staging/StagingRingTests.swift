import TestSupport
import Testing

@testable import BridgeRuntime

@Suite struct StagingRingTests {
    @Test("Batches never overlap, and every block is used again once what was in it has left", arguments: 1...20)
    func random(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var ring = StagingRing(size: 32)
        var held: [(blocks: Range<Int>, last: Int64)] = []
        var used: Set<Int> = []
        for last in 1...2000 as ClosedRange<Int64> {
            let count = Int.random(in: 1...8, using: &random)
            if let start = ring.reserve(count, last: last) {
                let blocks = start..<(start + count)
                #expect(blocks.upperBound <= 32)
                #expect(!held.contains { $0.blocks.overlaps(blocks) })
                held.append((blocks, last))
                used.formUnion(blocks)
            } else {
                #expect(!held.isEmpty, "an empty ring has room")
            }
            if Bool.random(using: &random), let some = held.randomElement(using: &random) {
                ring.release(upTo: some.last)
                held.removeAll { $0.last <= some.last }
            }
            #expect(ring.isHalfFull == (held.reduce(0) { $0 + $1.blocks.count } >= 16))
        }
        #expect(used.count == 32)
    }

    @Test("What is larger than the file has no room in it")
    func tooLarge() {
        var ring = StagingRing(size: 4)
        #expect(ring.reserve(5, last: 1) == nil)
        #expect(ring.reserve(4, last: 1) == 0)
        #expect(ring.reserve(1, last: 2) == nil)
    }
}
