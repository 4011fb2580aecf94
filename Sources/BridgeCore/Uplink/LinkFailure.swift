/// Why an attempt to bring the link up, or a link that was up, came to its end.
///
/// Each cause has a stable word (``word``, for `reason` fields and tests), a sentence for people
/// (``description``), advice (``advice``), and a policy: how long to wait (``patience``) and where
/// the next attempt begins (``repair``).
public enum LinkFailure: Error, Equatable, Sendable {
    /// No failure: the link was ended in order, because other settings are in force.
    case settingsChanged

    // MARK: Serial port
    case portMissing(path: String)
    /// `group` owns the device, if it has read and write permission for its group.
    case portNotPermitted(path: String, group: String?)
    /// `holders` as `name[pid]`; empty when `/proc` does not show who it is.
    case portHeld(path: String, holders: [String])
    case portNotATerminal(path: String)
    case portUnusable(path: String, detail: String)
    /// The descriptor reported a hang-up: unplugged, or the other end of the pty is gone.
    case portLost(path: String)

    // MARK: Modem
    /// Nothing was answered, with and without leaving data mode first.
    case modemSilent
    /// Bytes came, but no reply that makes sense.
    case modemGarbled
    /// `busy p...` or `busy s...` without end.
    case modemBusy
    /// `AT+RST` was accepted, but `ready` did not come.
    case noReady
    /// `ready` or boot text came where none was expected.
    case modemRestarted(during: Rung)
    /// A command that should work was answered ERROR, or with something unknown.
    case commandFailed(command: String, reply: String)
    /// A command was not answered within its time.
    case commandTimedOut(command: String)
    /// The firmware is too old or unknown.
    case firmwareUnsupported(version: String)

    // MARK: Wi-Fi
    /// `+CWJAP:2`.
    case wrongPassword(ssid: String)
    /// `+CWJAP:3`.
    case noSuchAccessPoint(ssid: String)
    /// `+CWJAP:1`.
    case joinTimedOut(ssid: String)
    /// `+CWJAP:4`, FAIL without a code, or another code.
    case joinFailed(ssid: String, code: Int?)
    /// Associated, but no address came (`DHCP TIMEOUT`, or `0.0.0.0`).
    case noAddress(ssid: String)
    /// `WIFI DISCONNECT` while the link was being brought up.
    case accessPointLost(ssid: String)

    // MARK: TCP
    /// `DNS Fail`.
    case nameNotResolved(host: String)
    /// The host answered with RST: ERROR came well before SYN retransmissions run out.
    case connectionRefused(host: String, port: Int)
    /// The host did not answer the SYNs.
    case hostUnreachable(host: String, port: Int)
    /// `no ip`.
    case addressLost
    /// `CLOSED` before transparent mode was entered.
    case closedWhileDialling(host: String, port: Int)
    /// `AT+CIPMODE=1` or `AT+CIPSEND` did not lead to `>`.
    case transparentModeRefused(reply: String)

    // MARK: Packet mode
    /// `CLOSED` while the link was open.
    case connectionClosed
    /// A piece of the stream was not sent, or it is not known whether it was.
    case sendFailed(reply: String)
    /// Fewer bytes arrived than were announced, at the module or from it.
    case bytesLost(fromModem: Bool)

    // MARK: TLS
    /// TLS was not agreed on, or came to its end.
    case tls(TLSFailure)

    // MARK: MQTT
    /// CONNACK with a return code other than 0 [MQTT-3.2.2-5].
    case refused(ConnectReturnCode)
    /// So many sessions in a row were accepted and ended within seconds.
    case deviceUsedElsewhere(sessions: Int)
    /// TCP is accepted and CONNECT never answered, where only TLS may be permitted.
    case plainTCPRefused
    /// The server answered CONNECT with a TLS alert.
    case tlsExpected
    /// The whole of CONNECT went out, no CONNACK came.
    case noConnectAcknowledgement
    case noSubscribeAcknowledgement
    /// The module has another TCP connection than the one that was dialled, or none.
    case connectionReplaced
    /// The cloud is not heard, and the module could not be asked why: it took no commands.
    case connectionSilent
    /// No PINGRESP in time.
    case pingTimedOut
    /// No PUBACK in time.
    case publishTimedOut
    /// The peer broke the protocol, or bytes were lost or added on the way.
    case protocolViolation(detail: String)
    /// Boot text of the modem stands in the MQTT stream.
    case modemRestartedOnline
}

/// The return code of CONNACK (MQTT 3.1.1, table 3.1).
public enum ConnectReturnCode: UInt8, CaseIterable, Sendable {
    case accepted = 0
    case unacceptableProtocolVersion = 1
    case identifierRejected = 2
    case serverUnavailable = 3
    case badUserNameOrPassword = 4
    case notAuthorized = 5
}

/// How long to wait after a failure.
public enum Patience: Sendable {
    /// The next attempt may begin at once (within the connection budget).
    case atOnce
    /// Exponential back-off with jitter.
    case backOff
    /// A minute, each time: it mends itself once the clock is set, and nothing on the way is to blame.
    case aMinute
    /// Straight to the longest wait: a person has to change something first.
    case needsPerson
}

/// The cheapest step that can repair a failure; the next attempt begins there.
public enum Repair: Int, Comparable, Sendable {
    /// Leave data mode, close, dial again.
    case dial
    /// Join the access point again.
    case join
    /// `AT+RST` and everything after it.
    case reset
    /// Pull the module's reset pin by DTR or RTS, where that is wired; then as ``reset``.
    case pulse
    /// Close the serial port and open it again; then as ``pulse``.
    case reopen

    public static func < (left: Repair, right: Repair) -> Bool { left.rawValue < right.rawValue }

    /// The next stronger step, for when this one did not help.
    ///
    /// - Parameter hasResetLine: whether there is a ``pulse``.
    func stronger(hasResetLine: Bool) -> Repair {
        let next = Repair(rawValue: rawValue + 1) ?? .reopen
        return next == .pulse && !hasResetLine ? .reopen : next
    }
}
