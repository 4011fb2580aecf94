import Testing

@testable import ModemSimulator

/// What each firmware answers, exactly; `|` stands for CR LF.
struct Reply: Sendable {
    private var texts: [FirmwareVersion: String]

    subscript(version: FirmwareVersion) -> String? {
        texts[version].map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\r\n") }
    }

    static func all(_ text: String) -> Reply { Reply(texts: [.nonOS13: text, .nonOS17: text, .espAT2: text]) }

    static func each(nonOS13: String, nonOS17: String, espAT: String) -> Reply {
        Reply(texts: [.nonOS13: nonOS13, .nonOS17: nonOS17, .espAT2: espAT])
    }

    static func nonOS(_ text: String, espAT: String) -> Reply { each(nonOS13: text, nonOS17: text, espAT: espAT) }

    /// NonOS explains, ESP-AT does not.
    static func explained(_ text: String) -> Reply { nonOS(text + "||ERROR|", espAT: "|ERROR|") }

    /// A command that 1.3 does not have.
    static func since14(_ text: String) -> Reply { each(nonOS13: "|ERROR|", nonOS17: text, espAT: text) }

    static func onlyNonOS(_ text: String) -> Reply { nonOS(text, espAT: "|ERROR|") }

    static func onlyESPAT(_ text: String) -> Reply { nonOS("|ERROR|", espAT: text) }

    static let ok = all("|OK|")
    static let error = all("|ERROR|")
}

/// One line of a dialogue with each firmware.
struct Row: Sendable, CustomTestStringConvertible {
    enum Start: Sendable {
        case booted, joined, connected
        /// CIPMUX=1 without and with link 0.
        case joinedMany, connectedMany
    }

    var start: Start
    /// Commands before, the replies to which do not matter.
    var before: [String]
    var sent: String
    var reply: Reply

    init(_ start: Start, _ before: [String], _ sent: String, _ reply: Reply) {
        (self.start, self.before, self.sent, self.reply) = (start, before, sent, reply)
    }

    init(_ start: Start, _ sent: String, _ reply: Reply) { self.init(start, [], sent, reply) }

    init(_ sent: String, _ reply: Reply) { self.init(.booted, [], sent, reply) }

    var testDescription: String { (before + [sent]).joined(separator: ", ") }

    /// Holds the dialogue with each firmware.
    func check(_ network: Bench.Network = .accepts, sourceLocation: SourceLocation = #_sourceLocation) {
        for version in FirmwareVersion.allCases {
            var bench = Bench.started(start, version)
            bench.network = network
            for line in before { _ = bench.ask(line) }
            let heard = bench.ask(sent)
            #expect(heard == reply[version], "\(version.rawValue)", sourceLocation: sourceLocation)
        }
    }
}

extension Bench {
    static func started(_ start: Row.Start, _ version: FirmwareVersion) -> Bench {
        switch start {
        case .booted: return Bench { $0.firmware = version }
        case .joined: return joined { $0.firmware = version }
        case .connected: return connected { $0.firmware = version }
        case .joinedMany, .connectedMany:
            var bench = joined { $0.firmware = version }
            _ = bench.ask("AT+CIPMUX=1")
            if start == .connectedMany { _ = bench.ask("AT+CIPSTART=0,\"TCP\",\"broker\",1883") }
            bench.effects = []
            return bench
        }
    }
}
