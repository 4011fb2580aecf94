import BridgeCore
import Testing

/// Messages in memory, as (epoch, program, connection, text).
private struct Shelf: TurnSource {
    struct Item {
        var epoch: Int64
        var program: Int64
        var connection: Int64
        var text: String
    }

    var items: [Item] = []

    func epoch(after epoch: Int64) -> Int64? { items.map(\.epoch).filter { $0 > epoch }.min() }

    func program(after program: Int64, in epoch: Int64) -> Int64? {
        items.filter { $0.epoch == epoch && $0.program > program }.map(\.program).min()
    }

    func connection(after connection: Int64, of program: Int64, in epoch: Int64) -> Int64? {
        items.filter { $0.epoch == epoch && $0.program == program && $0.connection > connection }
            .map(\.connection).min()
    }

    /// Takes the oldest message of whoever's turn it is, until nothing is left.
    mutating func drain(_ turns: inout FairTurns, limit: Int = .max) throws -> [String] {
        var order: [String] = []
        while order.count < limit, let lane = try turns.next(self, without: []),
            let index = items.firstIndex(where: {
                $0.epoch == lane.epoch && $0.program == lane.sender.program
                    && $0.connection == lane.sender.connection
            })
        { order.append(items.remove(at: index).text) }
        return order
    }

    mutating func add(_ texts: [String], program: Int64, connection: Int64 = 1, epoch: Int64 = 0) {
        items += texts.map { Item(epoch: epoch, program: program, connection: connection, text: $0) }
    }
}

@Suite("Whose turn it is")
struct FairTurnsTests {
    @Test("two programs alternate, however much one has waiting; each keeps its order")
    func programs() throws {
        var turns = FairTurns(epoch: 0, drain: .inOrder)
        var shelf = Shelf()
        shelf.add((1...6).map { "a\($0)" }, program: 7)
        shelf.add(["b1", "b2"], program: 9)
        #expect(try shelf.drain(&turns) == ["a1", "b1", "a2", "b2", "a3", "a4", "a5", "a6"])
    }

    @Test("a program that connects anew for each message has no more turns than one that does not")
    func connections() throws {
        var turns = FairTurns(epoch: 0, drain: .inOrder)
        var shelf = Shelf()
        for number in 1...4 as ClosedRange<Int64> { shelf.add(["a\(number)"], program: 7, connection: number) }
        shelf.add(["b1", "b2", "b3"], program: 9, connection: 5)
        #expect(try shelf.drain(&turns) == ["a1", "b1", "a2", "b2", "a3", "b3", "a4"])
    }

    @Test("the connections of one program have turns among themselves")
    func withinProgram() throws {
        var turns = FairTurns(epoch: 0, drain: .inOrder)
        var shelf = Shelf()
        shelf.add(["a1", "a2", "a3"], program: 7, connection: 1)
        shelf.add(["b1"], program: 7, connection: 2)
        #expect(try shelf.drain(&turns) == ["a1", "b1", "a2", "a3"])
    }

    @Test("a lane that has nothing to give is passed over; with all of them so, nobody has a turn")
    func exhausted() throws {
        var turns = FairTurns(epoch: 0, drain: .inOrder)
        var shelf = Shelf()
        shelf.add(["a"], program: 7)
        shelf.add(["b"], program: 9)
        func lane(_ program: Int64) -> FairTurns.Lane {
            .init(epoch: 0, sender: Sender(program: program, connection: 1))
        }
        #expect(try turns.next(shelf, without: [lane(7)]) == lane(9))
        #expect(try turns.next(shelf, without: [lane(7)]) == lane(9))
        #expect(try turns.next(shelf, without: [lane(7), lane(9)]) == nil)
        #expect(try turns.next(shelf, without: []) == lane(7))
    }

    @Test("answers to the cloud go before everything")
    func answers() throws {
        for drain in OutboxLimits.Drain.allCases {
            var turns = FairTurns(epoch: 3, drain: drain)
            var shelf = Shelf()
            shelf.add(["fresh"], program: 7, epoch: 3)
            shelf.add(["old"], program: 7, epoch: 0)
            shelf.add(["answer 1", "answer 2"], program: 0, connection: 0, epoch: FairTurns.answers)
            #expect(try shelf.drain(&turns).prefix(2) == ["answer 1", "answer 2"])
        }
    }

    @Test("fresh-first: what comes once the link is up goes before what waited, which has every fourth turn")
    func freshFirst() throws {
        var turns = FairTurns(epoch: 0, drain: .freshFirst)
        var shelf = Shelf()
        shelf.add((1...4).map { "old\($0)" }, program: 7, epoch: turns.epoch)
        turns.linkCameUp(backlog: true)
        shelf.add((1...6).map { "new\($0)" }, program: 7, epoch: turns.epoch)
        #expect(
            try shelf.drain(&turns) == [
                "new1", "new2", "new3", "old1", "new4", "new5", "new6", "old2", "old3", "old4",
            ])
    }

    @Test("in-order: what waited goes first, and epochs that fresh-first left behind are gone through in order")
    func inOrder() throws {
        var turns = FairTurns(epoch: 2, drain: .inOrder)
        var shelf = Shelf()
        shelf.add(["c"], program: 7, epoch: 2)
        shelf.add(["a"], program: 9, epoch: 0)
        shelf.add(["b"], program: 9, epoch: 1)
        turns.linkCameUp(backlog: true)
        #expect(turns.epoch == 2)
        #expect(try shelf.drain(&turns) == ["a", "b", "c"])
    }

    @Test("without a backlog no epoch begins")
    func noBacklog() {
        var turns = FairTurns(epoch: 0, drain: .freshFirst)
        turns.linkCameUp(backlog: false)
        #expect(turns.epoch == 0)
    }

    @Test("a program's number is the same in every release, and none is the daemon's")
    func numbers() {
        #expect(Sender.program(named: "1000 - python3") == Sender.program(named: "1000 - python3"))
        #expect(Sender.program(named: "1000 - python3") != Sender.program(named: "1001 - python3"))
        // FNV-1a of 64 bits over the length and the text, its sign bit taken off.
        #expect(Fingerprint.of([]) == 0xcbf2_9ce4_8422_2325)
        #expect(Fingerprint.of([[1], []]) != Fingerprint.of([[], [1]]))
        for number in 0..<1000 { #expect(Sender.program(named: "\(number)") > 0) }
    }
}
