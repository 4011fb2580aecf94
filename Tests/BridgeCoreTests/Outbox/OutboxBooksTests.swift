import BridgeCore
import Testing

@Suite struct OutboxBooksTests {
    @Test("What came in is delivered, waiting or dropped")
    func balance() {
        var books = OutboxBooks()
        for size in 1...10 as ClosedRange<Int64> { books.accepted(bytes: size) }
        books.left(.delivered, bytes: 1)
        books.left(.dropped(.expired), bytes: 2)
        books.left(.dropped(.expired), bytes: 3)
        books.left(.dropped(.poison), bytes: 4)
        #expect(books.received == 10)
        #expect(books.delivered == 1)
        #expect(books.waiting == 6)
        #expect(books.dropped == [.expired: 2, .poison: 1])
        #expect(books.bytes == 5 + 6 + 7 + 8 + 9 + 10)
        #expect(books.balance == 0)
    }

    @Test("Books that do not balance say by how much")
    func imbalance() {
        #expect(OutboxBooks(received: 10, delivered: 3, waiting: 2, dropped: [.purged: 4]).balance == 1)
    }

    @Test(
        "A full outbox refuses, or makes room",
        arguments: [
            (900, .refuseNew, 100, .accept),
            (901, .refuseNew, 100, .refuse),
            (900, .dropOldest, 100, .accept),
            (950, .dropOldest, 100, .makeRoom(bytes: 50)),
            (0, .dropOldest, 1001, .refuse),
            (0, .refuseNew, 1000, .accept),
        ] as [(Int64, OutboxLimits.WhenFull, Int64, OutboxLimits.Decision)])
    func decisions(
        _ example: (held: Int64, whenFull: OutboxLimits.WhenFull, cost: Int64, decision: OutboxLimits.Decision)
    ) {
        let limits = OutboxLimits(maxBytes: 1000, whenFull: example.whenFull)
        let books = OutboxBooks(received: 1, waiting: 1, bytes: example.held)
        #expect(limits.decision(cost: example.cost, isAnswer: false, books: books) == example.decision)
    }

    @Test(
        "A message's time is over past its own date or the common age",
        arguments: [
            (0, nil, 1000, false), (0, nil, 1001, true), (0, 500, 499, false), (0, 500, 500, true),
            // The clock was set back, or is absurd.
            (5000, nil, 0, false), (Int64.min, nil, Int64.max, true), (Int64.max, nil, Int64.min, false),
        ] as [(Int64, Int64?, Int64, Bool)])
    func expiry(_ example: (queuedAt: Int64, expiresAt: Int64?, now: Int64, isOver: Bool)) {
        let limits = OutboxLimits(maxAge: 1000)
        #expect(
            limits.hasExpired(queuedAt: example.queuedAt, expiresAt: example.expiresAt, now: example.now)
                == example.isOver)
    }
}
