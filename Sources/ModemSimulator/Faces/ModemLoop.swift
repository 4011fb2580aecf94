import BridgeCore
import Glibc

/// Carries out what ``SimulatedModem`` decides, on one thread: serial line, TCP, orders, one poll.
final class ModemLoop {
    private var modem: FaultyModem
    private var serial: SerialFace
    private var peers = PeerSockets()
    private var control: ControlServer?
    private var trace: DialogueTrace?
    private let mailbox: OrderMailbox
    private let announce: @Sendable (String) -> Void
    private var inbox: [SimulatedModem.Input] = []
    private var isStopping = false

    init(options: ModemHost.Options, serial: SerialFace, control: ControlServer?, mailbox: OrderMailbox) {
        modem = FaultyModem(options.configuration, scenario: options.scenario, start: .monotonic)
        self.serial = serial
        self.control = control
        self.mailbox = mailbox
        announce = options.announce
        trace = options.trace.map { DialogueTrace(sink: $0) }
    }

    func run() {
        feed(.poweredOn, at: .monotonic)
        while !isStopping { turn() }
        trace?.finish(now: .monotonic)
        peers.closeAll()
        serial.unplug()
        control?.close()
        mailbox.close()
    }

    // MARK: One turn

    private enum Source {
        case mailbox
        case serial
        case control
        case peer(SimulatedModem.ConnectionID)
        case forgotten
    }

    private func turn() {
        var now = Moment.monotonic
        var entries: [(source: Source, poll: pollfd)] = []
        func watch(_ source: Source, _ descriptor: Int32, _ events: Int32) {
            entries.append((source, pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)))
        }
        watch(.mailbox, mailbox.readEnd, POLLIN)
        if let interest = serial.interest(room: modem.modem.room) {
            watch(.serial, interest.descriptor, interest.events)
        }
        for descriptor in control?.descriptors ?? [] { watch(.control, descriptor, POLLIN) }
        let canRead = peers.isNetworkUp && serial.queued < SerialFace.transmitBuffer
        for (id, peer) in peers.peers {
            let reads = peer.isConnected && canRead && !modem.modem.isWindowClosed(id) ? POLLIN : 0
            let writes = !peer.isConnected || !peer.unsent.isEmpty ? POLLOUT : 0
            // Without interest a hang-up would be reported without end.
            if reads | writes != 0 { watch(.peer(id), peer.descriptor, reads | writes) }
        }
        if peers.isNetworkUp { for descriptor in peers.forgotten { watch(.forgotten, descriptor, POLLIN) } }

        var polls = entries.map(\.poll)
        _ = poll(&polls, nfds_t(polls.count), timeout(now: now))
        now = .monotonic

        for (entry, result) in zip(entries, polls) where result.revents != 0 {
            switch entry.source {
            case .mailbox: for order in mailbox.take() { _ = perform(order) }
            case .serial: readSerial(isReadable: result.revents & Int16(POLLIN) != 0, now: now)
            case .control: control?.readable(result.fd) { answer($0) }
            case .peer(let id): serve(id, events: result.revents)
            case .forgotten: peers.stirred(result.fd)
            }
        }
        readSerial(isReadable: false, now: now)
        if let deadline = modem.deadline, deadline <= now { inbox.append(.timePassed) }
        feedInbox(at: now)
        serial.carry(now: now)
        trace?.timePassed(now)
    }

    /// In milliseconds, rounded up, as poll(2) wants it.
    private func timeout(now: Moment) -> Int32 {
        let deadlines = [modem.deadline, serial.deadline(now: now), trace?.deadline].compactMap { $0 }
        guard let next = deadlines.min() else { return -1 }
        let wait = max(0, (next - now).inNanoseconds)
        return Int32(clamping: (wait + 999_999) / 1_000_000)
    }

    private func readSerial(isReadable: Bool, now: Moment) {
        guard let (bytes, arrived) = serial.read(isReadable: isReadable, room: modem.modem.room, now: now) else {
            return
        }
        trace?.note(bytes, fromHost: true, inDataMode: modem.modem.isTransparent, now: now)
        feed(.received(bytes), at: arrived)
    }

    private func serve(_ id: SimulatedModem.ConnectionID, events: Int16) {
        if events & Int16(POLLOUT | POLLERR | POLLHUP) != 0, let report = peers.writable(id) { inbox.append(report) }
        let room = SerialFace.transmitBuffer - serial.queued
        if events & Int16(POLLIN | POLLHUP | POLLERR) != 0, let report = peers.readable(id, atMost: room) {
            inbox.append(report)
        }
        feedInbox(at: .monotonic)
    }

    // MARK: Inputs and effects

    private func feed(_ input: SimulatedModem.Input, at moment: Moment) {
        inbox.append(input)
        feedInbox(at: moment)
    }

    private func feedInbox(at moment: Moment) {
        while !inbox.isEmpty {
            let input = inbox.removeFirst()
            carryOut(modem.input(input, now: moment))
        }
    }

    private func carryOut(_ effects: [FaultyModem.Effect]) {
        for effect in effects {
            switch effect {
            case .modem(let effect): carryOut(effect)
            case .order(let order): _ = handle(order)
            }
        }
    }

    private func carryOut(_ effect: SimulatedModem.Effect) {
        let now = Moment.monotonic
        switch effect {
        case .write(let bytes):
            trace?.note(bytes, fromHost: false, inDataMode: modem.modem.isTransparent, now: now)
            serial.write(bytes, now: now)
        case .setSpeed(let baud): serial.setSpeed(baud, now: now)
        case .dial(let id, let address, let port): peers.dial(id, address: address, port: port).map { inbox.append($0) }
        case .send(let id, let bytes): peers.send(id, bytes).map { inbox.append($0) }
        case .close(let id): peers.close(id)
        case .abandon(let id): peers.abandon(id)
        case .setNetwork(let isUp): peers.isNetworkUp = isUp
        }
    }

    // MARK: Orders

    private func answer(_ line: String) -> String {
        if let entry = Scenario.Entry(line: line) {
            modem.add(entry, now: .monotonic)
            return "ok"
        }
        guard let order = ModemOrder(line: line) else { return "error not understood: \(line)" }
        return perform(order).map { "error \($0)" } ?? "ok"
    }

    private func perform(_ order: ModemOrder) -> String? {
        let now = Moment.monotonic
        trace?.comment("\(order)", now: now)
        return handle(order)
    }

    /// Orders about the adapter and the simulator are carried out here, all others by the machine.
    private func handle(_ order: ModemOrder) -> String? {
        let now = Moment.monotonic
        switch order {
        case .hangUp:
            feed(.poweredOff, at: now)
            serial.unplug()
        case .replug:
            guard serial.path == nil else { return "the adapter is plugged in" }
            do throws(SimulatorError) { try serial.plug() } catch { return "\(error)" }
            announce(serial.path ?? "")
            feed(.poweredOn, at: now)
        case .stop: isStopping = true
        case .fault, .line, .roundTrip, .loss, .brownOut:
            carryOut(modem.perform(order, now: now))
            feedInbox(at: now)
        }
        return nil
    }
}

extension Moment {
    /// CLOCK_MONOTONIC.
    static var monotonic: Moment {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
