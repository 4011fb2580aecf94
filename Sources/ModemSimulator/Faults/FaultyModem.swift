import BridgeCore

/// A simulated module with everything that can go wrong around it: on the line, in its firmware, on the network; at
/// once, at a time, or when something is seen.
///
/// It takes the inputs of ``SimulatedModem`` and gives its effects, so that whoever can run the one can run the other.
public struct FaultyModem: Sendable {
    /// What the caller is to do.
    public enum Effect: Equatable, Sendable {
        case modem(SimulatedModem.Effect)
        /// Something that only the caller can do: pull the adapter out, plug it in, end.
        case order(ModemOrder)
    }

    public private(set) var modem: SimulatedModem
    private var mischief: LineMischief
    private var weather: NetworkWeather
    private var board = TriggerBoard()
    private var sendBuffer = SendBuffer()
    private var inbox: [SimulatedModem.Input] = []
    private var orders: [ModemOrder] = []
    private var effects: [Effect] = []

    /// - Parameter scenario: what goes wrong, counted from the first input.
    public init(_ configuration: ModemConfiguration, scenario: Scenario = Scenario(), start: Moment = .zero) {
        modem = SimulatedModem(configuration)
        mischief = LineMischief(seed: configuration.seed)
        weather = NetworkWeather(seed: configuration.seed)
        for entry in scenario.entries { board.add(entry, now: start) }
    }

    /// When it wants to be woken, if nothing happens before.
    public var deadline: Moment? {
        earliest(modem.deadline, deadlineAround)
    }

    private var deadlineAround: Moment? {
        earliest(mischief.deadline, earliest(weather.deadline, board.deadline))
    }

    /// Takes in what happened; what was due before is served first.
    public mutating func input(_ input: SimulatedModem.Input, now: Moment) -> [Effect] {
        serveTimers(until: now)
        handle(input, now: now)
        settle(now: now)
        defer { effects = [] }
        return effects
    }

    /// Breaks or mends something.
    public mutating func perform(_ order: ModemOrder, now: Moment) -> [Effect] {
        serveTimers(until: now)
        orders.append(order)
        settle(now: now)
        defer { effects = [] }
        return effects
    }

    /// Adds a line of a scenario; its times count from now.
    public mutating func add(_ entry: Scenario.Entry, now: Moment) { board.add(entry, now: now) }

    // MARK: Time

    private mutating func serveTimers(until now: Moment) {
        while let due = deadlineAround, due <= now {
            feed(.timePassed, now: due)
            for step in mischief.timePassed(due) { carryOut(step, now: due) }
            for parcel in weather.arrived(due) { deliver(parcel, now: due) }
            orders += board.timePassed(due)
            settle(now: due)
        }
    }

    /// Works off what has come of the last input.
    private mutating func settle(now: Moment) {
        while !inbox.isEmpty || !orders.isEmpty {
            if inbox.isEmpty {
                obey(orders.removeFirst(), now: now)
            } else {
                feed(inbox.removeFirst(), now: now)
            }
        }
    }

    // MARK: Inputs

    private mutating func handle(_ input: SimulatedModem.Input, now: Moment) {
        switch input {
        case .received(let bytes): hostSent(bytes, now: now)
        case .connected(let id, _), .refused(let id), .arrived(let id, _), .ended(let id):
            for parcel in weather.carry(.toModem(input), of: id, now: now) { deliver(parcel, now: now) }
        case .poweredOff:
            mischief.poweredOff()
            feed(input, now: now)
        case .taken(let id): if sendBuffer.arrived(id) { feed(input, now: now) }
        case .poweredOn, .struck, .timePassed: feed(input, now: now)
        }
    }

    /// The bytes go on in pieces that end where a trigger strikes.
    private mutating func hostSent(_ bytes: [UInt8], now: Moment) {
        guard board.watchesBytes else {
            let commands = view.takesPayload ? 0 : bytes.count { $0 == UInt8(ascii: "\n") }
            board.counted(bytes.count, commands: commands, from: .host)
            return pass(bytes, now: now)
        }
        var piece: [UInt8] = []
        for byte in bytes {
            piece.append(byte)
            let due = board.saw(
                byte, from: .host, isCommandEnd: byte == UInt8(ascii: "\n") && !view.takesPayload)
            guard !due.isEmpty else { continue }
            pass(piece, now: now)
            piece = []
            orders += due
            settle(now: now)
        }
        pass(piece, now: now)
    }

    private mutating func pass(_ bytes: [UInt8], now: Moment) {
        guard !bytes.isEmpty else { return }
        for step in mischief.heard(bytes, view, now: now) { carryOut(step, now: now) }
    }

    private var view: LineMischief.View {
        .init(
            takesPayload: modem.takesPayload, isTransparent: modem.isTransparent,
            joinsByItself: modem.joinsByItself)
    }

    private mutating func carryOut(_ step: LineMischief.Step, now: Moment) {
        switch step {
        case .pass(let bytes): feed(.received(bytes), now: now)
        case .say(let bytes): say(bytes)
        case .strike(let fault): orders.append(.fault(fault))
        }
    }

    private mutating func deliver(_ parcel: NetworkWeather.Parcel, now: Moment) {
        switch parcel {
        case .toModem(let input): feed(input, now: now)
        case .toPeer(let effect): effects.append(.modem(effect))
        }
    }

    // MARK: Effects

    private mutating func feed(_ input: SimulatedModem.Input, now: Moment) {
        let wasDown = modem.isDown
        let effects = modem.input(input, now: now)
        if modem.isDown, !wasDown { mischief.booted() }
        for effect in effects { pass(effect, now: now) }
    }

    private mutating func pass(_ effect: SimulatedModem.Effect, now: Moment) {
        switch effect {
        case .write(let bytes): say(mischief.said(bytes, view, now: now))
        case .dial(let id, _, _) where mischief.take({ $0 == .refusesDial }) != nil: inbox.append(.refused(id))
        case .send(let id, let bytes):
            let parcels = weather.carry(.toPeer(effect), of: id, now: now)
            for parcel in parcels { deliver(parcel, now: now) }
            // TCP takes what fits into its buffer before it has arrived; SEND OK waits for the acknowledgement.
            guard parcels.isEmpty, modem.isTransparent else { return }
            if sendBuffer.takes(bytes.count, of: id) { inbox.append(.taken(id)) }
        case .close(let id):
            weather.forget(id)
            sendBuffer.forget(id)
            effects.append(.modem(effect))
        case .abandon(let id):
            weather.forget(id)
            sendBuffer.forget(id)
            effects.append(.modem(effect))
        case .dial, .setSpeed, .setNetwork: effects.append(.modem(effect))
        }
    }

    /// Bytes for the host; they may be what a trigger waits for.
    private mutating func say(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        effects.append(.modem(.write(bytes)))
        guard board.watchesBytes else { return board.counted(bytes.count, commands: 0, from: .module) }
        for byte in bytes { orders += board.saw(byte, from: .module) }
    }

    // MARK: Orders

    private mutating func obey(_ order: ModemOrder, now: Moment) {
        switch order {
        case .fault(let fault): feed(.struck(fault), now: now)
        case .line(let fault): for step in mischief.strike(fault) { carryOut(step, now: now) }
        case .roundTrip(let range): weather.roundTrip = range
        case .loss(let percent): weather.lossPercent = percent
        case .brownOut(let count, let period):
            for number in 0..<count {
                let delay = Duration.nanoseconds(period.inNanoseconds * Int64(number))
                board.add(.init(.at(delay), .fault(.restarted)), now: now)
            }
        case .hangUp, .replug, .stop: effects.append(.order(order))
        }
    }
}
