import TestSupport
import Testing

@testable import BridgeCore

/// Packet mode on its own: event gives action. The conversations stand in the transcripts `packet-*.at`.
@Suite struct PacketTunnelTests {
    static let start = Moment(nanoseconds: 1_000_000_000)

    static func after(_ milliseconds: Int) -> Moment { start + .milliseconds(milliseconds) }

    /// On a line that takes no time to speak of.
    static func tunnel(baud: Int = 1_000_000_000) -> PacketTunnel {
        PacketTunnel(ssid: "workshop", wire: Wire(baud: baud))
    }

    static func hear(_ text: String, _ tunnel: inout PacketTunnel, at now: Moment) -> [PacketTunnel.Output] {
        tunnel.received(Array(text.utf8)[...], now: now)
    }

    static func sent(_ outputs: [PacketTunnel.Output]) -> [[UInt8]] {
        outputs.compactMap {
            switch $0 {
            case .send(let bytes), .forward(let bytes): bytes
            default: nil
            }
        }
    }

    @Test func whatWaitsGoesInPiecesOfTheLongestKind() {
        let stream = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var tunnel = Self.tunnel()
        var pieces: [[UInt8]] = []
        var outputs = tunnel.write(stream, now: Self.start)
        for count in [2048, 2048, 904] {
            #expect(Self.sent(outputs) == [Array("AT+CIPSEND=\(count)\r\n".utf8)])
            pieces += Self.sent(Self.hear("\r\nOK\r\n> ", &tunnel, at: Self.start))
            outputs = Self.hear("\r\nRecv \(count) bytes\r\n\r\nSEND OK\r\n", &tunnel, at: Self.start)
        }
        #expect(Self.sent(outputs) == [])
        #expect(pieces.map(\.count) == [2048, 2048, 904])
        #expect(pieces.flatMap { $0 } == stream)
        #expect(tunnel.deadline == nil)
    }

    /// Three `+` by themselves cancel AT+CIPSEND; behind a cut they would stand alone in the next piece.
    @Test(arguments: [3, 4, 7, 2048, 2049, 2050, 2051, 2052, 4099])
    func noPieceIsOrEndsWithThreePlus(length: Int) {
        let stream = [UInt8](repeating: UInt8(ascii: "x"), count: length - 3) + Array("+++".utf8)
        var tunnel = Self.tunnel()
        var came: [UInt8] = []
        var outputs = tunnel.write(stream, now: Self.start)
        while !Self.sent(outputs).isEmpty {
            let piece = Self.sent(Self.hear("\r\nOK\r\n> ", &tunnel, at: Self.start)).first ?? []
            #expect(!piece.suffix(3).elementsEqual("+++".utf8))
            came += piece
            outputs = Self.hear("\r\nRecv \(piece.count) bytes\r\n\r\nSEND OK\r\n", &tunnel, at: Self.start)
        }
        #expect(came == stream)
    }

    @Test func itSaysHowLongBytesWaited() {
        // 1,000 bytes a second.
        var tunnel = Self.tunnel(baud: 10_000)
        _ = tunnel.write([UInt8](repeating: 1, count: 1000), now: Self.start)
        let first = Self.hear("\r\nOK\r\n> ", &tunnel, at: Self.after(50))
        #expect(first.contains(.held(since: Self.start, waiting: 1000)))
        // Written while the line is busy with the first piece, until 1,050 ms: it could not have left before.
        _ = tunnel.write([UInt8](repeating: 2, count: 10), now: Self.after(100))
        _ = Self.hear("\r\nRecv 1000 bytes\r\n", &tunnel, at: Self.after(1060))
        _ = tunnel.write([UInt8](repeating: 3, count: 10), now: Self.after(1200))
        _ = Self.hear("\r\nSEND OK\r\n", &tunnel, at: Self.after(1500))
        let second = Self.hear("\r\nOK\r\n> ", &tunnel, at: Self.after(1550))
        #expect(second.contains(.held(since: Self.after(1050), waiting: 20)))
    }

    /// The limits count from the last byte on the wire.
    @Test func aSlowLineHasItsTime() {
        var tunnel = Self.tunnel(baud: 10_000)
        _ = tunnel.write([UInt8](repeating: 1, count: 1000), now: Self.start)
        let command = Duration.milliseconds("AT+CIPSEND=1000\r\n".utf8.count)
        #expect(tunnel.deadline == Self.start + command + PacketTunnel.promptLimit)
        _ = Self.hear("\r\nOK\r\n> ", &tunnel, at: Self.after(100))
        #expect(tunnel.deadline == Self.after(1100) + PacketTunnel.countLimit)
        #expect(tunnel.timerFired(now: Self.after(3099)) == [])
        #expect(Self.sent(tunnel.timerFired(now: Self.after(3100))) == [Array("+++".utf8)])
        let canceled = Self.hear("\r\nSEND Canceled\r\n", &tunnel, at: Self.after(3130))
        #expect(canceled.last == .failed(.bytesLost(fromModem: false)))
        #expect(tunnel.timerFired(now: Self.after(9999)) == [])
        #expect(Self.hear("CLOSED\r\n", &tunnel, at: Self.after(9999)) == [])
    }

    @Test func aSecondWordOfTheEndIsTheBetterReason() {
        var tunnel = Self.tunnel()
        _ = Self.hear("CLOSED\r\n", &tunnel, at: Self.start)
        #expect(tunnel.deadline == Self.start + PacketTunnel.lastWords)
        let outputs = Self.hear("WIFI DISCONNECT\r\n", &tunnel, at: Self.after(50))
        #expect(outputs.last == .failed(.accessPointLost(ssid: "workshop")))
    }

    @Test func leavingAnIdleLinkIsDoneAtOnce() {
        var tunnel = Self.tunnel()
        #expect(tunnel.leave(now: Self.start) == [.finished])
    }

    @Test func theReaderKeepsNoMoreThanALine() {
        var reader = PacketReader()
        var noise = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)[...]
        #expect(reader.next(&noise) == nil)
        var end = Array("+IPD,70000:\r\n+IPD,3:abcd".utf8)[...]
        guard case .line(let line, isGlued: false)? = reader.next(&end) else {
            Issue.record("no line")
            return
        }
        #expect(line.ends(with: "xx+IPD,70000:"), "no segment is so long")
        #expect(reader.next(&end) == .payload(Array("abc".utf8)))
        #expect(reader.next(&end) == nil)
        var more = Array("\n+IPD,4:ab\r\n".utf8)[...]
        guard case .line(let rest, isGlued: true)? = reader.next(&more) else {
            Issue.record("no line")
            return
        }
        #expect(rest.isWhole("d"))
        #expect(reader.next(&more) == nil)
        #expect(reader.holdsPayload)
        #expect(reader.release() == Array("ab\r\n".utf8))
        #expect(!reader.holdsPayload)
    }

    static let vocabulary: [[UInt8]] = [
        "\r\nOK\r\n", "\r\nERROR\r\n", "\r\nbusy s...\r\n", "\r\nSEND OK\r\n", "\r\nSEND FAIL\r\n",
        "\r\nRecv 3 bytes\r\n",
        "CLOSED\r\n", "> ", "\r\n>", "\r\n+IPD,2:", "\r\n+IPD,3:abc", "CONNECT\r\n", "link is not valid\r\n",
        "AT\r\r\n",
        "\0\u{7F}\r", "WIFI GOT IP\r\n", "+IPD,", ":", "\r\nSEND Canceled\r\n",
    ].map { Array($0.utf8) }

    /// Words of the module in any order: there is always an end, and nothing but commands leaves without a prompt.
    @Test(arguments: [UInt64](1...200))
    func anEndIsAlwaysReached(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var tunnel = Self.tunnel(baud: 115_200)
        var now = Self.start
        var isOver = false
        var promptedAt: Moment?
        func judge(_ outputs: [PacketTunnel.Output]) {
            for output in outputs {
                #expect(!isOver, "\(output) after the end, seed \(seed)")
                switch output {
                case .held: promptedAt = now
                case .send(let bytes), .forward(let bytes):
                    let isOwn = bytes.starts(with: "AT".utf8) || bytes == Array("+++".utf8)
                    #expect(promptedAt == now || isOwn, "seed \(seed)")
                    if promptedAt != now { promptedAt = nil }
                case .failed, .finished: isOver = true
                case .deliver, .toModem, .fromModem: break
                }
            }
        }
        for _ in 0..<400 where !isOver {
            promptedAt = nil
            if Int.random(in: 0...3, using: &random) == 0 { judge(tunnel.write([1, 2, 3], now: now)) }
            let piece = tunnel.waiting.isEmpty ? 3 : tunnel.piece
            let likely = ["\r\nOK\r\n> ", "\r\nRecv \(piece) bytes\r\n", "\r\nSEND OK\r\n"].map { Array($0.utf8) }
            let words = seed.isMultiple(of: 3) ? Self.vocabulary : likely
            judge(tunnel.received((words.randomElement(using: &random) ?? [])[...], now: now))
            if Int.random(in: 0...300, using: &random) == 0 { judge(tunnel.leave(now: now)) }
            let end = now + .milliseconds(Int.random(in: 0...700, using: &random))
            while let deadline = tunnel.deadline, deadline <= end, !isOver {
                now = max(now, deadline)
                promptedAt = nil
                judge(tunnel.timerFired(now: now))
            }
            now = end
        }
        let limit = now + .seconds(60)
        while let deadline = tunnel.deadline, !isOver {
            #expect(deadline <= limit, "seed \(seed)")
            now = max(now, deadline)
            judge(tunnel.timerFired(now: now))
            if now > limit { break }
        }
        #expect(isOver || tunnel.phase == .idle, "seed \(seed)")
    }

    @Test func aMebibyteOfNoise() {
        var random = SplitMix(seed: 20)
        var tunnel = Self.tunnel(baud: 115_200)
        var now = Self.start
        for _ in 0..<256 {
            _ = tunnel.write([1, 2, 3], now: now)
            let noise = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = tunnel.received(noise[...], now: now)
            now = now + .milliseconds(100)
            if let deadline = tunnel.deadline, deadline <= now { _ = tunnel.timerFired(now: now) }
        }
        #expect(tunnel.phase == .over)
    }
}
