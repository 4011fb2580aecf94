import BridgeCore
import TestSupport

/// Plays a transcript against a ``ModemLink`` in virtual time.
///
/// - `!` is carried out at once. `! write` is what the upper layer writes, and `! open packet` lets a whole way up
///   pass.
/// - `>` must be exactly what the machine sends next; its deadlines are let pass until it does. While
///   the tunnel is open in transparent mode, `>` is what the upper layer writes.
/// - `<` is fed, in the pieces that the player was made with. Nothing may have been sent that the
///   transcript has not mentioned.
/// - `~` lets time pass, and the deadlines in it.
/// - `=` must be the next outcome; deadlines are let pass until there is one. `climbed` and `learned`
///   may be left out.
struct TranscriptPlayer {
    enum Pieces: Sendable, CustomStringConvertible {
        case whole
        case drip
        case random(seed: UInt64)

        var description: String {
            switch self {
            case .whole: "whole"
            case .drip: "byte by byte"
            case .random(let seed): "split at random places, seed \(seed)"
            }
        }
    }

    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    private var link: ModemLink
    private var now = Moment(nanoseconds: 1_000_000_000)
    private var settings: ModemLink.Settings
    private let pieces: Pieces
    private var random: SplitMix
    private var sent: [UInt8] = []
    private var outcomes: [String] = []
    private var delivered: [UInt8] = []
    private(set) var said: [ModemLink.Line] = []
    private var isLeaving = false

    init(settings: ModemLink.Settings = .workshop, pieces: Pieces = .whole) {
        self.settings = settings
        self.pieces = pieces
        link = ModemLink(settings: settings, start: .reset)
        random =
            switch pieces {
            case .random(let seed): SplitMix(seed: seed)
            case .whole, .drip: SplitMix(seed: 0)
            }
    }

    mutating func play(_ transcript: Transcript) throws {
        for (index, entry) in transcript.entries.enumerated() {
            do {
                try play(entry)
            } catch let mismatch as Mismatch {
                throw Mismatch(description: "entry \(index + 1), \(entry): \(mismatch.description)")
            }
        }
        flushDelivered()
        guard sent.isEmpty else { throw Mismatch(description: "not expected: sent \(text(sent))") }
        if let rest = outcomes.first(where: { !isOptional($0) }) {
            throw Mismatch(description: "not expected: \(rest)")
        }
    }

    private mutating func play(_ entry: Transcript.Entry) throws {
        switch entry {
        case .comment: return
        case .order(let order): try carryOut(order)
        case .toModem(let bytes): try expectSent(bytes)
        case .fromModem(let bytes): try feed(bytes)
        case .pause(let duration): pass(until: now + duration)
        case .outcome(let outcome): try expect(outcome)
        }
    }

    private mutating func carryOut(_ order: String) throws {
        let starts: [String: Repair] = [
            "begin reset": .reset, "begin reopen": .reopen, "begin join": .join, "begin dial": .dial,
        ]
        if order.hasPrefix("write ") {
            let parsed = try Transcript(parsing: "> " + order.dropFirst(6))
            guard case .toModem(let bytes)? = parsed.entries.first else { throw Mismatch(description: "no bytes") }
            take(link.write(bytes, now: now))
            return
        }
        if order == "open packet" { return try openInPacketMode() }
        let isPacket = order.hasPrefix("begin packet ")
        if isPacket { settings.mode = .packet }
        let order = isPacket ? order.replacing("packet ", with: "") : order
        if order == "leave" {
            isLeaving = true
            take(link.leave(now: now))
        } else if order == "begin reset trying speeds" {
            var settings = settings
            settings.triesSpeeds = true
            link = ModemLink(settings: settings, start: .reset)
            take(link.begun(now: now))
        } else if order == "verify" {
            take(link.verify(now: now))
        } else if order == "begin dial noting the port" {
            var settings = settings
            settings.verifiesConnection = true
            link = ModemLink(settings: settings, start: .dial)
            take(link.begun(now: now))
        } else if let start = starts[order] {
            link = ModemLink(settings: settings, start: start)
            isLeaving = false
            take(link.begun(now: now))
        } else {
            throw Mismatch(description: "unknown order")
        }
    }

    /// The way up, with a module that does what it is told.
    private mutating func openInPacketMode() throws {
        settings.mode = .packet
        link = ModemLink(settings: settings, start: .dial)
        isLeaving = false
        take(link.begun(now: now))
        let facts = [
            "AT+GMR\r\n": "AT version:1.7.5.0(x)\r\n", "AT+CIFSR\r\n": "+CIFSR:STAIP,\"192.168.1.23\"\r\n",
        ]
        while !link.isOpen {
            guard !sent.isEmpty || step() else { throw Mismatch(description: "the way up failed: \(outcomes)") }
            guard !sent.isEmpty else { continue }
            let line = String(decoding: sent, as: UTF8.self)
            sent = []
            guard line != "+++" else { continue }
            let fact = line.hasPrefix("AT+CIPSTART") ? "CONNECT\r\n" : facts[line] ?? ""
            take(link.received(Array((fact + "\r\nOK\r\n").utf8)[...], now: now))
        }
        (outcomes, delivered) = ([], [])
    }

    private mutating func expectSent(_ bytes: [UInt8]) throws {
        if link.isOpen, settings.mode == .transparent, !isLeaving, sent.isEmpty { take(link.write(bytes, now: now)) }
        while sent.isEmpty, step() {}
        guard sent.starts(with: bytes) else {
            throw Mismatch(description: "sent \(text(sent)) instead; outcomes \(outcomes)")
        }
        sent.removeFirst(bytes.count)
    }

    private mutating func feed(_ bytes: [UInt8]) throws {
        guard sent.isEmpty else { throw Mismatch(description: "sent before it: \(text(sent))") }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count =
                switch pieces {
                case .whole: rest.count
                case .drip: 1
                case .random: Int.random(in: 1...rest.count, using: &random)
                }
            take(link.received(rest.prefix(count), now: now))
            rest = rest.dropFirst(count)
        }
    }

    private mutating func expect(_ outcome: String) throws {
        while true {
            flushDelivered()
            if let index = outcomes.firstIndex(of: outcome), outcomes[..<index].allSatisfy(isOptional) {
                outcomes.removeFirst(index + 1)
                return
            }
            if let other = outcomes.first(where: { !isOptional($0) }) {
                throw Mismatch(description: "\(other) instead")
            }
            guard step() else { throw Mismatch(description: "did not come") }
            guard sent.isEmpty else { throw Mismatch(description: "sent \(text(sent)) instead") }
        }
    }

    /// Lets time pass up to the next deadline.
    private mutating func step() -> Bool {
        guard let deadline = link.deadline else { return false }
        now = max(now, deadline)
        take(link.timerFired(now: now))
        return true
    }

    private mutating func pass(until end: Moment) {
        while let deadline = link.deadline, deadline <= end, step() {}
        now = max(now, end)
    }

    private mutating func take(_ effects: [ModemLink.Effect]) {
        for effect in effects {
            if case .deliver(let bytes) = effect {
                delivered += bytes
                continue
            }
            flushDelivered()
            switch effect {
            case .send(let bytes), .forward(let bytes): sent += bytes
            case .said(let line): said.append(line)
            case .climbed(let rung): outcomes.append("climbed \(rung.rawValue)")
            case .learned(let fact): outcomes.append("learned \(fact.words)")
            case .opened: outcomes.append("opened")
            case .verified: outcomes.append("verified")
            case .setSpeed(let baud): outcomes.append("speed \(baud)")
            case .left: outcomes.append("left")
            case .failed(let failure): outcomes.append("failed \(failure.word)")
            case .deliver, .held: break
            }
        }
    }

    /// Tunnel bytes count as one outcome, whatever pieces they came in.
    private mutating func flushDelivered() {
        guard !delivered.isEmpty else { return }
        outcomes.append("delivered \(text(delivered))")
        delivered = []
    }

    private func isOptional(_ outcome: String) -> Bool {
        outcome.hasPrefix("climbed ") || outcome.hasPrefix("learned ")
    }

    private func text(_ bytes: [UInt8]) -> String {
        String(Transcript.Entry.toModem(bytes).description.dropFirst(2))
    }
}

extension ModemFact {
    var words: String {
        switch self {
        case .firmware(let version): "firmware \(version)"
        case .address(let address): "address \(address)"
        case .mac(let mac): "mac \(mac)"
        case .speed(let baud): "speed \(baud)"
        case .roundTrip: "round-trip"
        case .accessPoint(let bssid, let channel, let rssi): "access-point \(bssid) \(channel) \(rssi)"
        }
    }
}

extension ModemLink.Settings {
    /// What the fixtures are about.
    static let workshop = ModemLink.Settings(
        ssid: "workshop", password: "s3cret, \"quoted\"", host: "broker.example.net", port: 1883,
        linkKeepAlive: 60, baud: 115_200)
}
