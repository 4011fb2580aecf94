/// AT+CIPTCPOPT of ESP-AT. They are remembered and told; the byte stream is the same with all of them.
struct SocketOptions: Equatable {
    /// Seconds; -1 is off.
    var linger = -1
    var hasNoDelay = 0
    /// Milliseconds; 0 is for ever.
    var sendLimit = 0
}

extension SimulatedModem {
    mutating func performOptions(_ command: CommandLine) {
        switch command.form {
        case .query:
            for number in volatile.hasManyLinks ? 0...4 : 0...0 {
                let options = volatile.options[number] ?? SocketOptions()
                say("+CIPTCPOPT:\(number),\(options.linger),\(options.hasNoDelay),\(options.sendLimit)\r\n")
            }
            succeed()
        case .set(let arguments): setOptions(arguments)
        case .execute, .malformed: refuseForm()
        }
    }

    /// `[linger],[nodelay],[send limit]`, each of which may be left out; with CIPMUX=1 the link before them, 5 for all.
    private mutating func setOptions(_ all: [CommandLine.Argument]) {
        var arguments = all[...]
        var numbers = 0...0
        if volatile.hasManyLinks {
            guard let number = arguments.popFirst()?.number, (0...5).contains(number) else { return refuse() }
            numbers = number == 5 ? 0...4 : number...number
        }
        guard (1...3).contains(arguments.count), arguments.allSatisfy({ $0 == .empty || $0.number != nil }) else {
            return refuse()
        }
        let values = arguments.map(\.number) + [nil, nil]
        guard values[0] ?? 0 >= -1, (0...1).contains(values[1] ?? 0), values[2] ?? 0 >= 0 else { return refuse() }
        for number in numbers {
            var options = volatile.options[number] ?? SocketOptions()
            options.linger = values[0] ?? options.linger
            options.hasNoDelay = values[1] ?? options.hasNoDelay
            options.sendLimit = values[2] ?? options.sendLimit
            volatile.options[number] = options
        }
        succeed()
    }
}
