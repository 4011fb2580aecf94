/// One command line for the modem, and how it may be shown.
public struct ATCommand: Equatable, Sendable {
    /// The command as it is sent, without its CR LF.
    public let text: String
    /// The command for logs: secrets are `•••`.
    public let masked: String

    /// The longest line NonOS AT and ESP-AT take, with its CR LF (NonOS AT drops a longer one silently).
    public static let longestLine = 256

    /// A command without free text in it.
    ///
    /// For the fixed words of this driver only: what comes from a configuration goes through the
    /// throwing builders.
    init(_ fixed: String) {
        text = fixed
        masked = fixed
    }

    private init(text: String, masked: String) throws(Problem) {
        guard text.utf8.count + 2 <= Self.longestLine else {
            throw .tooLong(command: masked, bytes: text.utf8.count + 2)
        }
        self.text = text
        self.masked = masked
    }

    /// The bytes for the line, CR LF included.
    public var bytes: [UInt8] { Array(text.utf8) + [0x0D, 0x0A] }

    /// Whether the line shows something that logs must not.
    public var isSecret: Bool { text != masked }

    /// Why a value cannot be put into a command line.
    public enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// CR, LF, NUL or another control character: there is no way to write it.
        case controlCharacter(value: String)
        /// Longer than the firmware's line buffer.
        case tooLong(command: String, bytes: Int)

        public var description: String {
            switch self {
            case .controlCharacter(let value):
                "the \(value) holds a control character, which an AT command cannot carry"
            case .tooLong(let command, let bytes):
                "\(command) would be \(bytes) bytes, and the modem takes \(ATCommand.longestLine)"
            }
        }
    }
}

// MARK: - Builders

extension ATCommand {
    static let probe = ATCommand("AT")
    static let reset = ATCommand("AT+RST")
    static let echoOff = ATCommand("ATE0")
    static let version = ATCommand("AT+GMR")
    static let addresses = ATCommand("AT+CIFSR")
    static let singleLink = ATCommand("AT+CIPMUX=0")
    static let packetMode = ATCommand("AT+CIPMODE=0")
    static let transparentMode = ATCommand("AT+CIPMODE=1")
    static let enterTransparentMode = ATCommand("AT+CIPSEND")
    static let close = ATCommand("AT+CIPCLOSE")
    /// `+IPD` without the peer's address.
    static let plainPackets = ATCommand("AT+CIPDINFO=0")

    /// Announces a payload of so many bytes.
    static func send(_ count: Int) -> ATCommand { ATCommand("AT+CIPSEND=\(count)") }
    /// The state of the link, with its ports.
    static let linkStatus = ATCommand("AT+CIPSTATUS")
    /// Stops the module from booting straight into data mode.
    static let forgetSavedLink = ATCommand("AT+SAVETRANSLINK=0")
    /// ESP-AT: the settings that follow are not written to flash.
    static let spareFlash = ATCommand("AT+SYSSTORE=0")

    /// `AT+CWJAP`, with `suffix` as the dialect spells it; the password is masked.
    public static func join(
        suffix: String, ssid: String, password: String, bssid: String?
    ) throws(Problem) -> ATCommand {
        let head = "AT+CWJAP\(suffix)=" + (try quoted(ssid, naming: "SSID")) + ","
        var tail = ""
        if let bssid { tail = "," + (try quoted(bssid, naming: "BSSID")) }
        return try ATCommand(
            text: head + (try quoted(password, naming: "Wi-Fi password")) + tail,
            masked: head + "\"•••\"" + tail)
    }

    /// `AT+CIPSTART`; `keepAlive` in seconds (0 to 7200), 0 leaves TCP keep-alive off.
    public static func dial(host: String, port: Int, keepAlive: Int) throws(Problem) -> ATCommand {
        var text = "AT+CIPSTART=\"TCP\"," + (try quoted(host, naming: "host name")) + ",\(port)"
        if keepAlive > 0 { text += ",\(keepAlive)" }
        return try ATCommand(text: text, masked: text)
    }

    /// `AT+UART_CUR`, until the next reset: 8N1; flow control 3 is RTS and CTS, 0 none.
    static func lineSettings(baud: Int, hardwareFlowControl: Bool) -> ATCommand {
        ATCommand("AT+UART_CUR=\(baud),8,1,0,\(hardwareFlowControl ? 3 : 0)")
    }

    /// `AT+CIPDOMAIN`: asks for the address of a name.
    public static func resolve(host: String) throws(Problem) -> ATCommand {
        let text = "AT+CIPDOMAIN=" + (try quoted(host, naming: "host name"))
        return try ATCommand(text: text, masked: text)
    }

    /// A string parameter: `\`, `,` and `"` get a backslash in front
    /// (ESP8266 AT Instruction Set V3.0.1, AT+CWJAP_CUR; ESP-AT user guide 2.3, AT commands).
    private static func quoted(_ value: String, naming name: String) throws(Problem) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            guard scalar.value >= 0x20, scalar.value != 0x7F else { throw .controlCharacter(value: name) }
            if scalar == "\\" || scalar == "," || scalar == "\"" { result.unicodeScalars.append("\\") }
            result.unicodeScalars.append(scalar)
        }
        return result + "\""
    }
}
