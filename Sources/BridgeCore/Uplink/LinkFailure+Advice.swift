extension LinkFailure {
    /// One sentence that says what to do.
    public var advice: String {
        switch self {
        case .settingsChanged:
            "Nothing is to be done: after five CONNECTs in a minute, the platform's limit, there is a wait."
        case .portMissing(let path):
            "Plug the adapter in, or correct serial.device, which is \(path); "
                + "a /dev/serial/by-id/ path survives renumbering."
        case .portNotPermitted(_, let group?):
            "Add the service's user to group \(group) (SupplementaryGroups= in the unit)."
        case .portNotPermitted(_, nil): "Give the service's user read and write permission for the device."
        case .portHeld(_, let holders) where holders.isEmpty:
            "Find the program with fuser and end it; a modem manager or a terminal program is a usual one."
        case .portHeld(_, let holders): "End \(holders.joined(separator: ", ")), or give one of the two another port."
        case .portNotATerminal: "Set serial.device to the device of the serial adapter."
        case .portUnusable: "Check serial.baud and serial.flow_control against what the adapter can do."
        case .portLost: "Check the USB plug and the modem's power supply; the port is opened again when it comes back."
        case .modemSilent:
            "Check that TX and RX are crossed, that the module has power and EN is high, "
                + "and that serial.baud is its speed."
        case .modemGarbled: "Check serial.baud against the module's speed, and the ground wire."
        case .modemBusy: "Nothing is to be done: the modem is reset; if it comes again, cycle its power."
        case .noReady:
            "Check that GPIO0 and GPIO2 are high and GPIO15 is low at reset, and the power supply (over 300 mA)."
        case .modemRestarted, .modemRestartedOnline:
            "Check the 3.3 V supply: it must give over 300 mA in bursts, with a capacitor close to the module."
        case .commandFailed:
            "See the AT dialogue in the journal at log level debug; the value in it may be wrong for this firmware."
        case .commandTimedOut:
            "Nothing is to be done: the modem is reset; if it comes again, check the wiring and the power supply."
        case .firmwareUnsupported: "Flash NonOS AT 1.3 to 1.7, or ESP-AT 2.x for ESP8266."
        case .wrongPassword: "Correct wifi.password."
        case .noSuchAccessPoint: "Check wifi.ssid, and that the access point is in range and on 2.4 GHz."
        case .joinTimedOut, .joinFailed:
            "Check the password and the distance to the access point; "
                + "many access points say no more when the password is wrong."
        case .noAddress: "Check the DHCP server of the network, and that it has addresses left."
        case .accessPointLost: "Check the distance to the access point; it is joined again."
        case .nameNotResolved:
            "Check the spelling of the host (aliyun.region, aliyun.endpoint, broker.host) and the network's DNS."
        case .connectionRefused: "Check mqtt.port, and that the broker is running."
        case .hostUnreachable: "Check the route to the Internet, firewalls, and mqtt.port."
        case .addressLost: "Nothing is to be done: the access point is joined again."
        case .closedWhileDialling, .noConnectAcknowledgement:
            "Check host and port; newer Aliyun instances take no plain TCP and hang up without a word: "
                + "then set mqtt.security = \"tls\"."
        case .transparentModeRefused:
            "Nothing is to be done: the link is dialled again; "
                + "if it comes again, check for AT+CIPSERVER or AT+CIPMUX settings."
        case .connectionClosed, .sendFailed: "Nothing is to be done: the connection is made anew."
        case .bytesLost:
            "Nothing is to be done: the connection is made anew; if it comes often, use flow control or a lower speed."
        case .tls(let failure): failure.advice
        case .refused(let code): Self.advice(for: code)
        case .deviceUsedElsewhere:
            "Find the other program or board with this product key and device name, and give each a device of its own; "
                + "the platform lets one connection of a device live."
        case .tlsExpected:
            "Set mqtt.security = \"tls\"; or set mqtt.port to the port on which the server takes plain TCP, mostly 1883."
        case .plainTCPRefused:
            "Set mqtt.security = \"tls\": newer instances take nothing else. Or permit plain TCP for the instance in the "
                + "console. Check host and port too."
        case .noSubscribeAcknowledgement: "Check that the device may subscribe to the topics of mqtt.subscribe."
        case .connectionReplaced, .connectionSilent, .pingTimedOut, .publishTimedOut:
            "Nothing is to be done: the connection is made anew."
        case .protocolViolation:
            "Nothing is to be done: the connection is made anew; "
                + "if it comes often, bytes are lost on the serial line: use flow control or a lower speed."
        }
    }

    /// The refusals, with what they mean on the Aliyun IoT Platform, and with another broker.
    private static func advice(for code: ConnectReturnCode) -> String {
        switch code {
        case .accepted: "Nothing is to be done."
        case .unacceptableProtocolVersion: "Use a broker that speaks MQTT 3.1.1."
        case .identifierRejected:
            "Check that mqtt.keep_alive is between 30 and 1200 and that client_id is well-formed; "
                + "Aliyun refuses others so."
        case .serverUnavailable: "Nothing is to be done: the cloud is tried again."
        case .badUserNameOrPassword:
            "Check product key, device name and device secret (all three of the same device), and aliyun.region; "
                + "with [broker], its username and password."
        case .notAuthorized:
            "Check in the console whether the device was disabled or deleted; with [broker], its username and password, "
                + "and what the broker permits them."
        }
    }
}

// MARK: - Policy

extension LinkFailure {
    /// How long to wait before the next attempt.
    public var patience: Patience {
        switch self {
        case .tls(let failure): failure.patience
        case .deviceUsedElsewhere, .plainTCPRefused, .tlsExpected, .wrongPassword, .firmwareUnsupported,
            .portNotPermitted,
            .portNotATerminal:
            .needsPerson
        case .refused(.identifierRejected), .refused(.badUserNameOrPassword), .refused(.notAuthorized),
            .refused(.unacceptableProtocolVersion):
            .needsPerson
        case .settingsChanged, .connectionReplaced, .connectionSilent, .pingTimedOut, .publishTimedOut,
            .protocolViolation,
            .modemRestarted,
            .modemRestartedOnline, .portLost, .connectionClosed, .sendFailed, .bytesLost:
            .atOnce
        case .portMissing, .portHeld, .portUnusable, .modemSilent, .modemGarbled, .modemBusy, .noReady,
            .commandFailed, .commandTimedOut, .noSuchAccessPoint, .joinTimedOut, .joinFailed, .noAddress,
            .accessPointLost, .nameNotResolved, .connectionRefused, .hostUnreachable, .addressLost,
            .closedWhileDialling, .transparentModeRefused, .refused(.accepted), .refused(.serverUnavailable),
            .noConnectAcknowledgement, .noSubscribeAcknowledgement:
            .backOff
        }
    }

    /// Where the next attempt begins.
    public var repair: Repair {
        switch self {
        case .portMissing, .portNotPermitted, .portHeld, .portNotATerminal, .portUnusable, .portLost:
            .reopen
        case .modemSilent, .modemGarbled, .modemBusy, .noReady, .modemRestarted, .modemRestartedOnline,
            .commandFailed, .commandTimedOut, .firmwareUnsupported, .bytesLost(fromModem: false):
            // A module that waits for lost bytes takes whatever comes for them.
            .reset
        case .wrongPassword, .noSuchAccessPoint, .joinTimedOut, .joinFailed, .noAddress, .accessPointLost,
            .addressLost:
            .join
        case .nameNotResolved, .connectionRefused, .hostUnreachable, .closedWhileDialling, .transparentModeRefused,
            .refused, .settingsChanged,
            .deviceUsedElsewhere, .plainTCPRefused, .tlsExpected, .noConnectAcknowledgement,
            .noSubscribeAcknowledgement,
            .connectionReplaced, .connectionSilent, .pingTimedOut, .publishTimedOut, .protocolViolation,
            .connectionClosed, .sendFailed,
            .bytesLost(fromModem: true), .tls:
            .dial
        }
    }

    /// The strongest repair that can help: a module that talks is reset by AT+RST as well as by anything else.
    var strongestRepair: Repair { repair >= .reset ? .reopen : .reset }
}
