/// A command line for the modem, with a form for people in which secrets are masked.
public struct ATCommand: Hashable, Sendable {
    /// Without CR LF.
    public let text: String
    /// The same for logs and transcripts.
    public let masked: String

    /// The firmware's line buffer (NonOS and ESP-AT: 256 bytes, CR LF included).
    public static let longestLine = 256

    public init(_ text: String, masked: String? = nil) {
        self.text = text
        self.masked = masked ?? text
    }

    /// The bytes on the line.
    public var bytes: [UInt8] { Array(text.utf8) + [0x0D, 0x0A] }

    /// A string parameter: `\` before `,`, `"` and `\` (ESP8266 AT Instruction Set V3.0.1, section 1.2).
    public static func quoted(_ value: String) -> String {
        var text = "\""
        for character in value.unicodeScalars {
            if character == "\\" || character == "," || character == "\"" { text += "\\" }
            text.unicodeScalars.append(character)
        }
        return text + "\""
    }

    /// Why a value cannot stand in a command; nil when it can.
    ///
    /// CR and LF would end the line and let what follows run as a command of its own.
    public static func mistake(inParameter value: String) -> String? {
        guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            return "contains a control character"
        }
        return nil
    }

    /// Joins an access point, in the dialect's spelling.
    static func join(
        ssid: String, password: String, bssid: String?, firmware: Firmware
    ) -> ATCommand {
        let suffix = bssid.map { "," + quoted($0) } ?? ""
        let start = firmware.family == .nonOS ? "AT+CWJAP_CUR=" : "AT+CWJAP="
        return ATCommand(
            "\(start)\(quoted(ssid)),\(quoted(password))\(suffix)", masked: "\(start)\(quoted(ssid)),\"•••\"\(suffix)")
    }

    /// Dials a host; the keep-alive makes the module notice an idle peer that is gone (0 to 7200 s).
    static func dial(host: String, port: Int, keepAlive: Int) -> ATCommand {
        ATCommand("AT+CIPSTART=\"TCP\",\(quoted(host)),\(port)" + (keepAlive > 0 ? ",\(keepAlive)" : ""))
    }
}
