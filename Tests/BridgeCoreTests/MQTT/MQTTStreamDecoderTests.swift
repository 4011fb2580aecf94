import TestSupport
import Testing

@testable import BridgeCore

struct MQTTStreamDecoderTests {
    private static func drain(_ decoder: inout MQTTStreamDecoder) throws -> [MQTTPacket] {
        var packets: [MQTTPacket] = []
        while let packet = try decoder.next() { packets.append(packet) }
        return packets
    }

    @Test(arguments: MQTTCutting.allCases)
    func `chunks mean nothing`(_ cutting: MQTTCutting) throws {
        let stream = MQTTSample.all.flatMap(\.bytes)
        var decoder = MQTTStreamDecoder(maximumPacketSize: 100)
        var packets: [MQTTPacket] = []
        for chunk in cutting.cut(stream) {
            decoder.append(chunk)
            packets += try Self.drain(&decoder)
        }
        #expect(packets == MQTTSample.all.map(\.packet))
        #expect(decoder.waitingBytes == 0)
    }

    @Test(arguments: [
        "F0", "36", "61", "38", "C1", "C0 01", "40 80 01", "30 FF FF FF FF", "30 FF 7F", "10 03", "20 82 01",
    ])
    func `an impossible beginning is refused at once`(_ bytes: String) throws {
        var decoder = MQTTStreamDecoder(maximumPacketSize: 10_000)
        decoder.append(mqtt("D0 00")[...])
        #expect(try decoder.next() == .pingResp)
        #expect(try decoder.next() == nil)
        decoder.append(mqtt(bytes)[...])
        #expect(throws: MQTTError.self) { try decoder.next() }
    }

    @Test func `the greatest packet passes and one byte more does not`() throws {
        let good = MQTTPacket.publish(.init(topic: "t", payload: [UInt8](repeating: 1, count: 194)))
        var decoder = MQTTStreamDecoder(maximumPacketSize: 200)
        decoder.append(good.encoded()[...])
        #expect(good.encoded().count == 200)
        #expect(try decoder.next() == good)
        let bad = MQTTPacket.publish(.init(topic: "t", payload: [UInt8](repeating: 1, count: 195))).encoded()
        decoder.append(bad.prefix(3))
        #expect(throws: MQTTError.self) { try decoder.next() }
    }

    @Test func `after an error the stream stays unreadable, and keeps nothing`() throws {
        var decoder = MQTTStreamDecoder(maximumPacketSize: 200)
        decoder.append(mqtt("00")[...])
        let first = #expect(throws: MQTTError.self) { try decoder.next() }
        decoder.append(mqtt("C0 00")[...])
        let second = #expect(throws: MQTTError.self) { try decoder.next() }
        #expect(first == second)
        #expect(decoder.waitingBytes == 0)
    }

    @Test(arguments: [UInt64(11), 12, 13, 14])
    func `random bytes end in an error or a bounded wait`(_ seed: UInt64) {
        var generator = SplitMix(seed: seed)
        var errors = 0
        var decoder = MQTTStreamDecoder(maximumPacketSize: 4096)
        var fed = 0
        while fed < 256 * 1024 {
            let chunk = (0..<Int.random(in: 1...256, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            fed += chunk.count
            decoder.append(chunk[...])
            do {
                while try decoder.next() != nil {}
                #expect(decoder.waitingBytes <= 4096)
            } catch {
                errors += 1
                decoder = MQTTStreamDecoder(maximumPacketSize: 4096)
            }
        }
        #expect(errors > 100, "seed \(seed)")
    }

    @Test(arguments: [UInt64(21), 22])
    func `packets with random changes are refused or read, and read ones can be written again`(_ seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = MQTTSample.all[Int.random(in: 0..<MQTTSample.all.count, using: &generator)].bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let (packet, _) = (try? MQTTPacket.decodeFirst(bytes[...])) ?? nil else { continue }
            read += 1
            #expect(try MQTTPacket.decode(packet.strictlyEncoded()) == packet)
        }
        #expect(read > 100, "seed \(seed)")
    }

    @Test(.timeLimit(.minutes(1)))
    func `many small packets in one chunk are read in linear time`() throws {
        // Removing each from the front would move a megabyte a million times: minutes.
        var decoder = MQTTStreamDecoder(maximumPacketSize: 100)
        decoder.append([UInt8](repeating: 0, count: 2_000_000).indices.map { $0 % 2 == 0 ? 0xD0 : 0 }[...])
        #expect(try Self.drain(&decoder).count == 1_000_000)
    }
}
