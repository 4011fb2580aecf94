import BridgeCore
import Testing

/// Ways to cut a stream into pieces; parsers have to give the same result for all of them.
enum StreamPieces: CustomTestStringConvertible, CaseIterable {
    case whole, bytes, pairs, random1, random2, random3

    var testDescription: String { "\(self)" }

    func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var sizes: any IteratorProtocol<Int>
        switch self {
        case .whole: return [bytes[...]]
        case .bytes: sizes = AnyIterator { 1 }
        case .pairs: sizes = AnyIterator { 2 }
        case .random1: sizes = RandomSizes(seed: 1)
        case .random2: sizes = RandomSizes(seed: 2)
        case .random3: sizes = RandomSizes(seed: 3)
        }
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = sizes.next() ?? 1
            pieces.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return pieces
    }

    private struct RandomSizes: IteratorProtocol {
        var generator: StreamGenerator

        init(seed: UInt64) { generator = StreamGenerator(seed: seed) }

        mutating func next() -> Int? { Int.random(in: 1...40, using: &generator) }
    }
}

/// splitmix64, for tests that can be repeated.
struct StreamGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
