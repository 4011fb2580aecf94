import BridgeCore
import Foundation
import GRDB
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import BridgeRuntime

private enum Disk {
    static let takesDirectWrites: Bool = {
        guard let folder = try? TemporaryFolder(), let file = try? StagingFile(database: folder.database, identity: 1)
        else {
            return false
        }
        file.closeEvent()
        return true
    }()
}

/// The real file, on the real disk.
@Suite(.enabled(if: Disk.takesDirectWrites, "the file system of /tmp takes no O_DIRECT"))
struct StagingFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// An outbox that stages on a loop of its own.
    private func staging(_ limits: OutboxLimits = OutboxLimits()) async throws -> Outbox {
        let outbox = try Outbox(path: folder.database, limits: limits)
        try await outbox.stage(on: MultiThreadedEventLoopGroup.singleton.next()) { Issue.record("not staged: \($0)") }
            .get()
        return outbox
    }

    @Test("What was answered stands in the file, which only its owner reads")
    func file() async throws {
        let outbox = try await staging()
        for index in 1...40 { #expect(try await outbox.receipt(.test("\(index)")) == index) }
        let contents = try StagingContents(database: folder.database)
        let identity = try #require(contents.identity)
        #expect(contents.messages(of: identity).map(\.sequence) == Array(1...40))
        let file = StagingContents.path(of: folder.database)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.size] as? Int == StagingFile.size)
        #expect(try await outbox.texts() == (1...40).map { "\($0)" })
        outbox.close()
        #expect(try QueueInspector(path: folder.database).verify().rows == 40)
    }

    /// Whether poll(2) finds the event within so many milliseconds.
    private func hears(_ file: StagingFile, within patience: CInt) -> Bool {
        var wait = pollfd(fd: file.event, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, patience) == 1
    }

    @Test("A result is found by polling where writes are quick, taken once, and its event can be forgotten")
    func polling() throws {
        let file = try StagingFile(database: folder.database, identity: 1)
        defer { file.closeEvent() }
        // Those of the trial.
        #expect(hears(file, within: 10_000))
        file.forgetEvent()
        for isQuick in [false, true] {
            let seen = Moment.zero + .microseconds(isQuick ? 50 : 50_000)
            file.pace.withLock { pace in for _ in 0..<100 { pace.polling.ended(began: .zero, seen: seen) } }
            try file.begin(ByteBuffer(repeating: 7, count: StagedBatch.blockSize), at: 3)
            #expect(hears(file, within: 10_000))
            #expect(file.poll() == isQuick)
            try #require(file.result(length: StagedBatch.blockSize, patience: 0)).get()
            #expect(!file.poll())
            #expect(file.result(length: StagedBatch.blockSize, patience: 0) == nil)
            file.forgetEvent()
            #expect(!hears(file, within: 0))
        }
    }

    @Test("The file goes round while messages come and go, and the next process goes on with it")
    func round() async throws {
        var outbox = try await staging()
        for index in 1...1000 as ClosedRange<Int64> {
            #expect(try await outbox.receipt(.test("\(index)")) == index)
            if index % 3 == 0 {
                for message in try await outbox.take(limitCount: 3) {
                    outbox.remove(message.sequence, as: .delivered, cost: message.cost, at: 1_000_000)
                }
            }
        }
        #expect(outbox.books.delivered == 999)
        outbox.close()
        outbox = try await staging()
        #expect(try await outbox.texts() == ["1000"])
        #expect(try await outbox.receipt(.test("1001")) == 1001)
        outbox.close()
    }

    /// What one program has been given, in the order of its answers.
    private func program(
        _ number: Int64, _ outbox: Outbox, seed: UInt64
    ) async throws -> [(text: String, receipt: Int64)] {
        var random = SplitMix(seed: seed)
        var given: [(String, Int64)] = []
        for index in 0..<200 {
            let text = "\(number)-\(index)" + String(repeating: "x", count: Int.random(in: 0..<3000, using: &random))
            let key = Int.random(in: 0..<20, using: &random) == 0 ? text : nil
            let message = NewMessage.test(text, key: key, sender: Sender(program: number, connection: number))
            given.append((text, try await outbox.receipt(message)))
            if Int.random(in: 0..<30, using: &random) == 0 { _ = await outbox.sweep(now: 1_000_000) }
        }
        return given
    }

    @Test(
        "Programs side by side: no receipt is given twice, each one's order is kept, everything is there",
        arguments: 1...4)
    func sideBySide(seed: UInt64) async throws {
        let outbox = try await staging()
        let given = try await withThrowingTaskGroup(of: [(text: String, receipt: Int64)].self) { group in
            for number in 1...5 as ClosedRange<Int64> {
                group.addTask { try await program(number, outbox, seed: seed &* 100 &+ UInt64(number)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let receipts = given.flatMap { $0.map(\.receipt) }
        #expect(receipts.sorted() == Array(1...1000))
        for program in given { #expect(program.map(\.receipt) == program.map(\.receipt).sorted()) }
        #expect(outbox.books.received == 1000)
        outbox.close()
        let reopened = try Outbox(path: folder.database, limits: OutboxLimits())
        let waiting = try await reopened.take()
        let texts = Dictionary(uniqueKeysWithValues: given.flatMap { $0 }.map { ($0.receipt, $0.text) })
        #expect(waiting.count == 1000)
        for message in waiting { #expect(texts[message.sequence] == String(decoding: message.payload, as: UTF8.self)) }
        #expect(try QueueInspector(path: folder.database).verify().isBalanced)
        reopened.close()
    }

    @Test("Where there is no room for the file, the reason is told and messages are taken all the same")
    func noRoom() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(minFree: .max / 4))
        let reason = await withCheckedContinuation { continuation in
            outbox.stage(on: MultiThreadedEventLoopGroup.singleton.next()) { continuation.resume(returning: $0) }
        }
        #expect("\(reason)".contains("bytes are free"))
        #expect(!folder.names.contains { $0.hasSuffix("-staged") })
        outbox.change(limits: OutboxLimits())
        #expect(try await outbox.receipt(.test("a")) == 1)
        outbox.close()
    }

    @Test("A file that cannot be made is no reason not to serve")
    func noFile() async throws {
        try FileManager.default.createDirectory(
            atPath: StagingContents.path(of: folder.database) + ".new", withIntermediateDirectories: false)
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let reason = await withCheckedContinuation { continuation in
            outbox.stage(on: MultiThreadedEventLoopGroup.singleton.next()) { continuation.resume(returning: $0) }
        }
        #expect("\(reason)".contains("outbox.db-staged"))
        #expect(try await outbox.receipt(.test("a")) == 1)
        outbox.close()
    }

    @Test("When nobody is told any more that writes are done, messages go into the database, and nobody waits for ever")
    func eventsEnd() async throws {
        let told = Mutex<[StagingHindrance]>([])
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        try await outbox.stage(on: MultiThreadedEventLoopGroup.singleton.next()) { hindrance in
            told.withLock { $0.append(hindrance) }
        }.get()
        #expect(try await outbox.receipt(.test("a")) == 1)
        try await outbox.stagingChannel.withLock { $0 }?.close().get()
        for number in 2...5 { #expect(try await outbox.receipt(.test("\(number)")) == number) }
        #expect(told.withLock { $0 } == [.failed("the kernel's events have ended")])
        #expect(try await outbox.texts() == ["a", "2", "3", "4", "5"])
        outbox.close()
    }

    @Test("A file that is there and cannot be read is an error in words: there may be messages in it")
    func unreadable() throws {
        let file = StagingContents.path(of: folder.database)
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
        #expect(throws: OutboxError.cannotOpen(path: folder.database, detail: "read \(file): Is a directory")) {
            try Outbox(path: folder.database, limits: OutboxLimits())
        }
    }

    @Test("A file with blocks that cannot be read is replaced by another one")
    func worn() throws {
        try StagingFile(database: folder.database, identity: 1).closeEvent()
        let file = StagingContents.path(of: folder.database)
        func inode() throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int
        }
        let before = try inode()
        try StagingFile(database: folder.database, identity: 1).closeEvent()
        #expect(try inode() == before)
        try StagingFile(database: folder.database, identity: 2, isWorn: true).closeEvent()
        #expect(try inode() != before)
        #expect(try StagingContents(database: folder.database).identity == 2)
    }

    @Test(
        "A file that the database has given up does not count, without a word, if its process did not live to remove it"
    )
    func givenUp() async throws {
        let outbox = try await staging()
        #expect(try await outbox.receipt(.test("a")) == 1)
        outbox.close()
        try await DatabaseQueue(path: folder.database).write { db in
            try OutboxStore.saveStagingIdentity(try OutboxStore.stagingIdentity(db) &+ 1, db)
        }
        let next = try Outbox(path: folder.database, limits: OutboxLimits())
        #expect(next.notices.isEmpty)
        #expect(try await next.texts() == ["a"])
        next.close()
        let third = try await staging()
        #expect(try await third.receipt(.test("b")) == 2)
        let contents = try StagingContents(database: folder.database)
        #expect(contents.identity.map { contents.messages(of: $0).map(\.sequence) } == [2])
        third.close()
    }
}
