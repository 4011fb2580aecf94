import BridgeCore
import Foundation
import Testing

@testable import BridgeRuntime

/// The order in which messages are handed out.
@Suite("Turns")
struct TurnTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sender(_ program: Int64, _ connection: Int64) -> Sender {
        Sender(program: program, connection: connection)
    }

    @Test("one program's thousand long messages do not keep another's waiting, after a restart neither")
    func fairness() async throws {
        var outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        let long = String(repeating: "a", count: 3000)
        for _ in 0..<200 { outbox.append(.test(long, sender: sender(7, 1))) { _ in } }
        for text in ["b1", "b2"] { _ = try await outbox.receipt(.test(text, sender: sender(9, 2))) }
        for _ in 0..<2 {
            let order = try await outbox.next(limitCount: 4).map { $0.payload.count }
            // A turn is 2 KiB: one long message, or both of the short ones.
            #expect(order == [3000, 2, 2, 3000])
            outbox.close()
            outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        }
        outbox.close()
    }

    @Test("what is handed out is not handed out again, until it is put back; then it keeps its place")
    func handedOut() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for text in ["1", "2", "3"] { _ = try await outbox.receipt(.test(text)) }
        #expect(try await outbox.take(limitCount: 2).map(\.sequence) == [1, 2])
        #expect(try await outbox.take().map(\.sequence) == [3])
        #expect(try await outbox.take().isEmpty)
        outbox.putBack([2, 3])
        #expect(try await outbox.texts() == ["2", "3"])
        outbox.close()
    }

    @Test("an answer to the cloud is handed out as it is stored; put back, it goes before all others")
    func answers() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        _ = try await outbox.receipt(.test("1"))
        var answer = NewMessage.test("answer", sender: .daemon)
        answer.isTaken = true
        let receipt = try await outbox.receipt(answer)
        #expect(try await outbox.texts() == ["1"])
        outbox.putBack([receipt])
        #expect(try await outbox.texts() == ["answer", "1"])
        outbox.close()
    }

    @Test("fresh-first: what comes once the link is up goes first; switched off, the old order is back")
    func freshFirst() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits(drain: .freshFirst))
        for text in ["1", "2"] { _ = try await outbox.receipt(.test(text)) }
        outbox.linkCameUp()
        for text in ["3", "4"] { _ = try await outbox.receipt(.test(text)) }
        #expect(try await outbox.texts() == ["3", "4", "1", "2"])
        outbox.change(limits: OutboxLimits(drain: .inOrder))
        #expect(try await outbox.texts() == ["1", "2", "3", "4"])
        outbox.close()
    }

    @Test("20,000 messages of as many connections are handed out in turns, with nothing held for each")
    func manyConnections() async throws {
        let outbox = try Outbox(path: folder.database, limits: OutboxLimits())
        for number in 1...20_000 as ClosedRange<Int64> {
            outbox.append(.test("\(number)", sender: sender(number % 3 + 1, number))) { _ in }
        }
        var seen: Set<Int64> = []
        while true {
            let some = try await outbox.take(limitBytes: 8192, limitCount: 64)
            if some.isEmpty { break }
            seen.formUnion(some.map(\.sequence))
            for message in some { outbox.remove(message.sequence, as: .delivered, cost: message.cost, at: 1_000_000) }
        }
        #expect(seen.count == 20_000)
        #expect(outbox.books.delivered == 20_000)
        #expect(outbox.books.balance == 0)
        outbox.close()
    }
}
