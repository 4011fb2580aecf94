/// What a line of the modem means.
public enum ATReply: Hashable, Sendable {
    case ok
    case error
    case fail
    /// `busy p...` (a command is being processed) or `busy s...` (a payload is being sent).
    case busy
    /// The end of a boot.
    case ready
    /// ROM or crash text.
    case bootText
    case wifiConnected
    case wifiGotAddress
    case wifiDisconnected
    case dhcpTimedOut
    /// `CONNECT`, or `+LINK_CONN:0` in its place.
    case connected
    case closed
    case noAddress
    case nameNotResolved
    case alreadyConnected
    /// `+CWJAP:<n>` with a number: why joining failed.
    case joinCode(Int)
    /// Data, an echo, or nothing known.
    case other(String)

    /// Reads a line.
    ///
    /// No text of the firmware has a guaranteed CRLF in front of it (`CLOSED` directly behind a payload, `ready`
    /// behind boot garbage), so the asynchronous ones are recognised at the end of a line.
    public init(line: String) {
        switch line {
        case "OK": self = .ok
        case "ERROR": self = .error
        case "FAIL": self = .fail
        case "no ip": self = .noAddress
        case _ where line.hasSuffix("WIFI CONNECTED"): self = .wifiConnected
        case _ where line.hasSuffix("WIFI GOT IP"): self = .wifiGotAddress
        case _ where line.hasSuffix("WIFI DISCONNECT"): self = .wifiDisconnected
        case _ where line.hasSuffix("DHCP TIMEOUT"): self = .dhcpTimedOut
        case _ where line.contains("ALREADY CONNECT") || line.contains("ALREAY CONNECT"): self = .alreadyConnected
        case _ where line.lowercased() == "dns fail": self = .nameNotResolved
        case _ where line.hasPrefix("AT"): self = .other(line)
        case _ where line.hasSuffix("CLOSED"): self = .closed
        case _ where line == "CONNECT" || line.hasSuffix(",CONNECT") || line.hasPrefix("+LINK_CONN:0"):
            self = .connected
        case _ where line.hasSuffix("ready"): self = .ready
        case _ where line.contains("busy p...") || line.contains("busy s..."): self = .busy
        case _ where Self.bootSigns.contains { line.contains($0) }: self = .bootText
        case _ where line.hasPrefix("+CWJAP:"):
            self = Int(line.dropFirst(7)).map { .joinCode($0) } ?? .other(line)
        default: self = .other(line)
        }
    }

    private static let bootSigns = [
        "rst cause", "wdt reset", "Soft WDT", "Fatal exception", "boot version", "jump to run", "csum",
    ]
}
