import BridgeCore

/// Commands about the module itself.
extension SimulatedModem {
    mutating func performBasic(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("", .execute): succeed()
        case ("E0", .execute), ("E1", .execute):
            volatile.echoes = command.name == "E1"
            succeed()
        case ("+GMR", .execute): say(firmware.version)
        case ("+RST", .execute):
            succeed()
            boot(cause: .command)
        case ("+RESTORE", .execute):
            succeed()
            flash = ModemFlash()
            boot(cause: .command)
        default: refuseForm()
        }
    }

    mutating func performSystem(_ command: CommandLine) {
        switch (command.base, command.form) {
        case ("+SYSRAM", .query):
            // ESP-AT tells the least that was ever free too.
            succeed(telling: firmware.isESPAT ? "+SYSRAM:45588,39128" : "+SYSRAM:38456")
        case ("+SLEEP", .query): succeed(telling: "+SLEEP:\(volatile.sleep)")
        case ("+SLEEP", .set(let arguments)):
            guard let mode = Self.only(arguments, in: 0...2) else { return refuse() }
            volatile.sleep = mode
            succeed()
        case ("+SYSMSG", .query) where firmware.isESPAT: succeed(telling: "+SYSMSG:\(volatile.messages)")
        case ("+SYSMSG", .set(let arguments)):
            guard let bits = Self.only(arguments, in: 0...firmware.mostSystemMessages) else { return refuse() }
            volatile.messages = bits
            if isStored(command) { flash.messages = bits }
            succeed(storing: isStored(command))
        case ("+SYSSTORE", .query): succeed(telling: "+SYSSTORE:\(volatile.storesSettings ? 1 : 0)")
        case ("+SYSSTORE", .set(let arguments)):
            guard let stores = Self.flag(arguments) else { return refuse() }
            volatile.storesSettings = stores
            succeed()
        case ("+SYSLOG", .query): succeed(telling: "+SYSLOG:\(volatile.logsErrors ? 1 : 0)")
        case ("+SYSLOG", .set(let arguments)):
            guard let logs = Self.flag(arguments) else { return refuse() }
            volatile.logsErrors = logs
            succeed()
        default: refuseForm()
        }
    }

    // MARK: The serial line

    /// AT+UART, and AT+IPR of the oldest firmware, which is still there.
    mutating func performUART(_ command: CommandLine) {
        switch command.form {
        case .query where command.base == "+UART":
            let line = command.scope == .current ? volatile.line : flash.line
            say("\(command.name):\(line.actualBaud),\(line.dataBits),\(line.stopBits),")
            succeed(telling: "\(line.parity),\(line.flowControl)")
        case .set(let arguments):
            guard let line = lineSettings(arguments, isSpeedAlone: command.base == "+IPR") else { return refuse() }
            if command.scope != .current { flash.line = line }
            volatile.line = line
            // At the old speed; the module waits for the last bit before it switches.
            succeed()
            emit(.setSpeed(baud: line.baud))
        case .query, .execute, .malformed: refuseForm()
        }
    }

    private func lineSettings(_ arguments: [CommandLine.Argument], isSpeedAlone: Bool) -> LineSettings? {
        let numbers = arguments.compactMap(\.number)
        guard numbers.count == arguments.count, let baud = numbers.first, firmware.speeds.contains(baud) else {
            return nil
        }
        var line = LineSettings()
        line.baud = baud
        if isSpeedAlone { return numbers.count == 1 ? line : nil }
        guard numbers.count == 5, (5...8).contains(numbers[1]), (1...3).contains(numbers[2]),
            (0...2).contains(numbers[3]), (0...3).contains(numbers[4])
        else { return nil }
        (line.dataBits, line.stopBits) = (numbers[1], numbers[2])
        (line.parity, line.flowControl) = (numbers[3], numbers[4])
        return line
    }
}
