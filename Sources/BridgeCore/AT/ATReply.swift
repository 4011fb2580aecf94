/// The lines of the modem whose meaning does not depend on the command that is being answered.
public enum ATReply: Hashable, CaseIterable, Sendable {
    /// The command was carried out.
    case ok
    /// The command failed; on NonOS AT a line with the reason came before.
    case error
    /// `AT+CWJAP` failed (NonOS AT).
    case fail
    /// `busy p...` or `busy s...`: the line that was sent has been thrown away.
    case busy
    /// The prompt of `AT+CIPSEND`.
    case prompt
    /// The end of boot.
    case ready
    /// The boot ROM or a crash, read at the right speed.
    case bootText
    /// Associated with the access point.
    case wifiConnected
    /// An address was assigned.
    case wifiGotAddress
    /// The access point was lost; the firmware tries again by itself.
    case wifiLost
    /// No DHCP server answered (NonOS AT).
    case dhcpTimedOut
    /// The TCP connection stands: `CONNECT`, or `+LINK_CONN:` when AT+SYSMSG has bit 1 set.
    case connected
    /// The TCP connection ended.
    case closed
}

extension ATReply {
    /// The meaning of a line, or nil when it has none of its own.
    public init?(_ line: ATLine) {
        guard let reply = Self.spellings.first(where: { $0.match.fits(line) })?.reply else { return nil }
        self = reply
    }

    /// Whether the line is one of the known texts and nothing else.
    static func isPlain(_ line: ATLine) -> Bool {
        spellings.contains { entry in
            switch entry.match {
            case .whole(let text), .end(let text): line.isWhole(text)
            case .start, .anywhere, .reply: false
            }
        }
    }

    /// How each reply is written; the first that fits counts.
    ///
    /// `OK`, `ERROR` and `FAIL` always have CR LF in front, so they are whole lines. The others can
    /// follow garbage, echo or payload directly, and are known by their end. `CONNECT` comes after
    /// the two texts that end in it.
    private static let spellings: [(match: LineMatch, reply: ATReply?)] = [
        (.whole("OK"), .ok),
        (.whole("ERROR"), .error),
        (.whole("FAIL"), .fail),
        (.end("busy p..."), .busy),
        (.end("busy s..."), .busy),
        (.end("ready"), .ready),
        (.end("WIFI CONNECTED"), .wifiConnected),
        (.end("WIFI GOT IP"), .wifiGotAddress),
        (.end("WIFI DISCONNECT"), .wifiLost),
        (.end("DHCP TIMEOUT"), .dhcpTimedOut),
        (.end("ALREADY CONNECT"), nil),
        (.end("CONNECT"), .connected),
        (.anywhere("+LINK_CONN:0"), .connected),
        (.end("CLOSED"), .closed),
        (.anywhere("rst cause:"), .bootText),
        (.anywhere("wdt reset"), .bootText),
        (.anywhere("WDT reset"), .bootText),
        (.anywhere("Fatal exception"), .bootText),
    ]
}

/// A way to recognise a line.
enum LineMatch: Equatable, Sendable {
    case whole(String)
    case start(String)
    case end(String)
    case anywhere(String)
    case reply(ATReply)

    func fits(_ line: ATLine) -> Bool {
        switch self {
        case .whole(let text): line.isWhole(text)
        case .start(let text): line.starts(with: text)
        case .end(let text): line.ends(with: text)
        case .anywhere(let text): line.contains(text)
        case .reply(let reply): ATReply(line) == reply
        }
    }
}
