import BridgeCore

/// A line of the control socket of `espsim modem`, and of scenario files behind the trigger.
public enum ModemOrder: Equatable, Sendable {
    case fault(Fault)
    case line(LineFault)
    /// How long segments take there and back.
    case roundTrip(ClosedRange<Duration>)
    /// Segments of a hundred that are lost.
    case loss(Int)
    /// The supply dips again and again: so many restarts, so far apart.
    case brownOut(Int, Duration)
    /// The adapter is pulled out: the port vanishes, the module loses its supply.
    case hangUp
    /// The adapter is plugged in again: a new port, and the module boots.
    case replug
    case stop
}

extension ModemOrder {
    /// The lines that are understood, one a line.
    public static let help = """
        drop                 reset every TCP connection
        drop-hold SECONDS    the same, and the network is down for so long
        network down|up      no segment passes
        rtt MS[-MS]          how long segments take there and back
        loss PERCENT         so many segments are lost (and sent again by TCP)
        ap down|up           the access points vanish or come back
        ap refuse|accept     association is refused or accepted
        dhcp off|on          no address is given, or addresses are given
        password TEXT        the password of the first access point is changed
        rejoin off|on        the module does not join again by itself until it restarts
        reset                the module restarts by itself
        brownout N SECONDS   N restarts, so far apart
        mute on|off          the module neither takes nor says anything
        heap                 memory is exhausted: nothing more until the supply is cut
        stuck-cts            nothing is said any more, until AT+UART_DEF without flow control
        garbage COUNT        random bytes to the host
        noise PER_MILLION    bytes with one bit flipped, in both directions; 0 ends it
        speed BAUD           the module runs at another speed, and has saved it
        echo                 echo is back on
        saved-link HOST PORT the module restarts into transparent mode (AT+SAVETRANSLINK)
        lose-sent COUNT      so many bytes of the next payload do not reach the module
        lose-received COUNT  so many bytes of the next payload do not reach the host
        one-behind           the next command is answered busy, and carried out later
        stuck-busy           every command is answered busy, until AT+RST
        busy-joining         commands are answered busy while the module joins by itself
        first-error          after the next boot the first command is answered ERROR
        send-ok lost|late|fail-first   what becomes of the next SEND OK
        late-ok SECONDS      the next OK comes so late
        interject TEXT       text in the middle of the next echo or reply (\\r \\n)
        lose-text TEXT       the next occurrence of a text is left out (\\r \\n)
        lose-notification    the next +IPD without data is left out
        closed-early         the next +IPD comes after the CLOSED of its link
        refuse-dial          the next dial is answered with RST
        crash-on-close       the next AT+CIPCLOSE crashes the firmware
        miss-escape          the next +++ does not reach the module whole
        escape               the module leaves transparent mode by itself
        F1 to F23            the faults of the catalogue, with usual values
        hangup               the serial port vanishes, the module loses its supply
        replug               a new serial port under the same link, the module boots
        quit                 end the simulator
        """

    /// Reads a line; nil for one that is not understood.
    public init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard let name = words.first else { return nil }
        let argument = words.count > 1 ? words[1] : nil
        if let usual = FaultCatalogue.entry(name), argument == nil {
            self.init(line: usual.order)
        } else if let order = argument.map({ Self.withArgument(name, $0) }) ?? Self.alone[name] {
            self = order
        } else {
            return nil
        }
    }

    private static let alone: [String: ModemOrder] = [
        "drop": .fault(.dropped), "reset": .fault(.restarted), "echo": .fault(.echoes),
        "heap": .line(.heapExhausted), "stuck-cts": .line(.transmitterStuck), "one-behind": .line(.oneBehind),
        "stuck-busy": .line(.staysBusy), "busy-joining": .line(.busyWhileJoining),
        "first-error": .line(.firstCommandFails), "lose-notification": .line(.losesNotification),
        "closed-early": .line(.closedEarly), "refuse-dial": .line(.refusesDial),
        "crash-on-close": .line(.crashesOnClose), "miss-escape": .line(.missesEscape),
        "escape": .line(.leavesDataMode), "hangup": .hangUp, "replug": .replug, "quit": .stop,
    ]

    private static let switches: [String: ModemOrder] = [
        "network down": .fault(.networkDown), "network up": .fault(.networkUp),
        "ap down": .fault(.accessPointDown), "ap up": .fault(.accessPointUp),
        "ap refuse": .fault(.accessPointRefuses(true)), "ap accept": .fault(.accessPointRefuses(false)),
        "dhcp off": .fault(.addressesGiven(false)), "dhcp on": .fault(.addressesGiven(true)),
        "mute on": .fault(.muted(true)), "mute off": .fault(.muted(false)),
        "rejoin off": .fault(.rejoins(false)), "rejoin on": .fault(.rejoins(true)),
    ]

    private static func withArgument(_ name: String, _ argument: String) -> ModemOrder? {
        switch name {
        case "drop-hold": seconds(argument).map { .fault(.droppedAndHeld($0)) }
        case "password": .fault(.passwordChanged(argument))
        case "garbage": number(argument, 0...65_536).map { .fault(.garbage($0)) }
        case "speed": number(argument, 110...4_608_000).map { .fault(.speedChanged($0)) }
        case "saved-link": savedLink(argument).map { .fault(.linkSaved($0)) }
        case "lose-sent": number(argument, 1...1_000_000).map { .line(.losesFromHost($0)) }
        case "lose-received": number(argument, 1...1_000_000).map { .line(.losesToHost($0)) }
        case "noise": number(argument, 0...1_000_000).map { .line(.noise(perMillion: $0)) }
        case "send-ok": LineFault.SendOKTrouble(rawValue: argument).map { .line(.sendOK($0)) }
        case "late-ok": seconds(argument).map { .line(.lateOK($0)) }
        case "interject": text(argument).map { .line(.interjects($0)) }
        case "lose-text": text(argument).map { .line(.losesText($0)) }
        case "loss": number(argument, 0...100).map { .loss($0) }
        case "rtt": milliseconds(argument).map { .roundTrip($0) }
        case "brownout": brownOut(argument)
        default: switches["\(name) \(argument)"]
        }
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    private static func seconds(_ text: String) -> Duration? {
        guard let seconds = Double(text), (0...86_400).contains(seconds) else { return nil }
        return .milliseconds(Int64(seconds * 1000))
    }

    private static func milliseconds(_ text: String) -> ClosedRange<Duration>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { number(String($0), 0...60_000) }
        guard (1...2).contains(parts.count), let low = parts[0], let high = parts[parts.count - 1], low <= high else {
            return nil
        }
        return .milliseconds(low) ... .milliseconds(high)
    }

    private static func brownOut(_ text: String) -> ModemOrder? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, let count = number(words[0], 1...10_000), let period = seconds(words[1]) else {
            return nil
        }
        return .brownOut(count, period)
    }

    private static func savedLink(_ text: String) -> SavedLink? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, words[0].utf8.count <= 64, let port = number(words[1], 1...65_535) else { return nil }
        return SavedLink(host: words[0], port: port)
    }

    /// Text in which `\r`, `\n` and `\\` stand for what they usually do.
    private static func text(_ escaped: String) -> String? {
        var result = ""
        var rest = escaped[...]
        while let character = rest.popFirst() {
            guard character == "\\" else {
                result.append(character)
                continue
            }
            switch rest.popFirst() {
            case "r": result += "\r"
            case "n": result += "\n"
            case "\\": result += "\\"
            default: return nil
            }
        }
        return result.isEmpty ? nil : result
    }
}
