/// Something learned about the modem and its place in the network.
public enum ModemFact: Equatable, Sendable {
    case firmware(String)
    case address(String)
    case mac(String)
    /// The access point: its address, channel, and signal strength in dBm.
    case accessPoint(bssid: String, channel: Int, signal: Int)

    /// What a data line says, if anything.
    static func read(_ line: String) -> ModemFact? {
        if line.hasPrefix("+CIFSR:STAIP,") { return .address(unquoted(line.dropFirst(13))) }
        if line.hasPrefix("+CIFSR:STAMAC,") { return .mac(unquoted(line.dropFirst(14))) }
        guard line.hasPrefix("+CWJAP") else { return nil }
        // The SSID in front may contain commas and quotes: the BSSID is found by its form.
        let fields = line.split(separator: ",")
        guard let place = fields.firstIndex(where: isHardwareAddress), place + 2 < fields.count,
            let channel = Int(fields[place + 1]), let signal = Int(fields[place + 2])
        else { return nil }
        return .accessPoint(bssid: unquoted(fields[place]), channel: channel, signal: signal)
    }

    private static func isHardwareAddress(_ field: Substring) -> Bool {
        let text = unquoted(field)
        return text.utf8.count == 17 && text.split(separator: ":").count == 6
            && text.allSatisfy { $0.isHexDigit || $0 == ":" }
    }

    private static func unquoted(_ field: Substring) -> String {
        String(field.drop { $0 == "\"" }.prefix { $0 != "\"" })
    }
}

/// A line of the AT dialogue, secrets masked.
public struct DialogueLine: Equatable, Sendable, CustomStringConvertible {
    public var isSent: Bool
    public var text: String

    /// As transcripts write it: `> AT+GMR`, `< OK`.
    public var description: String { (isSent ? "> " : "< ") + text }
}
