import Testing

@testable import BridgeCore

/// The MQTT side as packets. How others read them is tested with tshark, end to end.
@Suite struct SyntheticTCPTests {
    private func number(_ packet: [UInt8], at offset: Int, bytes: Int) -> Int {
        packet[offset..<(offset + bytes)].reduce(0) { $0 << 8 + Int($1) }
    }

    @Test func handshakeDataAndEnd() {
        var tcp = SyntheticTCP()
        let packets =
            tcp.packets(.opened) + tcp.packets(.sent([0xC0, 0])) + tcp.packets(.received([0xD0, 0]))
            + tcp.packets(.closed)
        #expect(packets.map { $0[33] } == [0x02, 0x12, 0x10, 0x18, 0x18, 0x11, 0x11, 0x10])
        for packet in packets { #expect(number(packet, at: 2, bytes: 2) == packet.count) }
        #expect(packets[3].suffix(2) == [0xC0, 0])
        // What one side acknowledges is what the other has sent.
        #expect(number(packets[4], at: 28, bytes: 4) == number(packets[3], at: 24, bytes: 4) + 2)
        #expect(tcp.packets(.closed).isEmpty)
    }

    @Test func longWritesAreSegments() {
        var tcp = SyntheticTCP()
        _ = tcp.packets(.opened)
        let packets = tcp.packets(.sent([UInt8](repeating: 7, count: 3000)))
        #expect(packets.map(\.count) == [1500, 1500, 120])
        #expect(number(packets[2], at: 24, bytes: 4) - number(packets[0], at: 24, bytes: 4) == 2920)
    }

    @Test func aRecordingThatBeginsInTheMiddleGetsABeginning() {
        var tcp = SyntheticTCP()
        #expect(tcp.packets(.received([1])).count == 4)
        #expect(tcp.packets(.received([1])).count == 1)
    }

    @Test func eachConnectionHasAPortOfItsOwn() {
        var tcp = SyntheticTCP()
        let ports = (0..<3).map { _ in number(tcp.packets(.opened).last ?? [], at: 20, bytes: 2) }
        #expect(Set(ports).count == 3)
    }

    @Test func blocksOfAFile() {
        let file =
            PcapNG.beginning(application: "test") + PcapNG.packet([1, 2, 3, 4, 5], milliseconds: 1_795_000_000_000)
        var offset = 0
        var types: [Int] = []
        while offset < file.count {
            func little(_ at: Int) -> Int { (0..<4).reversed().reduce(0) { $0 << 8 + Int(file[at + $1]) } }
            let length = little(offset + 4)
            #expect(length % 4 == 0)
            #expect(little(offset + length - 4) == length)
            types.append(little(offset))
            offset += length
        }
        #expect(types == [0x0A0D_0D0A, 1, 6])
    }

    @Test(arguments: [StreamEvent.opened, .closed, .sent([1, 2, 255]), .received([])])
    func eventsOfTheDaemonAreRead(event: StreamEvent) {
        let member: JSONValue.Member =
            switch event {
            case .opened: .init("opened", true)
            case .closed: .init("closed", true)
            case .sent: .init("sent", "AQL/")
            case .received: .init("received", "")
            }
        #expect(StreamEvent(.object([.init("event", "stream"), .init("at_ms", 1), member])) == event)
        #expect(StreamEvent(.object([.init("event", "line"), member])) == nil)
    }
}
