/// A line of AT+CWLAP: an access point in range.
struct AccessPointSeen: Equatable, Sendable {
    /// Empty for a hidden one.
    var ssid: String
    /// dBm.
    var strength: Int
    var channel: Int?

    /// Reads `+CWLAP:(3,"workshop",-57,"c0:25:e9:12:34:56",6,…)`; nil for any other line.
    ///
    /// An SSID can hold quotes and commas, so it is taken from both ends: the hardware address behind it holds neither.
    init?(_ line: ATLine) {
        guard let text = line.text(after: "+CWLAP:(") else { return nil }
        let fields = text.split(separator: "\"", omittingEmptySubsequences: false)
        guard let address = fields.lastIndex(where: { $0.count == 17 && $0.count(where: { $0 == ":" }) == 5 }),
            address >= 3, let strength = Int(fields[address - 1].filter { $0 == "-" || $0.isNumber })
        else { return nil }
        ssid = fields[1...(address - 2)].joined(separator: "\"")
        self.strength = strength
        channel = address + 1 < fields.count ? fields[address + 1].split(separator: ",").first.flatMap { Int($0) } : nil
    }

    /// `workshop -57 dBm channel 6`
    var words: String {
        (ssid.isEmpty ? "(hidden)" : "\"\(ssid)\"") + " \(strength) dBm" + (channel.map { " channel \($0)" } ?? "")
    }
}
