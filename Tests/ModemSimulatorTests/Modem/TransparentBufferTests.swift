import BridgeCore
import Testing

@testable import ModemSimulator

@Suite struct TransparentBufferTests {
    private static func at(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

    private static func filling(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func flushesTwentyMillisecondsAfterTheLastChunk() {
        var buffer = TransparentBuffer()
        #expect(buffer.received(Self.bytes("ab")[...], now: Self.at(0)).isEmpty)
        #expect(buffer.deadline == Self.at(20))
        #expect(buffer.received(Self.bytes("cd")[...], now: Self.at(19)).isEmpty)
        #expect(buffer.deadline == Self.at(39))
        #expect(buffer.silenceReached() == .packet(Self.bytes("abcd")))
        #expect(buffer.deadline == nil)
    }

    @Test func flushesAtItsSize() {
        var buffer = TransparentBuffer()
        let data = Self.filling(2921)
        #expect(buffer.received(data[..<2919], now: Self.at(0)).isEmpty)
        #expect(buffer.received(data[2919...], now: Self.at(1)) == [.packet(Array(data[..<2920]))])
        #expect(buffer.packetTaken() == nil)
        #expect(buffer.silenceReached() == .packet([data[2920]]))
    }

    @Test func secondBufferWaitsForTheFirst() {
        var buffer = TransparentBuffer()
        let data = Self.filling(5840)
        #expect(buffer.received(data[...], now: Self.at(0)) == [.packet(Array(data[..<2920]))])
        #expect(buffer.packetTaken() == .packet(Array(data[2920...])))
    }

    @Test func whatIsDueGoesWhenTheFirstIsTaken() {
        var buffer = TransparentBuffer()
        _ = buffer.received(Self.bytes("one")[...], now: Self.at(0))
        #expect(buffer.silenceReached() == .packet(Self.bytes("one")))
        _ = buffer.received(Self.bytes("two")[...], now: Self.at(30))
        #expect(buffer.silenceReached() == nil)
        #expect(buffer.packetTaken() == .packet(Self.bytes("two")))
    }

    @Test(arguments: [(5840, 0), (5841, 1), (6840, 1000)])
    func newestBytesAreLost(count: Int, lost: Int) {
        var buffer = TransparentBuffer()
        let data = Self.filling(count)
        #expect(buffer.received(data[...], now: Self.at(0)) == [.packet(Array(data[..<2920]))])
        #expect(buffer.lost == lost)
        #expect(buffer.packetTaken() == .packet(Array(data[2920..<5840])))
        _ = buffer.packetTaken()
        _ = buffer.received([1], now: Self.at(50))
        #expect(buffer.silenceReached() == .packet([1]))
    }

    /// Chunks and the milliseconds before each; the outcome of the silence after them.
    @Test(
        arguments: [
            ([("+++", 100)], nil),
            ([("+", 100), ("+", 19), ("+", 19)], nil),
            ([("+++\r\n", 100)], "+++\r\n"),
            ([("++++", 100)], "++++"),
            ([("++", 100)], "++"),
            ([("x", 100), ("+++", 10)], "x+++"),
            ([("+++", 100), ("x", 10)], "+++x"),
        ] as [([(String, Int64)], String?)])
    func escapeIsExactlyThreeCharactersAlone(chunks: [(String, Int64)], data: String?) {
        var buffer = TransparentBuffer()
        var time: Int64 = 0
        for (text, pause) in chunks {
            time += pause
            #expect(buffer.received(Self.bytes(text)[...], now: Self.at(time)).isEmpty)
        }
        #expect(buffer.silenceReached() == data.map { .packet(Self.bytes($0)) } ?? .escape)
    }

    @Test func tailOfALongBurstIsTakenForTheEscape() {
        var buffer = TransparentBuffer()
        let data = Self.filling(2920) + Self.bytes("+++")
        #expect(buffer.received(data[...], now: Self.at(0)).count == 1)
        #expect(buffer.packetTaken() == nil)
        #expect(buffer.silenceReached() == .escape)
    }

    @Test(arguments: [(20, false), (21, true)] as [(Int64, Bool)])
    func whileAPacketIsInFlightTheEscapeNeedsSilenceBefore(pause: Int64, isEscape: Bool) {
        var buffer = TransparentBuffer()
        #expect(buffer.received(Self.filling(2920)[...], now: Self.at(0)).count == 1)
        _ = buffer.received(Self.bytes("+++")[...], now: Self.at(pause))
        #expect(buffer.silenceReached() == (isEscape ? .escape : nil))
        #expect(buffer.packetTaken() == (isEscape ? nil : .packet(Self.bytes("+++"))))
    }

    @Test func lossOfTheConnectionThrowsAwayWhatWasNotSent() {
        var buffer = TransparentBuffer()
        _ = buffer.received(Self.filling(4000)[...], now: Self.at(0))
        buffer.discard()
        #expect(buffer.silenceReached() == nil)
        _ = buffer.received([7], now: Self.at(50))
        #expect(buffer.silenceReached() == .packet([7]))
    }
}

extension Array<UInt8> {
    /// Whether the bytes stand somewhere in these.
    func contains(_ pattern: [UInt8]) -> Bool {
        count >= pattern.count
            && (0...(count - pattern.count)).contains { self[$0..<($0 + pattern.count)] == pattern[...] }
    }
}
