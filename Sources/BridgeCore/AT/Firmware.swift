/// The modem's firmware as `AT+GMR` tells it, and the spelling of commands that follows from it.
public struct Firmware: Equatable, Sendable {
    public enum Family: Equatable, Sendable {
        /// Espressif's NonOS AT 1.3 to 1.7.
        case nonOS
        /// ESP-AT 2.x on the RTOS SDK.
        case espAT
    }

    public let family: Family
    /// As the module prints it, for example `1.7.5.0(Oct 20 2021 19:13:04)`.
    public let version: String

    public init(family: Family, version: String) {
        self.family = family
        self.version = version
    }

    /// Reads the lines of `AT+GMR`.
    ///
    /// - Returns: nil when the firmware is none this driver knows: AT 0.x prints no `AT version:` line, and AT 1.0 to
    ///   1.2 lack the `_CUR` commands.
    public static func read(_ lines: [String]) -> Firmware? {
        for line in lines {
            guard let start = line.firstRange(of: "AT version:") else { continue }
            let version = String(line[start.upperBound...])
            let numbers = version.prefix { $0 != "(" && $0 != "-" }.split(separator: ".").map { Int($0) }
            guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
            if major == 1, minor >= 3 { return Firmware(family: .nonOS, version: version) }
            return major == 2 ? Firmware(family: .espAT, version: version) : nil
        }
        return nil
    }

    /// For people: `NonOS AT 1.7.5.0(…)`.
    public var name: String { (family == .nonOS ? "NonOS AT " : "ESP-AT ") + version }

    /// Station mode, not written to flash: NonOS has `_CUR` commands; ESP-AT has `AT+SYSSTORE=0` before.
    var stationMode: [ATCommand] {
        switch family {
        case .nonOS: [ATCommand("AT+CWMODE_CUR=1")]
        case .espAT: [ATCommand("AT+SYSSTORE=0"), ATCommand("AT+CWMODE=1")]
        }
    }

    /// Asks which access point is joined, and how well it is heard.
    var askAccessPoint: ATCommand { ATCommand(family == .nonOS ? "AT+CWJAP_CUR?" : "AT+CWJAP?") }
}
