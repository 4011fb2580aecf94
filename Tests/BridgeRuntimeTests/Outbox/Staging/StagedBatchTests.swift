import BridgeCore
import NIOCore
import Testing

@testable import BridgeRuntime

@Suite struct StagedBatchTests {
    private static let allocator = ByteBufferAllocator()

    private static var messages: [StagedMessage] {
        var full = NewMessage(
            topic: "/sys/k/d/thing/温度", payload: (0...255).map { UInt8($0) }, qos: 1, alinkID: "1562283421",
            expiresAt: 5, queuedAt: 1_795_668_480_286)
        full.sender = Sender(program: .max, connection: 77)
        full.awaitsReply = true
        full.upcomingID = 99
        let bare = NewMessage(topic: "t", payload: [], qos: 0, queuedAt: .max)
        return [StagedMessage(sequence: 41, message: full), StagedMessage(sequence: 42, message: bare)]
    }

    @Test("A batch is read as it was written, and takes whole blocks")
    func roundTrip() throws {
        let batch = StagedBatch(identity: -5, serial: 7, messages: Self.messages)
        let bytes = try #require(batch.encoded(Self.allocator))
        #expect(bytes.readableBytes == StagedBatch.blockSize)
        #expect(StagedBatch(at: bytes) == batch)
    }

    @Test("A byte that was changed, wherever it is in the batch, makes it none; so does an end that is missing")
    func damage() throws {
        let bytes = try #require(StagedBatch(identity: 1, serial: 1, messages: Self.messages).encoded(Self.allocator))
        let end = try #require(bytes.readableBytesView.lastIndex { $0 != 0 })
        for place in 0...end {
            var damaged = bytes
            damaged.setInteger(bytes.getInteger(at: place, as: UInt8.self)! ^ 0x40, at: place)
            #expect(StagedBatch(at: damaged) == nil, "byte \(place)")
        }
        for length in 0..<end { #expect(StagedBatch(at: bytes.getSlice(at: 0, length: length)!) == nil) }
    }

    @Test("What does not fit into the most blocks is refused", arguments: [1, 2, 100])
    func tooLarge(count: Int) {
        let room = StagedBatch.blockSize * StagedBatch.mostBlocks
        func encoded(_ size: Int) -> ByteBuffer? {
            let message = NewMessage(topic: "t", payload: Array(repeating: 7, count: size), qos: 1, queuedAt: 1)
            let messages = (0..<count).map { StagedMessage(sequence: Int64($0), message: message) }
            return StagedBatch(identity: 1, serial: 1, messages: messages).encoded(Self.allocator)
        }
        #expect(encoded(room / count) == nil)
        #expect(encoded(1 << 24) == nil)
        let fitting = encoded(room / count - 200)
        #expect(fitting.map { $0.readableBytes <= room } == true)
    }

    @Test("Noise is no batch, and neither is one with a length that cannot be")
    func noise() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let bytes = (0..<StagedBatch.blockSize).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(StagedBatch(at: ByteBuffer(bytes: bytes)) == nil)
        }
        var bytes = StagedBatch(identity: 1, serial: 1, messages: Self.messages).encoded(Self.allocator)!
        bytes.setInteger(UInt64.max, at: 16)
        #expect(StagedBatch(at: bytes) == nil)
    }

    @Test("Of two batches with the same place in the queue the later one counts, and those of other outboxes do not")
    func contents() throws {
        func bytes(_ identity: Int64, _ serial: UInt64, _ first: Int64, _ texts: [String]) throws -> ByteBuffer {
            let messages = texts.enumerated().map {
                StagedMessage(sequence: first + Int64($0.offset), message: .test($0.element))
            }
            return try #require(
                StagedBatch(identity: identity, serial: serial, messages: messages).encoded(Self.allocator))
        }
        var file = try bytes(1, 0, 0, [])
        file.writeImmutableBuffer(try bytes(1, 6, 12, ["later"]))
        file.writeImmutableBuffer(try bytes(1, 4, 11, ["one", "failed"]))
        file.writeImmutableBuffer(try bytes(2, 5, 13, ["another outbox's"]))
        file.writeImmutableBuffer(ByteBuffer(repeating: 0, count: 3 * StagedBatch.blockSize))
        let contents = StagingContents(file)
        #expect(contents.identity == 1)
        #expect(contents.nextSerial(of: 1) == 8)
        #expect(contents.nextSerial(of: 3) == 2)
        let messages = contents.messages(of: 1)
        #expect(messages.map(\.sequence) == [11, 12])
        #expect(messages.map { String(decoding: $0.message.payload, as: UTF8.self) } == ["one", "later"])
        #expect(contents.missing(from: 1, received: 11).map(\.sequence) == [12])
        #expect(contents.missing(from: 2, received: 0).map(\.sequence) == [13])
        #expect(contents.missing(from: 3, received: 0).isEmpty)
    }

    @Test("Only what comes behind the newest batch, or begins a round, can hide newer messages")
    func hidden() throws {
        func bytes(_ serial: UInt64, _ text: String) throws -> ByteBuffer {
            let message = StagedMessage(sequence: Int64(serial), message: .test(text))
            return try #require(
                StagedBatch(identity: 1, serial: serial, messages: [message]).encoded(Self.allocator))
        }
        // Blocks 1, 2 (of a round before), 3 to 4, and others.
        var file = try #require(StagedBatch(identity: 1, serial: 0, messages: []).encoded(Self.allocator))
        file.writeImmutableBuffer(try bytes(8, "a"))
        file.writeImmutableBuffer(try bytes(2, "old"))
        file.writeImmutableBuffer(try bytes(9, String(repeating: "x", count: 5000)))
        file.writeImmutableBuffer(ByteBuffer(repeating: 0, count: 5 * StagedBatch.blockSize))
        let most = Int64(Staging.mostTogether)
        // What cannot be read is read as zeros.
        func without(_ blocks: Set<Int>) -> StagingContents {
            var rest = file
            for block in blocks {
                let zeros = [UInt8](repeating: 0, count: StagedBatch.blockSize)
                rest.setBytes(zeros, at: block * StagedBatch.blockSize)
            }
            return StagingContents(rest, unreadable: blocks)
        }
        for (unreadable, blocks) in [
            ([], 0), ([0], 0), ([2], 0), ([5], 1), ([5, 6, 8], 3), ([1], 1), ([1, 2], 2), ([1, 5], 2),
            // One of several blocks, of which the first can be read and is no whole batch.
            ([6, 7], 2),
        ] as [(Set<Int>, Int64)] {
            #expect(without(unreadable).hidden(from: 1) == blocks * most, "\(unreadable)")
        }
        #expect(StagingContents(ByteBuffer(), unreadable: [0, 1, 2]).hidden(from: 1) == 2 * most)
        #expect(without([1]).hidden(from: 3) == 0, "the file is another one's")
    }
}
