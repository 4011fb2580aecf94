extension LinkFailure: CustomStringConvertible {
    /// The stable word: `ESPBRIDGED_REASON=` in the journal, `reason_word` in status.
    public var word: String {
        switch self {
        case .portMissing: "port-missing"
        case .portNotPermitted: "port-not-permitted"
        case .portHeld: "port-held"
        case .portNotATerminal: "port-not-a-terminal"
        case .portUnusable: "port-unusable"
        case .portLost: "port-lost"
        case .modemSilent: "modem-silent"
        case .modemGarbled: "modem-garbled"
        case .modemBusy: "modem-busy"
        case .noReady: "no-ready"
        case .modemRestarted, .modemRestartedOnline: "modem-restarted"
        case .commandFailed: "command-failed"
        case .commandTimedOut: "command-timed-out"
        case .firmwareUnsupported: "firmware-unsupported"
        case .wrongPassword: "wrong-password"
        case .noSuchAccessPoint: "no-such-ap"
        case .joinTimedOut: "join-timed-out"
        case .joinFailed: "join-failed"
        case .noAddress: "no-address"
        case .accessPointLost: "ap-lost"
        case .nameNotResolved: "dns"
        case .connectionRefused: "connection-refused"
        case .hostUnreachable: "host-unreachable"
        case .addressLost: "address-lost"
        case .closedWhileDialling: "closed-while-dialling"
        case .transparentModeRefused: "transparent-mode-refused"
        case .refused(.unacceptableProtocolVersion): "refused-protocol"
        case .refused(.identifierRejected): "refused-identifier"
        case .refused(.serverUnavailable): "refused-unavailable"
        case .refused(.badUserNameOrPassword): "refused-sign-in"
        case .refused(.notAuthorized): "refused-not-authorized"
        case .refused(.accepted): "accepted"
        case .noConnectAcknowledgement: "no-connack"
        case .noSubscribeAcknowledgement: "no-suback"
        case .pingTimedOut: "ping-timed-out"
        case .publishTimedOut: "puback-timed-out"
        case .protocolViolation: "protocol-violation"
        }
    }

    /// What happened, in one sentence without its full stop.
    public var description: String {
        switch self {
        case .portMissing(let path): "the serial port \(path) is not there"
        case .portNotPermitted(let path, let group):
            "the serial port \(path) may not be opened" + (group.map { ": it belongs to the group \($0)" } ?? "")
        case .portHeld(let path, let holders):
            holders.isEmpty
                ? "the serial port \(path) is held by another program"
                : "the serial port \(path) is held by \(holders.joined(separator: ", "))"
        case .portNotATerminal(let path): "\(path) is not a terminal"
        case .portUnusable(let path, let detail): "the serial port \(path) cannot be used: \(detail)"
        case .portLost(let path): "the serial port \(path) hung up"
        case .modemSilent: "the modem does not answer AT"
        case .modemGarbled: "the modem answers, but not with anything readable"
        case .modemBusy: "the modem says it is busy, again and again"
        case .noReady: "the modem did not come back after AT+RST"
        case .modemRestarted(let rung): "the modem restarted by itself while \(rung.rawValue)"
        case .modemRestartedOnline: "the modem restarted by itself in the middle of the session"
        case .commandFailed(let command, let reply): "the modem answered \(command) with \(reply)"
        case .commandTimedOut(let command): "the modem did not answer \(command)"
        case .firmwareUnsupported(let version): "the modem's firmware is not supported: \(version)"
        case .wrongPassword(let ssid): "the access point \(ssid) refuses the password"
        case .noSuchAccessPoint(let ssid): "no access point \(ssid) is heard"
        case .joinTimedOut(let ssid): "joining the access point \(ssid) took too long"
        case .joinFailed(let ssid, let code):
            "joining the access point \(ssid) failed" + (code.map { " (code \($0))" } ?? "")
        case .noAddress(let ssid): "the access point \(ssid) gave no address"
        case .accessPointLost(let ssid): "the access point \(ssid) went away"
        case .nameNotResolved(let host): "the name \(host) was not resolved"
        case .connectionRefused(let host, let port): "\(host) port \(port) refuses the connection"
        case .hostUnreachable(let host, let port): "\(host) port \(port) does not answer"
        case .addressLost: "the modem has lost its address"
        case .closedWhileDialling(let host, let port): "\(host) port \(port) closed the connection at once"
        case .transparentModeRefused(let reply): "the modem did not enter transparent mode: \(reply)"
        case .refused(.unacceptableProtocolVersion): "the broker refuses MQTT 3.1.1 (CONNACK 1)"
        case .refused(.identifierRejected): "the broker refuses the client identifier (CONNACK 2)"
        case .refused(.serverUnavailable): "the broker is not available (CONNACK 3)"
        case .refused(.badUserNameOrPassword): "the broker refuses user name or password (CONNACK 4)"
        case .refused(.notAuthorized): "the broker does not let this device in (CONNACK 5)"
        case .refused(.accepted): "the broker accepted the connection"
        case .noConnectAcknowledgement: "the broker did not answer CONNECT"
        case .noSubscribeAcknowledgement: "the broker did not answer SUBSCRIBE"
        case .pingTimedOut: "the broker did not answer a ping"
        case .publishTimedOut: "the broker did not acknowledge a message"
        case .protocolViolation(let detail): "what came over the line is not MQTT: \(detail)"
        }
    }

    /// What a person can do about it, in one sentence without its full stop.
    public var advice: String {
        switch self {
        case .portMissing: "Plug the adapter in, or correct [serial] device (ls /dev/serial/by-id)"
        case .portNotPermitted(_, let group):
            group.map { "Add the daemon's user to the group \($0)" } ?? "Give the daemon's user access to the device"
        case .portHeld: "Stop the other program (as root, fuser -v names it)"
        case .portNotATerminal: "Correct [serial] device"
        case .portUnusable: "Look at the adapter and at dmesg"
        case .portLost: "It is used again as soon as it is back; look at the plug and the adapter"
        case .modemSilent: "Check power, RX to TX and TX to RX, EN high, and [serial] baud"
        case .modemGarbled: "Check [serial] baud; the usual speeds are 115200, 9600, 57600 and 74880"
        case .modemBusy: "If it lasts, switch the modem off and on"
        case .noReady, .modemRestarted, .modemRestartedOnline:
            "If it happens again, suspect the supply: the module draws peaks of 250 mA and more"
        case .commandFailed, .commandTimedOut, .transparentModeRefused:
            "The modem is reset; if it lasts, check the firmware with AT+GMR"
        case .firmwareUnsupported: "Flash NonOS AT 1.3 to 1.7 or ESP-AT 2.x"
        case .wrongPassword: "Correct [wifi] password"
        case .noSuchAccessPoint: "Check [wifi] ssid, and whether the access point sends at 2.4 GHz within range"
        case .joinTimedOut, .joinFailed:
            "Check the password and the distance; some access points hide a wrong password so"
        case .noAddress: "Look at the access point's DHCP server"
        case .accessPointLost, .addressLost: "Look at the access point and the distance to it"
        case .nameNotResolved: "Check the region or endpoint, and the access point's way out"
        case .connectionRefused: "Check host and port; newer instances of the platform take no plain TCP"
        case .hostUnreachable: "Check the access point's way out, and its firewall"
        case .closedWhileDialling: "Newer instances of the platform take no plain TCP; check the endpoint"
        case .refused(.identifierRejected):
            "Check client_id and mqtt.keep_alive: the platform takes 30 to 1200 s"
        case .refused(.badUserNameOrPassword):
            "Check product_key, device_name, device_secret and region: together they sign the device in"
        case .refused(.notAuthorized): "Look in the console whether the device is disabled or deleted"
        case .refused: "It is tried again"
        case .noConnectAcknowledgement:
            "Check host and port; newer instances of the platform take no plain TCP"
        case .noSubscribeAcknowledgement, .pingTimedOut, .publishTimedOut:
            "The connection is replaced; if it happens often, look at the radio and at other clients of this device"
        case .protocolViolation: "The connection is replaced; if it happens often, bytes are lost on the serial line"
        }
    }

    /// How long to wait before the next attempt.
    public var patience: Patience {
        switch self {
        case .firmwareUnsupported, .wrongPassword: .needsPerson
        case .refused(.serverUnavailable): .backOff
        case .refused: .needsPerson
        case .pingTimedOut, .publishTimedOut, .protocolViolation, .modemRestarted, .modemRestartedOnline,
            .accessPointLost, .addressLost:
            .atOnce
        default: .backOff
        }
    }

    /// The cheapest step that can help.
    public var repair: Repair {
        switch self {
        case .portMissing, .portNotPermitted, .portHeld, .portNotATerminal, .portUnusable, .portLost: .reopen
        case .modemSilent, .modemGarbled, .modemBusy, .noReady, .modemRestarted, .modemRestartedOnline, .commandFailed,
            .commandTimedOut, .firmwareUnsupported, .transparentModeRefused:
            .reset
        case .wrongPassword, .noSuchAccessPoint, .joinTimedOut, .joinFailed, .noAddress, .accessPointLost, .addressLost:
            .join
        case .nameNotResolved, .connectionRefused, .hostUnreachable, .closedWhileDialling, .refused,
            .noConnectAcknowledgement, .noSubscribeAcknowledgement, .pingTimedOut, .publishTimedOut, .protocolViolation:
            .dial
        }
    }
}
