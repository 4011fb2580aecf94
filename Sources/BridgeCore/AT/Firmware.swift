/// The modem's AT firmware, as `AT+GMR` tells it.
public struct Firmware: Equatable, Sendable {
    /// The families that this driver tells apart.
    public enum Family: Equatable, Sendable {
        /// Espressif NonOS AT 1.0 to 1.7.
        case nonOS
        /// ESP-AT 2.0 and later.
        case espAT
        /// AT 0.x, or something else.
        case unsupported
    }

    public let family: Family
    /// Major, minor, patch; further numbers are left out.
    public let number: [Int]
    /// The version as the firmware writes it, e.g. `1.7.5.0`.
    public let version: String

    /// Reads the line `AT version:1.7.5.0(Oct 20 2021 19:14:04)`; nil for any other line.
    public init?(_ line: ATLine) {
        guard let text = line.text(after: "AT version:") else { return nil }
        version = String(text.prefix { $0 != "(" && $0 != " " })
        let digits = version.prefix { $0 == "." || ("0"..."9").contains($0) }
        number = digits.split(separator: ".").prefix(3).map { Int($0) ?? 0 }
        family =
            switch number.first {
            case 1: .nonOS
            case .some(2...): .espAT
            default: .unsupported
            }
    }

    /// How this firmware spells what the families spell differently, or nil when it is not supported.
    public var dialect: Dialect? {
        switch family {
        case .nonOS: .nonOS
        case .espAT: .espAT
        case .unsupported: nil
        }
    }
}

/// Where the firmware families differ in what this driver needs.
///
/// To support another firmware, add a value here and name it in ``Firmware/dialect``. Replies are
/// told apart in ``ATReply`` and in the scripts, which accept what any of the families says.
public struct Dialect: Equatable, Sendable {
    /// Stands behind `AT+CWMODE` and `AT+CWJAP` so that the setting is not written to flash.
    public let suffix: String
    /// Sent before the settings so that they are not written to flash.
    public let sparesFlash: ATCommand?
    /// Whether a failed `AT+CIPSTART` is answered by ERROR alone, without a line that says why.
    public let failsWithoutReason: Bool

    /// NonOS AT 1.x: `_CUR` commands, and a reason before ERROR
    /// (ESP8266 AT Instruction Set V3.0.1).
    public static let nonOS = Dialect(suffix: "_CUR", sparesFlash: nil, failsWithoutReason: false)

    /// ESP-AT 2.x: AT+SYSSTORE in place of the suffixes; reasons go to the log port
    /// (ESP-AT user guide, release v2.3.0.0_esp8266).
    public static let espAT = Dialect(suffix: "", sparesFlash: .spareFlash, failsWithoutReason: true)

    /// Station mode.
    var stationMode: ATCommand { ATCommand("AT+CWMODE\(suffix)=1") }

    /// Asks which access point is joined, and how strong it is.
    var accessPoint: ATCommand { ATCommand("AT+CWJAP\(suffix)?") }
}
