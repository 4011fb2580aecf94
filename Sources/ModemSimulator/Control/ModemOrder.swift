import BridgeCore

/// A line of the control socket of `espsim modem`.
public enum ModemOrder: Equatable, Sendable {
    case fault(Fault)
    /// The adapter is pulled out: the port vanishes, the module loses its supply.
    case hangUp
    /// The adapter is plugged in again: a new port, and the module boots.
    case replug
    case stop

    /// The lines that are understood, one a line.
    public static let help = """
        drop                 reset every TCP connection
        drop-hold SECONDS    the same, and the network is down for so long
        network down|up      no segment passes
        ap down|up           the access points vanish or come back
        ap refuse|accept     association is refused or accepted
        dhcp off|on          no address is given, or addresses are given
        password TEXT        the password of the first access point is changed
        reset                the module restarts by itself
        mute on|off          the module neither takes nor says anything
        garbage COUNT        random bytes to the host
        hangup               the serial port vanishes, the module loses its supply
        replug               a new serial port under the same link, the module boots
        quit                 end the simulator
        """

    /// Nil for a line that is not understood.
    public init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        let argument = words.count > 1 ? words[1] : nil
        switch (words.first, argument) {
        case ("drop", nil): self = .fault(.dropped)
        case ("drop-hold", let seconds?):
            guard let seconds = Double(seconds), (0...86_400).contains(seconds) else { return nil }
            self = .fault(.droppedAndHeld(.milliseconds(Int64(seconds * 1000))))
        case ("network", "down"): self = .fault(.networkDown)
        case ("network", "up"): self = .fault(.networkUp)
        case ("ap", "down"): self = .fault(.accessPointDown)
        case ("ap", "up"): self = .fault(.accessPointUp)
        case ("ap", "refuse"): self = .fault(.accessPointRefuses(true))
        case ("ap", "accept"): self = .fault(.accessPointRefuses(false))
        case ("dhcp", "off"): self = .fault(.addressesGiven(false))
        case ("dhcp", "on"): self = .fault(.addressesGiven(true))
        case ("password", let password?): self = .fault(.passwordChanged(password))
        case ("reset", nil): self = .fault(.restarted)
        case ("mute", "on"): self = .fault(.muted(true))
        case ("mute", "off"): self = .fault(.muted(false))
        case ("garbage", let count?):
            guard let count = Int(count), (0...65_536).contains(count) else { return nil }
            self = .fault(.garbage(count))
        case ("hangup", nil): self = .hangUp
        case ("replug", nil): self = .replug
        case ("quit", nil): self = .stop
        default: return nil
        }
    }
}
