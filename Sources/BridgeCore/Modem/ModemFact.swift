/// Something learned about the modem and its place in the network on the way up.
public enum ModemFact: Equatable, Sendable {
    /// The AT version, e.g. `1.7.5.0`.
    case firmware(String)
    /// The station's IPv4 address.
    case address(String)
    /// The station's MAC address.
    case mac(String)
    /// The access point that is joined; signal strength in dBm.
    case accessPoint(bssid: String, channel: Int, rssi: Int)
    /// The module ran at this speed, and was set to the configured one until its next reset.
    case speed(Int)
    /// From a command whose answer takes the module no time to that answer.
    case roundTrip(Duration)
}

extension ModemFact {
    /// `+CIFSR:STAIP,"192.168.1.23"`.
    static func address(in line: ATLine) -> ModemFact? {
        quoted(after: "+CIFSR:STAIP,", in: line).map(ModemFact.address)
    }

    /// `+CIFSR:STAMAC,"18:fe:34:00:00:01"`.
    static func mac(in line: ATLine) -> ModemFact? {
        quoted(after: "+CIFSR:STAMAC,", in: line).map(ModemFact.mac)
    }

    /// `+CWJAP_CUR:"ssid","bssid",channel,rssi…`, with further fields in some versions.
    ///
    /// The SSID can hold quotes and commas, so the fields are counted from the BSSID on: the last
    /// quoted field of 17 characters.
    static func accessPoint(in line: ATLine) -> ModemFact? {
        guard line.starts(with: "+CWJAP"), let fields = line.text(after: ",\"")?.split(separator: "\"") else {
            return nil
        }
        guard let index = fields.lastIndex(where: isHardwareAddress), index + 1 < fields.count else { return nil }
        let numbers = fields[index + 1].split(separator: ",").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return nil }
        return .accessPoint(bssid: String(fields[index]), channel: numbers[0], rssi: numbers[1])
    }

    private static func isHardwareAddress(_ field: Substring) -> Bool {
        let parts = field.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 6 && parts.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isHexDigit) }
    }

    private static func quoted(after label: String, in line: ATLine) -> String? {
        guard let text = line.text(after: label), text.first == "\"" else { return nil }
        return String(text.dropFirst().prefix { $0 != "\"" })
    }
}
