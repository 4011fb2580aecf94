import Testing

@testable import BridgeRuntime

/// A trace shows whole packets, whatever the chunks of the line were.
@Suite("Packet trace")
struct PacketTraceTests {
    @Test("packets that come byte by byte are shown whole, once")
    func gathers() {
        var trace = PacketTrace()
        var shown: [[UInt8]] = []
        for byte in [0x20, 0x02, 0x00, 0x00, 0xD0, 0x00] as [UInt8] { shown += trace.received([byte]) }
        #expect(shown == [[0x20, 0x02, 0x00, 0x00], [0xD0, 0x00]])
    }

    @Test("two packets in one chunk are two")
    func splits() {
        var trace = PacketTrace()
        let first = trace.received([0xD0, 0x00, 0x40, 0x02, 0x00, 0x07, 0xD0])
        let second = trace.received([0x00])
        #expect(first == [[0xD0, 0x00], [0x40, 0x02, 0x00, 0x07]])
        #expect(second == [[0xD0, 0x00]])
    }

    @Test("what is no packet is shown as it is, and nothing is held without bound")
    func garbage() {
        var trace = PacketTrace()
        let reserved = trace.received([0x00, 0x01, 0x02])
        #expect(reserved == [[0x00, 0x01, 0x02]])
        // A PUBLISH that announces 256 MiB.
        var shown = 0
        var most = 0
        _ = trace.received([0x30, 0xFF, 0xFF, 0xFF, 0x7F])
        for _ in 0..<100 {
            for piece in trace.received([UInt8](repeating: 0x30, count: 4_096)) {
                shown += piece.count
                most = max(most, piece.count)
            }
        }
        #expect(shown > 300_000)
        #expect(most < 80_000)
    }
}
