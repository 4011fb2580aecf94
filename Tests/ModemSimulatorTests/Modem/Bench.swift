import BridgeCore
import Testing

@testable import ModemSimulator

/// A simulated module in virtual time, with a network whose answers are chosen.
struct Bench {
    /// What a dial is answered with.
    enum Network {
        case accepts
        case refuses
        case ignores
    }

    var modem: SimulatedModem
    var now = Moment.zero
    /// Bytes for the host that were not yet looked at.
    var output: [UInt8] = []
    /// Everything else that the module did.
    var effects: [SimulatedModem.Effect] = []
    var network = Network.accepts
    /// Whether payloads are taken by TCP at once.
    var takesPayload = true
    var lastDial: SimulatedModem.ConnectionID = 0
    private var nextPort = 50_000

    /// A module that has booted, without echo unless asked for, and whose output was thrown away.
    init(echo: Bool = false, fast: Bool = true, _ change: (inout ModemConfiguration) -> Void = { _ in }) {
        var configuration = ModemConfiguration()
        configuration.timing = fast ? .fast : .realistic
        configuration.hosts = [HostMapping(name: "broker", address: "127.0.0.1", targetPort: 2883)]
        configuration.flash.wifiMode = 1
        change(&configuration)
        modem = SimulatedModem(configuration)
        feed(.poweredOn)
        wait(.seconds(1))
        if !echo { send("ATE0\r\n") }
        output = []
    }

    /// A module that has joined the default network.
    static func joined(_ change: (inout ModemConfiguration) -> Void = { _ in }) -> Bench {
        var bench = Bench(change)
        let name = bench.modem.configuration.firmware == .espAT2 ? "AT+CWJAP" : "AT+CWJAP_CUR"
        bench.send(name + #"="workshop","12345678""# + "\r\n")
        bench.wait(.seconds(1))
        bench.output = []
        return bench
    }

    /// A module with a TCP link in command mode.
    static func connected(_ change: (inout ModemConfiguration) -> Void = { _ in }) -> Bench {
        var bench = joined(change)
        bench.send(#"AT+CIPSTART="TCP","broker",1883"# + "\r\n")
        bench.wait(.milliseconds(100))
        bench.output = []
        return bench
    }

    /// A module in transparent mode.
    static func transparent(_ change: (inout ModemConfiguration) -> Void = { _ in }) -> Bench {
        var bench = connected(change)
        bench.send("AT+CIPMODE=1\r\n")
        bench.send("AT+CIPSEND\r\n")
        bench.wait(.milliseconds(50))
        bench.output = []
        bench.effects = []
        return bench
    }

    mutating func send(_ text: String) { feed(.received(Array(text.utf8))) }

    mutating func feed(_ input: SimulatedModem.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            for effect in modem.input(inputs.removeFirst(), now: now) {
                switch effect {
                case .write(let bytes): output += bytes
                case .dial(let id, _, _):
                    effects.append(effect)
                    lastDial = id
                    nextPort += 1
                    switch network {
                    case .accepts: inputs.append(.connected(id, localPort: nextPort))
                    case .refuses: inputs.append(.refused(id))
                    case .ignores: break
                    }
                case .send(let id, _):
                    effects.append(effect)
                    if takesPayload { inputs.append(.taken(id)) }
                case .setSpeed, .close, .abandon, .setNetwork: effects.append(effect)
                }
            }
        }
    }

    /// Lets time pass, waking the module whenever it wants.
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while let deadline = modem.deadline, deadline <= end {
            now = max(now, deadline)
            feed(.timePassed)
        }
        now = end
    }

    /// The output so far, which is then forgotten.
    mutating func heard() -> String {
        defer { output = [] }
        return String(decoding: output, as: UTF8.self)
    }

    /// Sends a line and returns what is said within a second.
    mutating func ask(_ line: String) -> String {
        send(line + "\r\n")
        wait(.seconds(1))
        return heard()
    }

    /// What went to the network, one element a payload.
    var sent: [[UInt8]] {
        effects.compactMap { if case .send(_, let bytes) = $0 { bytes } else { nil } }
    }

    var dials: Int { effects.count { if case .dial = $0 { true } else { false } } }
}
