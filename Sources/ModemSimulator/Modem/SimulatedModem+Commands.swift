import BridgeCore

/// Commands find those who carry them out, in files of their own; and the replies that are common to them.
extension SimulatedModem {
    mutating func perform(_ command: CommandLine) {
        guard firmware.commands.contains(command.name) else { return fail(nil, .unknownCommand) }
        guard command.form != .malformed else { return fail(nil, .unreadable) }
        switch command.base {
        case "+UART", "+IPR": performUART(command)
        case "+SYSRAM", "+SYSMSG", "+SYSSTORE", "+SYSLOG", "+SLEEP": performSystem(command)
        case "+CWMODE", "+CWJAP", "+CWQAP", "+CWAUTOCONN", "+CWSTATE", "+CWRECONNCFG": performWiFi(command)
        case "+CWLAP", "+CWLAPOPT": performScan(command)
        case "+CIPSTAMAC", "+CWHOSTNAME", "+CWCOUNTRY": performIdentity(command)
        case "+CWDHCP", "+CIPSTA", "+CIPDNS", "+CIFSR": performAddress(command)
        case "+CIPSNTPCFG", "+CIPSNTPTIME": performClock(command)
        case "+CIPSEND", "+CIPSENDEX", "+CIPSENDBUF": performSend(command)
        case "+CIPRECVMODE", "+CIPRECVDATA", "+CIPRECVLEN", "+CIPDINFO": performReceive(command)
        case "+CIPSTATUS", "+CIPSTATE", "+CIPMUX", "+CIPMODE", "+CIPSTART", "+CIPCLOSE", "+SAVETRANSLINK",
            "+CIPDOMAIN", "+PING", "+CIPSSLSIZE", "+CIPRECONNINTV":
            performIP(command)
        case "+CIPTCPOPT": performOptions(command)
        default: performBasic(command)
        }
    }

    mutating func succeed() { say("\r\nOK\r\n") }

    /// Tells a line, and OK.
    mutating func succeed(telling line: String) {
        say(line + "\r\n")
        succeed()
    }

    /// - Parameter text: the reason that NonOS firmware prints before ERROR.
    /// - Parameter code: the reason that ESP-AT prints before ERROR, if it was asked to.
    mutating func fail(_ text: String?, _ code: ErrorCode) {
        if let text, firmware.explainsErrors { say(text + "\r\n") }
        if volatile.logsErrors { say(code.line) }
        say("\r\nERROR\r\n")
    }

    /// The arguments are not what the command wants.
    mutating func refuse(_ text: String? = nil) { fail(text, .argument) }

    /// The command is not there in this form.
    mutating func refuseForm() { fail(nil, .form) }

    /// The command cannot be carried out now.
    mutating func fail(_ text: String? = nil) { fail(text, .failed) }

    /// A line that came while another command was being processed.
    mutating func sayBusy() {
        if volatile.logsErrors { say(ErrorCode.busy.line) }
        say("\r\nbusy p...\r\n")
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
        case .scan: listAccessPoints()
        case .lookup(let host): answerLookup(host)
        case .ping(let host): answerPing(host)
        case .join, .dial, nil: pending = reason
        }
    }

    /// OK, after the time that flash needs if the value is kept.
    mutating func succeed(storing isStored: Bool) {
        isStored ? wait(.flash, configuration.timing.flash) : succeed()
    }

    /// Whether a setting goes to the flash: NonOS names without `_CUR` and `_DEF` are old, and mean `_DEF`.
    func isStored(_ command: CommandLine) -> Bool {
        switch command.scope {
        case .current: false
        case .default: true
        case .plain: volatile.storesSettings
        }
    }

    /// The value of a list of exactly one number, if it is in the range.
    static func only(_ arguments: [CommandLine.Argument], in range: ClosedRange<Int>) -> Int? {
        guard arguments.count == 1, let number = arguments[0].number, range.contains(number) else { return nil }
        return number
    }

    /// The value of a list of exactly one 0 or 1.
    static func flag(_ arguments: [CommandLine.Argument]) -> Bool? { only(arguments, in: 0...1).map { $0 == 1 } }

    /// The texts of a list of nothing else.
    static func texts(_ arguments: some Sequence<CommandLine.Argument>) -> [String]? {
        var texts: [String] = []
        for argument in arguments {
            guard let text = argument.text else { return nil }
            texts.append(text)
        }
        return texts
    }
}
