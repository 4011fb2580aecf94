import Testing

@testable import BridgeCore

/// A line with RTS and CTS, which takes bytes only as fast as they get on.
struct MQTTFlowControlTests {
    private static func online(bytesPerSecond: Int) -> MQTTRig {
        var rig = MQTTRig.online(
            MQTTRig.settings {
                $0.bytesPerSecond = bytesPerSecond
                $0.suspicion = .milliseconds(2500)
                $0.heartbeat = .seconds(10)
                $0.longestBurst = 2048
                $0.lineHoldsBack = true
            })
        rig.takesAtOnce = false
        return rig
    }

    /// 200 KB over a line that takes 20 KB a second, where its speed would permit 92.
    @Test func `a long message over a network slower than the line is given its time, and not looked after`() {
        var rig = Self.online(bytesPerSecond: 92_160)
        let began = rig.now
        var waiting = rig.publish(.sample(1, bytes: 200_000)).bursts
        #expect(waiting.count == 1, "the rest waits in the machine, and not in the channel")
        var sent = 0
        while !waiting.isEmpty {
            let count = waiting.removeFirst()
            let taken = rig.now + .microseconds(50 * count)
            while let deadline = rig.machine.deadline, deadline < taken {
                rig.now = deadline
                let effects = rig.machine.timerFired(now: rig.now)
                #expect(!effects.contains(.verify))
                #expect(effects.allSatisfy { if case .failed = $0 { false } else { true } })
                waiting += effects.bursts
            }
            rig.now = taken
            sent += count
            waiting += rig.machine.lineTook(count, now: taken).bursts
        }
        #expect(sent >= 200_000)
        #expect(rig.now - began >= .seconds(10))
        let departed = rig.machine.session.inFlight.first?.departed
        #expect((departed ?? .zero) + .seconds(1) > rig.now)
        // What adapter and module still hold takes its time, too.
        while let deadline = rig.machine.deadline, deadline < rig.now + .seconds(3) {
            rig.now = deadline
            #expect(!rig.taking(rig.machine.timerFired(now: rig.now)).contains(.verify))
        }
        #expect(rig.receive(.pubAck(.init(packetIdentifier: 1))).first == .acknowledged(sequence: 1))
    }

    /// What stands behind the line: a module with two buffers of 2,920 bytes, of which one is emptied at a time, by a slow
    /// network; and in the host a ring of 4,096 bytes that a writer waits for until 256 are left in it.
    private struct Buffers {
        let lineSpeed: Int
        let networkSpeed: Int
        var ring = 0
        var module = 0
        var freed = Moment.zero
        var now: Moment
        /// The next moment at which the module has sent a buffer.
        private var next: Moment?

        init(line: Int, network: Int, now: Moment) {
            (lineSpeed, networkSpeed, self.now) = (line, network, now)
        }

        var held: Int { ring + module }

        /// Lets time pass, a millisecond at a time.
        mutating func run(until end: Moment) {
            while now < end {
                now = now + .milliseconds(1)
                let moved = min(ring, max(1, lineSpeed / 1000), 2 * 2920 - module)
                ring -= moved
                module += moved
                if module > 0, next == nil { next = now + .microseconds(1_000_000 * min(module, 2920) / networkSpeed) }
                if let due = next, now >= due {
                    module -= min(module, 2920)
                    next = nil
                }
            }
        }

        /// Writes; says when the last byte has found its place.
        mutating func write(_ count: Int) -> Moment {
            var rest = count
            while rest > 0 {
                let part = min(rest, 4096 - ring)
                ring += part
                rest -= part
                if rest > 0 { while ring > 256 { run(until: now + .milliseconds(1)) } }
            }
            return now
        }
    }

    @Test(arguments: [11_520, 92_160], [500, 1000, 2000])
    func `no look while the buffers behind the line hold something, however they empty`(line: Int, network: Int) {
        for size in [20_000, 23_000, 26_000, 29_000, 32_000] {
            var rig = Self.online(bytesPerSecond: line)
            var buffers = Buffers(line: line, network: network, now: rig.now)
            var waiting = rig.publish(.sample(1, bytes: size)).bursts
            func check(_ effects: [MQTTConnection.Effect]) {
                #expect(!effects.contains(.verify), "\(size) bytes: \(buffers.held) are held")
                #expect(
                    effects.allSatisfy { if case .failed = $0 { false } else { true } }, "\(size) bytes: \(effects)")
            }
            func fire(at deadline: Moment) {
                rig.now = max(rig.now, deadline)
                let effects = rig.machine.timerFired(now: rig.now)
                check(effects)
                waiting += effects.bursts
            }
            while !rig.machine.hasEnded, !rig.machine.pieces.isEmpty || !waiting.isEmpty {
                guard !waiting.isEmpty else {
                    let deadline = rig.machine.deadline ?? rig.now
                    buffers.run(until: deadline)
                    fire(at: deadline)
                    continue
                }
                let count = waiting.removeFirst()
                let taken = buffers.write(count)
                while let deadline = rig.machine.deadline, deadline < taken { fire(at: deadline) }
                rig.now = taken
                waiting += rig.machine.lineTook(count, now: taken).bursts
            }
            // Of the heartbeat's PINGREQ, too, which stands behind it.
            while buffers.held > 0 {
                buffers.run(until: buffers.now + .milliseconds(50))
                rig.now = buffers.now
                let effects = rig.machine.timerFired(now: rig.now)
                check(effects)
                for count in effects.bursts { _ = rig.machine.lineTook(count, now: buffers.write(count)) }
            }
            #expect(rig.receive(.pubAck(.init(packetIdentifier: 1))).first == .acknowledged(sequence: 1))
        }
    }

    @Test func `when all is answered, the next silence is looked into as early as ever`() {
        var rig = Self.online(bytesPerSecond: 92_160)
        _ = rig.publish(.sample(1, bytes: 2000))
        rig.now = rig.now + .seconds(2)
        _ = rig.machine.lineTook(2000, now: rig.now)
        #expect(rig.machine.hold.patience > .seconds(20))
        _ = rig.receive(.pubAck(.init(packetIdentifier: 1)))
        #expect(rig.machine.hold.patience == .zero)
    }

    @Test func `a line that takes nothing any more is given up, without a look`() {
        var rig = Self.online(bytesPerSecond: 1_000_000)
        _ = rig.publish(.sample(1, bytes: 2000))
        var effects: [MQTTConnection.Effect] = []
        while !rig.machine.hasEnded, let deadline = rig.machine.deadline { effects += rig.wait(deadline - rig.now) }
        #expect(effects.last == .failed(.pingTimedOut))
        #expect(!effects.contains(.verify))
        #expect(rig.machine.takeSession().exposure?.departed == nil)
    }

    // MARK: QoS 0

    @Test func `QoS 0 is delivered when the port has sent its last byte, and not when the kernel has it`() {
        var rig = Self.online(bytesPerSecond: 92_160)
        for sequence in 1...2 { _ = rig.publish(.sample(Int64(sequence), bytes: 100, qos: .atMostOnce)) }
        #expect(!rig.machine.asksForPort)
        #expect(!rig.machine.lineTook(200, now: rig.now).contains(.written(sequence: 1)))
        #expect(rig.machine.asksForPort)
        #expect(rig.machine.portHolds(101, now: rig.now).isEmpty)
        #expect(rig.machine.portHolds(100, now: rig.now).first == .written(sequence: 1))
        #expect(rig.machine.portHolds(0, now: rig.now).first == .written(sequence: 2))
        #expect(!rig.machine.asksForPort)
    }

    @Test func `QoS 0 that the port has not sent goes in the next session`() {
        var rig = Self.online(bytesPerSecond: 92_160)
        for sequence in 1...2 { _ = rig.publish(.sample(Int64(sequence), bytes: 100, qos: .atMostOnce)) }
        _ = rig.machine.lineTook(200, now: rig.now)
        _ = rig.machine.portHolds(100, now: rig.now)
        #expect(rig.machine.takeSession().sequences == [2])
        #expect(rig.machine.portHolds(0, now: rig.now).isEmpty, "it is the next session's")
    }
}

extension [MQTTConnection.Effect] {
    /// How long each write is.
    fileprivate var bursts: [Int] { compactMap { if case .send(let bytes) = $0 { bytes.count } else { nil } } }
}
