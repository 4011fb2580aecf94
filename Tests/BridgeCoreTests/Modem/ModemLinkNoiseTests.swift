import TestSupport
import Testing

@testable import BridgeCore

/// Noise on the line: whatever comes, the machine keeps its promises.
@Suite struct ModemLinkNoiseTests {
    /// Far more than any way up takes when every answer comes as late as it may.
    static let longestAttempt: Duration = .seconds(600)

    /// Carries effects out in virtual time and watches what may never happen.
    struct Watch {
        var link: ModemLink
        var now = Moment(nanoseconds: 1)
        var ended = false
        private(set) var last: ModemLink.Effect?
        private var hasSent = false
        private var wireIdleFrom = Moment.zero
        private var escapedAt: Moment?

        init(start: Repair, settings: ModemLink.Settings = .workshop) {
            link = ModemLink(settings: settings, start: start)
            take(link.begun(now: now))
        }

        mutating func receive(_ bytes: [UInt8]) {
            take(link.received(bytes[...], now: now))
        }

        mutating func leave() {
            take(link.leave(now: now))
        }

        mutating func write(_ bytes: [UInt8]) {
            take(link.write(bytes, now: now))
        }

        /// Lets time pass, and the deadlines in it.
        mutating func pass(_ time: Duration) {
            let end = now + time
            while let deadline = link.deadline, deadline <= end {
                now = max(now, deadline)
                take(link.timerFired(now: now))
            }
            now = max(now, end)
        }

        mutating func passUntilSent() {
            while !hasSent, let deadline = link.deadline { pass(deadline - now) }
            hasSent = false
        }

        private mutating func take(_ effects: [ModemLink.Effect]) {
            for effect in effects {
                #expect(!ended, "\(effect) after the end")
                last = effect
                switch effect {
                case .send(let bytes), .forward(let bytes): watch(bytes)
                case .said(let line):
                    #expect(line.text.utf8.count <= 4 * ATLexer.longestLine)
                case .failed, .left: ended = true
                default: break
                }
            }
            let idles = ended || link.isOpen
            #expect((link.deadline == nil) == idles, "a timer runs exactly while something is awaited")
        }

        /// `+++` goes out alone, in silence, and a second passes before the next command.
        private mutating func watch(_ bytes: [UInt8]) {
            hasSent = true
            if bytes == Array("+++".utf8) {
                #expect(now - wireIdleFrom >= .milliseconds(50))
                escapedAt = now
            } else if let escapedAt, !link.isOpen {
                #expect(now - escapedAt >= .seconds(1))
            }
            wireIdleFrom = max(now, wireIdleFrom) + .microseconds(87 * bytes.count)
        }
    }

    /// How far a fixture is played before the noise begins: behind each of these the machine waits for something else.
    static let states: [String] = [
        "+++", "AT\\r\\n", "AT+RST\\r\\n", "ATE0\\r\\n", "AT+GMR\\r\\n", "AT+CWMODE_CUR=1\\r\\n",
        "AT+CWJAP_CUR=", "AT+CIFSR\\r\\n", "AT+CWJAP_CUR?\\r\\n", "AT+CIPMUX=0\\r\\n", "AT+CIPSTART",
        "AT+CIPMODE=1\\r\\n",
        "AT+CIPSEND\\r\\n", "\\x10", "AT+CIPMODE=0\\r\\n", "AT+CIPCLOSE\\r\\n",
    ]

    /// Plays a fixture until a line that begins so has been sent.
    static func play(
        until head: String, of name: String = "nonos-1.7.5.at", start: Repair = .reset,
        settings: ModemLink.Settings = .workshop
    ) throws -> Watch {
        var watch = Watch(start: start, settings: settings)
        for entry in try ModemTranscriptTests.load(name).entries {
            switch entry {
            case .order("leave"): watch.leave()
            case .toModem(let bytes):
                watch.write(bytes)
                watch.passUntilSent()
                if entry.description.hasPrefix("> " + head) { return watch }
            case .fromModem(let bytes): watch.receive(bytes)
            default: break
            }
        }
        throw TranscriptPlayer.Mismatch(description: "no line \(head)")
    }

    @Test(arguments: states)
    func aMebibyteOfNoiseInEveryState(state: String) throws {
        let seed = state.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }
        var random = SplitMix(seed: seed)
        var watch = try Self.play(until: state)
        var left = 1 << 20
        while left > 0 {
            let count = min(left, Int.random(in: 1...4096, using: &random))
            left -= count
            watch.receive((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            watch.pass(.milliseconds(Int.random(in: 0...300, using: &random)))
        }
        let lexer = watch.link.lexer
        let held = try #require(Mirror(reflecting: lexer).descendant("line") as? [UInt8])
        #expect(held.count <= 2 * ATLexer.longestLine, "seed \(seed)")
        watch.pass(Self.longestAttempt)
        #expect(watch.ended || watch.link.isOpen, "seed \(seed)")
    }

    static let vocabulary: [[UInt8]] = [
        "\r\nOK\r\n", "\r\nERROR\r\n", "\r\nFAIL\r\n", "\r\nbusy p...\r\n", "\r\nready\r\n", "WIFI CONNECTED\r\n",
        "WIFI GOT IP\r\n", "WIFI DISCONNECT\r\n", "CONNECT\r\n", "CLOSED\r\n", "\r\n>", "> ", "+CWJAP:2\r\n",
        "AT version:1.7.5.0(x)\r\n", "AT version:2.3.0.0(x)\r\n", "+CIFSR:STAIP,\"10.0.0.2\"\r\n",
        "+CIFSR:STAIP,\"0.0.0.0\"\r\n", "ALREADY CONNECTED\r\n", "DNS Fail\r\n", "AT\r\r\n", "\0\u{7F}\r", "ATE0\r\r\n",
    ].map { Array($0.utf8) }

    /// Words of the modem in random order get further than bytes do.
    @Test(arguments: [Repair.dial, .join, .reset, .reopen], [UInt64](1...150))
    func anEndIsAlwaysReached(start: Repair, seed: UInt64) {
        var random = SplitMix(seed: seed)
        var watch = Watch(start: start)
        // A modem that mostly says OK gets far; every third seed is one that says anything.
        let likely = seed % 3 == 0 ? 0 : 3
        let began = watch.now
        while !watch.ended, watch.now - began < Self.longestAttempt {
            let isLikely = Int.random(in: 0...3, using: &random) < likely
            let helpful = [
                "\r\nready\r\n", "AT version:1.7.5.0(x)\r\n", "+CIFSR:STAIP,\"10.0.0.2\"\r\n", "CONNECT\r\n", "\r\n>",
                "\r\nOK\r\n",
            ]
            let words = isLikely && watch.link.deadline != nil ? helpful.map { Array($0.utf8) } : Self.vocabulary
            watch.receive(words.randomElement(using: &random) ?? [])
            if Int.random(in: 0...40, using: &random) == 0 { watch.write([0xC0, 0x00]) }
            if watch.link.isOpen, Int.random(in: 0...10, using: &random) == 0 { watch.leave() }
            if Int.random(in: 0...300, using: &random) == 0 { watch.leave() }
            watch.pass(.milliseconds(Int.random(in: 0...600, using: &random)))
        }
        #expect(watch.ended || watch.link.isOpen, "seed \(seed)")
    }

    /// From any state, leaving takes four seconds at most, with a modem that says nothing more.
    @Test(arguments: states)
    func leavingIsBounded(state: String) throws {
        var watch = try Self.play(until: state)
        watch.leave()
        watch.pass(.seconds(4))
        #expect(watch.ended)
    }

    /// An address in figures needs no DNS, so ESP-AT is not asked to resolve it.
    @Test func anAddressIsNotResolved() throws {
        var settings = ModemLink.Settings.workshop
        settings.host = "10.0.0.1"
        var watch = try Self.play(until: "AT+CIPSTART", of: "esp-at-2.3.at", settings: settings)
        watch.receive(Array("\r\nERROR\r\nCLOSED\r\n".utf8))
        #expect(watch.last == .failed(.connectionRefused(host: "10.0.0.1", port: 1883)))
    }

    /// A module that repeats the password long after it was sent.
    @Test(arguments: [
        #"AT+CWJAP_CUR="workshop","s3cret\, \"quoted\"""#, "plainword", #"x","plainword"WIFI GOT IP"#,
    ])
    func thePasswordIsHiddenAtAnyTime(line: String) throws {
        var settings = ModemLink.Settings.workshop
        settings.password = "plainword"
        var watch = try Self.play(until: "AT+CIFSR", settings: settings)
        watch.receive(Array((line + "\r\n").utf8))
        #expect(watch.last == .said(.init(.fromModem, "•••")))
    }

    @Test func writesAreNeverReshaped() throws {
        var watch = try Self.play(until: "\\x10")
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(watch.link.write(bytes, now: watch.now) == [.forward(bytes)])
        #expect(watch.link.write([], now: watch.now) == [])
    }

    @Test func whatIsWrittenOutsideTheTunnelIsDropped() throws {
        var watch = try Self.play(until: "AT+CIPSEND")
        #expect(watch.link.write([1, 2, 3], now: watch.now) == [])
    }

    @Test func aValueThatCannotBeSentEndsTheAttempt() throws {
        var settings = ModemLink.Settings.workshop
        settings.host = "broker\r\nAT+RESTORE"
        #expect(throws: ATCommand.Problem.controlCharacter(value: "host name")) { try settings.validate() }
        var watch = try Self.play(until: "AT+CWJAP_CUR?", of: "start-dial.at", start: .dial, settings: settings)
        watch.receive(Array("\r\nOK\r\n".utf8))
        guard case .failed(.commandFailed(_, let reply))? = watch.last else {
            Issue.record("\(String(describing: watch.last))")
            return
        }
        #expect(reply.contains("host name"))
    }
}
