import ModemSimulator
import TestSupport
import Testing

@testable import BridgeCore

/// Packet mode against the simulated module in virtual time: whatever goes wrong, what one side gets is what the other
/// side has sent, from its first byte on and without a gap, until the attempt ends.
@Suite struct PacketLinkTests {
    /// A peer that keeps what came over each connection; it speaks when the test says so.
    struct Peer: VirtualPeer {
        var answer = DialAnswer.accepts
        private(set) var received: [[UInt8]] = []
        private(set) var connection: Int?
        var deadline: Moment? { nil }

        mutating func opened(_ connection: Int, now: Moment) -> [PeerAction] {
            self.connection = connection
            received.append([])
            return []
        }
        mutating func received(_ connection: Int, _ bytes: [UInt8], now: Moment) -> [PeerAction] {
            if connection == self.connection { received[received.count - 1] += bytes }
            return []
        }
        mutating func closed(_ connection: Int, now: Moment) -> [PeerAction] {
            if connection == self.connection { self.connection = nil }
            return []
        }
        mutating func timePassed(_ now: Moment) -> [PeerAction] { [] }
    }

    /// Attempt after attempt, with bytes both ways while the tunnel is open.
    struct Run {
        var line: VirtualModem<Peer>
        var link: ModemLink
        var random: SplitMix
        var written: [UInt8] = []
        var spoken: [UInt8] = []
        var delivered: [UInt8] = []
        var failures: [LinkFailure] = []
        var log: [String] = []
        var nextAttempt: Moment?
        private(set) var opened = 0

        init(seed: UInt64, firmware: FirmwareVersion) {
            random = SplitMix(seed: seed)
            var world = ModemConfiguration()
            world.firmware = firmware
            world.seed = seed
            world.hosts = [HostMapping(name: "broker.example.net", address: "127.0.0.1", targetPort: 1883)]
            line = VirtualModem(world, peer: Peer())
            link = ModemLink(settings: Self.settings, start: .reset)
            take(link.begun(now: line.now))
        }

        static let settings = ModemLink.Settings(
            ssid: "workshop", password: "12345678", host: "broker.example.net", port: 1883, linkKeepAlive: 60,
            baud: 115_200, mode: .packet)

        /// Lets time pass for the module and the machine.
        mutating func pass(_ time: Duration) {
            let end = line.now + time
            while line.now < end {
                let due = [link.deadline, nextAttempt].compactMap { $0 }.min() ?? end
                if line.advance(untilArrival: max(line.now, min(due, end))) {
                    take(link.received(line.read()[...], now: line.now))
                }
                if let due = link.deadline, due <= line.now { take(link.timerFired(now: line.now)) }
                if let due = nextAttempt, due <= line.now { begin() }
            }
        }

        private mutating func begin() {
            let repair = failures.last?.repair ?? .reset
            nextAttempt = nil
            link = ModemLink(settings: Self.settings, start: failures.count.isMultiple(of: 4) ? .reset : repair)
            take(link.begun(now: line.now))
        }

        mutating func write() {
            guard link.isOpen else { return }
            // Words that a module would carry out, or take for an escape.
            let bytes =
                [Array("AT+RESTORE\r\n".utf8), Array("x+++".utf8), Array("+++".utf8)].randomElement(using: &random).map
            {
                Bool.random(using: &random) ? $0 : noise(1...3000)
            } ?? []
            written += bytes
            take(link.write(bytes, now: line.now))
        }

        mutating func speak() {
            guard link.isOpen, let connection = line.peer.connection else { return }
            let bytes = Bool.random(using: &random) ? Array("\r\nERROR\r\n+IPD,5:CLOSED\r\n\r".utf8) : noise(1...2000)
            spoken += bytes
            log.append("spoken \(bytes.count)")
            line.act([.send(connection, bytes)])
        }

        private mutating func noise(_ count: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: count, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }

        private mutating func take(_ effects: [ModemLink.Effect]) {
            for effect in effects {
                switch effect {
                case .send(let bytes), .forward(let bytes): line.send(bytes)
                case .opened:
                    opened += 1
                    (written, spoken, delivered) = ([], [], [])
                case .deliver(let bytes):
                    delivered += bytes
                    log.append("delivered \(bytes.count)")
                case .said(let line): log.append("\(line.direction == .toModem ? ">" : "<") \(line.text)")
                case .failed(let failure):
                    log.append(failure.word)
                    failures.append(failure)
                    nextAttempt = line.now + .seconds(2)
                default: break
                }
            }
        }

        /// What came is the beginning of what was sent, both ways.
        var lie: String? {
            let received = line.peer.received.last ?? []
            if !written.starts(with: received) { return Self.difference("at the peer", received, written, log) }
            return spoken.starts(with: delivered) ? nil : Self.difference("delivered", delivered, spoken, log)
        }

        private static func difference(_ what: String, _ came: [UInt8], _ sent: [UInt8], _ log: [String]) -> String {
            let place = zip(came, sent).prefix { $0 == $1 }.count
            func text(_ bytes: [UInt8]) -> String { printable(Array(bytes.dropFirst(max(0, place - 10)).prefix(60))) }
            return
                "\(what), from byte \(place) of \(came.count) on: \(text(came)) instead of \(text(sent)); \(log.suffix(12))"
        }
    }

    static let troubles = [
        "drop", "drop-hold 3", "reset", "ap down", "ap up", "network down", "network up", "one-behind", "send-ok lost",
        "send-ok late", "send-ok fail-first", "late-ok 1.5", "echo", "crash-on-close",
        "rtt 100-900", "rtt 0-20", "first-error", "refuse-dial",
    ]

    @Test(arguments: [FirmwareVersion.nonOS13, .nonOS17, .espAT2], [UInt64](1...40))
    func neitherSideGetsWhatTheOtherHasNotSent(firmware: FirmwareVersion, seed: UInt64) throws {
        var run = Run(seed: seed, firmware: firmware)
        // Bytes are lost once each way: of a piece and not of the escape that ends what comes of it; and of a payload that no
        // boot noise fills up.
        let losesReceived = seed.isMultiple(of: 2)
        let loss = try #require(ModemOrder(line: "lose-sent 1"))
        run.line.add(.init(.text(.host, Array("AT+CIPSEND=".utf8), isRepeated: false), loss))
        if losesReceived {
            let loss = try #require(ModemOrder(line: "lose-received \(1 + seed % 3)"))
            run.line.add(.init(.at(.seconds(60)), loss))
        }
        let troubles = Self.troubles.filter { !losesReceived || !["reset", "crash-on-close"].contains($0) }
        for _ in 0..<60 {
            run.pass(.milliseconds(Int.random(in: 1...4000, using: &run.random)))
            if let lie = run.lie {
                Issue.record("\(firmware), seed \(seed): \(lie)")
                return
            }
            for _ in 0..<Int.random(in: 0...4, using: &run.random) {
                Bool.random(using: &run.random) ? run.write() : run.speak()
            }
            guard run.link.isOpen || Bool.random(using: &run.random) else { continue }
            let trouble = try #require(troubles.randomElement(using: &run.random))
            run.log.append("! \(trouble)")
            run.line.perform(try #require(ModemOrder(line: trouble)))
        }
        for order in ["ap up", "network up", "rtt 0-20"] {
            run.line.perform(try #require(ModemOrder(line: order)))
        }
        // In the end it is open, and all of it comes.
        for _ in 0..<40 where !run.link.isOpen { run.pass(.seconds(10)) }
        run.pass(.seconds(60))
        for _ in 0..<40 where !run.link.isOpen { run.pass(.seconds(10)) }
        let isOpen = run.link.isOpen
        #expect(isOpen, "seed \(seed), \(run.log.suffix(20))")
        run.write()
        run.speak()
        run.pass(.seconds(30))
        #expect(run.lie == nil, "seed \(seed)")
        if run.link.isOpen {
            #expect(run.line.peer.received.last?.count == run.written.count, "seed \(seed)")
            #expect(run.delivered.count == run.spoken.count, "seed \(seed)")
        }
        #expect(run.opened > 1, "seed \(seed)")
    }
}
