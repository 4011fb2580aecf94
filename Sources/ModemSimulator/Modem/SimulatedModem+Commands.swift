import BridgeCore

/// Commands and their replies; those about Wi-Fi and TCP stand in files of their own.
extension SimulatedModem {
    mutating func perform(_ command: CommandLine) {
        switch command.name {
        case "", "E0", "E1", "+GMR", "+RST", "+RESTORE", "+SLEEP", "+SYSRAM", "+SYSMSG_CUR", "+SYSMSG_DEF",
            "+UART", "+UART_CUR", "+UART_DEF":
            performBasic(command)
        case "+CWMODE", "+CWMODE_CUR", "+CWMODE_DEF", "+CWJAP", "+CWJAP_CUR", "+CWJAP_DEF", "+CWQAP", "+CWAUTOCONN",
            "+CWLAP", "+CIFSR":
            performWiFi(command)
        case "+CIPSTATUS", "+CIPMUX", "+CIPMODE", "+CIPDINFO", "+CIPSTART", "+CIPSEND", "+CIPCLOSE", "+SAVETRANSLINK",
            "+CIPDOMAIN", "+PING", "+CIPSSLSIZE":
            performIP(command)
        default: fail()
        }
    }

    mutating func succeed() { say("\r\nOK\r\n") }

    /// `text` is the reason that NonOS firmware prints before ERROR.
    mutating func fail(_ text: String? = nil) {
        if let text { say(text + "\r\n") }
        say("\r\nERROR\r\n")
    }

    /// The command is being processed until ``TimerName/command`` is due.
    mutating func wait(_ reason: Pending, _ range: ClosedRange<Duration>) {
        pending = reason
        set(.command, within: range)
    }

    mutating func commandDue() {
        let reason = pending
        pending = nil
        input.whileBusy = []
        switch reason {
        case .flash: succeed()
        case .scan: listAccessPoints(scanned)
        case .lookup(let host): answerLookup(host)
        case .ping(let host): answerPing(host)
        case .join, .dial, nil: pending = reason
        }
    }

    /// OK, after the time that flash needs if the value is kept.
    mutating func succeed(storing isStored: Bool) {
        isStored ? wait(.flash, configuration.timing.flash) : succeed()
    }

    private mutating func performBasic(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("", .execute): succeed()
        case ("E0", .execute), ("E1", .execute):
            volatile.echoes = command.name == "E1"
            succeed()
        case ("+GMR", .execute):
            say(firmware.version + "OK\r\n")
        case ("+RST", .execute):
            succeed()
            boot(cause: .command)
        case ("+RESTORE", .execute):
            succeed()
            flash = ModemFlash()
            boot(cause: .command)
        case ("+SYSRAM", .query):
            say("+SYSRAM:38456\r\n")
            succeed()
        case ("+SLEEP", .query):
            say("+SLEEP:\(volatile.sleep)\r\n")
            succeed()
        case ("+SLEEP", .set(let arguments)):
            guard let mode = Self.only(arguments), (0...2).contains(mode) else { return fail() }
            volatile.sleep = mode
            succeed()
        case ("+SYSMSG_CUR", .set(let arguments)), ("+SYSMSG_DEF", .set(let arguments)):
            guard let bits = Self.only(arguments), (0...3).contains(bits) else { return fail() }
            volatile.messages = bits
            let isStored = command.name == "+SYSMSG_DEF"
            if isStored { flash.messages = bits }
            succeed(storing: isStored)
        case ("+UART", _), ("+UART_CUR", _), ("+UART_DEF", _): performUART(command)
        default: fail()
        }
    }

    /// The value of a list of exactly one number.
    static func only(_ arguments: [CommandLine.Argument]) -> Int? {
        arguments.count == 1 ? arguments[0].number : nil
    }

    private mutating func performUART(_ command: CommandLine) {
        switch command.form {
        case .query:
            let line = command.name == "+UART_CUR" ? volatile.line : flash.line
            say("\(command.name):\(line.actualBaud),\(line.dataBits),\(line.stopBits),")
            say("\(line.parity),\(line.flowControl)\r\n")
            succeed()
        case .set(let arguments):
            let numbers = arguments.compactMap(\.number)
            guard arguments.count == 5, numbers.count == 5, (110...4_608_000).contains(numbers[0]),
                (5...8).contains(numbers[1]), (1...3).contains(numbers[2]), (0...2).contains(numbers[3]),
                (0...3).contains(numbers[4])
            else { return fail() }
            var line = LineSettings()
            (line.baud, line.dataBits, line.stopBits) = (numbers[0], numbers[1], numbers[2])
            (line.parity, line.flowControl) = (numbers[3], numbers[4])
            if command.name != "+UART_CUR" { flash.line = line }
            volatile.line = line
            // At the old speed; the module waits for the last bit before it switches.
            succeed()
            emit(.setSpeed(baud: line.baud))
        case .execute, .malformed: fail()
        }
    }
}
