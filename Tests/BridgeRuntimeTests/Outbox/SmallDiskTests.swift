import BridgeCore
import BridgeRuntime
import Foundation
import Glibc
import Testing

/// A small file system of its own; mounting takes root's rights.
private final class SmallDisk {
    let path: String

    static let isPossible: Bool = (try? SmallDisk()) != nil

    struct NotPermitted: Error {}

    init(megabytes: Int = 1) throws {
        path = "/tmp/eb-disk-\(UUID().uuidString.prefix(8))"
        mkdir(path, 0o700)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            rmdir(path)
            throw NotPermitted()
        }
    }

    deinit {
        // Detached, so that a failed test leaves nothing mounted.
        umount2(path, CInt(MNT_DETACH))
        rmdir(path)
    }
}

@Suite(.enabled(if: SmallDisk.isPossible)) struct SmallDiskTests {
    @Test("A disk that is full refuses, is read and emptied all the same, and takes messages again")
    func fullDisk() async throws {
        let disk = try SmallDisk()
        let outbox = try Outbox(path: disk.path + "/outbox.db", limits: OutboxLimits())
        var stored: [Int64] = []
        var refused = 0
        for _ in 0..<2000 {
            switch await outbox.append(.test(String(repeating: "x", count: 1000))) {
            case .success(let appended): stored.append(appended.sequence)
            case .failure(let refusal):
                #expect(refusal.error == .diskFull)
                refused += 1
            }
        }
        // The log alone would be full after some 60.
        #expect(stored.count > 200)
        #expect(refused > 0)
        #expect(try await outbox.next().map(\.sequence) == stored)
        for sequence in stored.prefix(50) { #expect(await outbox.remove(sequence, as: .delivered)) }
        stored.append(try await outbox.receipt(.test("again")))
        #expect(outbox.books.balance == 0)
        let books = outbox.books
        outbox.close()
        let reopened = try Outbox(path: disk.path + "/outbox.db", limits: OutboxLimits())
        #expect(reopened.notices.isEmpty)
        #expect(reopened.books == books)
        #expect(try await reopened.next().map(\.sequence) == Array(stored.dropFirst(50)))
        reopened.close()
    }

    @Test("Where there is no room to save what a damaged database holds, it stays as it is until there is")
    func noRoomToSave() async throws {
        let disk = try SmallDisk(megabytes: 4)
        let path = disk.path + "/outbox.db"
        let outbox = try Outbox(path: path, limits: OutboxLimits())
        let count: Int64 = 1000
        for _ in 1..<count { outbox.append(.test(String(repeating: "x", count: 1000))) { _ in } }
        #expect(try await outbox.receipt(.test("last")) == count)
        outbox.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: 400 << 10)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 1024))
        try file.close()
        let damaged = try Data(contentsOf: URL(fileURLWithPath: path))
        let filler = disk.path + "/filler"
        let room = try FileManager.default.attributesOfFileSystem(forPath: disk.path)[.systemFreeSize] as? Int
        try Data(count: try #require(room) - 600_000).write(to: URL(fileURLWithPath: filler))

        let refusal = #expect(throws: OutboxError.self) { try Outbox(path: path, limits: OutboxLimits()) }
        #expect(refusal?.description.contains("Make room for a copy of it") == true)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: disk.path).contains { $0.contains(".corrupt-") }
                == false)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == damaged)

        try FileManager.default.removeItem(atPath: filler)
        let reopened = try Outbox(path: path, limits: OutboxLimits())
        guard case .setAside(_, _, let brought, let missing?, _) = try #require(reopened.notices.first) else {
            Issue.record("nothing was brought over: \(reopened.notices)")
            return
        }
        #expect(brought + missing == count && 1...40 ~= missing)
        #expect(try await reopened.receipt(.test("next")) == count + 1)
        reopened.close()
    }

    @Test("All that waits on a full disk can be purged")
    func purge() async throws {
        let disk = try SmallDisk(megabytes: 2)
        let outbox = try Outbox(path: disk.path + "/outbox.db", limits: OutboxLimits())
        var stored = 0
        for number in 0..<8000 {
            let message = NewMessage(
                topic: "/sys/a1B2c3D4e5F/gateway-1/thing/event/property/post",
                payload: [UInt8](repeating: 0x20, count: 90),
                qos: 1, alinkID: "77668\(number)", queuedAt: 1_000_000)
            if case .success = await outbox.append(message) { stored += 1 }
        }
        #expect(stored > 2000)
        #expect(stored < 8000, "the disk is not full")
        let purged = await withCheckedContinuation { continuation in
            outbox.purge(nil, at: 1_000_000) { continuation.resume(returning: $0) }
        }
        #expect(purged == stored)
        #expect(outbox.books.waiting == 0)
        outbox.close()
    }

    @Test("Receipts give way to new messages: a small disk does not fill up with them")
    func receiptsGiveWay() async throws {
        let disk = try SmallDisk()
        let outbox = try Outbox(path: disk.path + "/outbox.db", limits: OutboxLimits())
        for batch in 1...100 as ClosedRange<Int64> {
            for _ in 1..<200 { outbox.append(.test("x")) { _ in } }
            #expect(try await outbox.receipt(.test("x")) == batch * 200)
            for waiting in try await outbox.take() { outbox.remove(waiting.sequence, as: .delivered, at: 1_000_000) }
        }
        #expect(try await outbox.receipt(.number(1)) == nil)
        #expect(try await outbox.receipt(.number(19_000))?.state == .delivered)
        outbox.close()
    }

    @Test("The log never takes the room that folding it into the database needs", arguments: [2, 4, 16])
    func log(megabytes: Int) async throws {
        let disk = try SmallDisk(megabytes: megabytes)
        let outbox = try Outbox(path: disk.path + "/outbox.db", limits: OutboxLimits())
        // One commit each: the log takes several times what the database does.
        var stored: [Int64] = []
        var refused = 0
        while refused < 20 {
            switch await outbox.append(.test(String(repeating: "x", count: 1000))) {
            case .success(let appended): stored.append(appended.sequence)
            case .failure: refused += 1
            }
        }
        #expect(stored.count > megabytes * 400)
        for sequence in stored.prefix(20) { #expect(await outbox.remove(sequence, as: .delivered)) }
        #expect(try await outbox.receipt(.test("again")) == stored.count + 1)
        outbox.close()
    }
}
