import BridgeCore

/// Watches time and bytes, and says which orders of a scenario are due.
struct TriggerBoard {
    private struct Armed {
        var trigger: Scenario.Trigger
        var order: ModemOrder
        /// When, or at which count, it strikes next.
        var due: Moment?
        var next = 0
        /// How much of the text has been seen.
        var matched = 0
    }

    private var armed: [Armed] = []
    private var counts = Counts()

    private struct Counts {
        var commands = 0
        var sent = 0
        var received = 0

        func of(_ counted: Scenario.Counted) -> Int {
            switch counted {
            case .commands: commands
            case .sent: sent
            case .received: received
            }
        }
    }

    /// Adds a line; times count from `now`.
    mutating func add(_ entry: Scenario.Entry, now: Moment) {
        var armed = Armed(trigger: entry.trigger, order: entry.order)
        switch entry.trigger {
        case .at(let time), .every(let time): armed.due = now + time
        case .count(let counted, let number, _): armed.next = counts.of(counted) + number
        case .text: break
        }
        self.armed.append(armed)
    }

    var deadline: Moment? { armed.reduce(nil) { earliest($0, $1.due) } }

    /// The orders whose time has come.
    mutating func timePassed(_ now: Moment) -> [ModemOrder] {
        fire { entry in
            guard let due = entry.due, due <= now else { return (false, nil) }
            guard case .every(let period) = entry.trigger else { return (true, nil) }
            entry.due = due + period
            return (true, entry)
        }
    }

    /// Whether bytes have to be looked at one by one.
    var watchesBytes: Bool { armed.contains { $0.due == nil } }

    /// Bytes that nothing waits for.
    mutating func counted(_ bytes: Int, commands: Int, from side: Scenario.Side) {
        if side == .host { counts.sent += bytes } else { counts.received += bytes }
        counts.commands += commands
    }

    /// One byte of the host, or one for it.
    mutating func saw(_ byte: UInt8, from side: Scenario.Side, isCommandEnd: Bool = false) -> [ModemOrder] {
        if side == .host { counts.sent += 1 } else { counts.received += 1 }
        if isCommandEnd { counts.commands += 1 }
        let counts = counts
        return fire { entry in
            switch entry.trigger {
            case .at, .every: return (false, nil)
            case .count(let counted, let number, let isRepeated):
                guard counts.of(counted) >= entry.next else { return (false, nil) }
                entry.next += number
                return (true, isRepeated ? entry : nil)
            case .text(let speaker, let text, let isRepeated):
                guard speaker == side else { return (false, nil) }
                entry.matched = Self.advance(entry.matched, byte, text)
                guard entry.matched == text.count else { return (false, nil) }
                entry.matched = 0
                return (true, isRepeated ? entry : nil)
            }
        }
    }

    /// Asks each entry whether it strikes, and what stays of it then.
    private mutating func fire(_ ask: (inout Armed) -> (strikes: Bool, stays: Armed?)) -> [ModemOrder] {
        var orders: [ModemOrder] = []
        var kept: [Armed] = []
        for var entry in armed {
            let (strikes, stays) = ask(&entry)
            if strikes { orders.append(entry.order) }
            if let stays { kept.append(stays) } else if !strikes { kept.append(entry) }
        }
        armed = kept
        return orders
    }

    /// How much of `text` ends with this byte, when `matched` of it ended with the one before.
    private static func advance(_ matched: Int, _ byte: UInt8, _ text: [UInt8]) -> Int {
        let seen = text[..<matched] + [byte]
        return (0...min(seen.count, text.count)).last { seen.suffix($0).elementsEqual(text.prefix($0)) } ?? 0
    }
}
