/// What `ERR CODE:` of ESP-AT says in front of ERROR with AT+SYSLOG=1 ("ESP-AT User Guide" 2.3, AT+SYSLOG).
enum ErrorCode: UInt32 {
    /// The line does not begin with AT.
    case noHead = 0x0103_0000
    /// An argument is missing, too many, of the wrong kind or out of range.
    case argument = 0x0107_0000
    /// The arguments cannot be read.
    case unreadable = 0x0108_0000
    case unknownCommand = 0x0109_0000
    /// The command is right, but cannot be carried out now.
    case failed = 0x010A_0000
    /// Another command is being processed.
    case busy = 0x010B_0000

    /// The command is there, but not in this form (as a question, for instance).
    case form = 0x010C_0000

    /// `ERR CODE:0x010b0000` and a line end.
    var line: String {
        let digits = String(rawValue, radix: 16)
        return "ERR CODE:0x" + String(repeating: "0", count: 8 - digits.count) + digits + "\r\n"
    }
}
