/// How long the simulated module takes for things; each duration is drawn anew from its range.
///
/// What the firmware fixes (20 ms flush, 100 ms pause between dials, 3.1 s of SYN retransmission) is
/// not here: it is the same in every run, see ``Firmware``.
public struct ModemTiming: Sendable {
    /// From reset to `ready`; the ROM text is on the line during the first part of it.
    public var boot: ClosedRange<Duration>
    /// From the start of joining to association (`WIFI CONNECTED`), or to "no such access point".
    public var associate: ClosedRange<Duration>
    /// From association to an address (`WIFI GOT IP`).
    public var address: ClosedRange<Duration>
    /// Additional time until a wrong password is known.
    public var wrongPassword: ClosedRange<Duration>
    /// The period in which AT+CWJAP of NonOS 1.7 looks at the station's state; it gives up at the 14th look. NonOS 1.3
    /// looks first after three of them, then after every second one; for ESP-AT it is the second of its time-out.
    public var joinPoll: Duration
    /// From losing the access point, or from the end of a failed attempt, to the next attempt.
    public var rejoin: ClosedRange<Duration>
    /// AT+CWLAP.
    public var scan: ClosedRange<Duration>
    /// A name that the server answers at once, found or not.
    public var lookup: ClosedRange<Duration>
    /// Erasing and writing a flash sector (`_DEF` commands).
    public var flash: ClosedRange<Duration>
    /// From ERROR to the CLOSED that follows it after a failed AT+CIPSTART.
    public var lateClosed: ClosedRange<Duration>
    /// From handing a payload to TCP to its acknowledgement (`SEND OK`).
    public var acknowledgement: ClosedRange<Duration>

    /// Durations as measured and published for modules in the field.
    public static let realistic = ModemTiming(
        boot: .milliseconds(250)...(.milliseconds(380)),
        associate: .seconds(1)...(.seconds(4)),
        address: .milliseconds(500)...(.seconds(2)),
        wrongPassword: .seconds(2)...(.seconds(5)),
        joinPoll: .seconds(1),
        rejoin: .milliseconds(1500)...(.seconds(3)),
        scan: .milliseconds(1500)...(.seconds(3)),
        lookup: .milliseconds(20)...(.milliseconds(120)),
        flash: .milliseconds(20)...(.milliseconds(60)),
        lateClosed: .milliseconds(1)...(.milliseconds(120)),
        acknowledgement: .milliseconds(10)...(.milliseconds(60)))

    /// Every duration between 10 and 50 ms, for tests and demonstrations.
    public static let fast: ModemTiming = {
        let short: ClosedRange<Duration> = .milliseconds(10)...(.milliseconds(50))
        return ModemTiming(
            boot: short, associate: short, address: short, wrongPassword: short, joinPoll: .milliseconds(50),
            rejoin: short, scan: short, lookup: short, flash: short, lateClosed: short, acknowledgement: short)
    }()
}
