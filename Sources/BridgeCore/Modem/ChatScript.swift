/// One exchange with the modem: a command, what ends it, and what its failures mean.
///
/// Bring-up is data: the scripts in ``ChatScript`` are tables of these, and ``Chat`` runs them.
struct ChatStep: Sendable {
    /// What a step is waiting for.
    enum Success: Equatable, Sendable {
        case ok
        /// OK, and CONNECT before it.
        case connectAndOK
        /// `>`: transparent mode is entered.
        case prompt
    }

    var command: ATCommand
    var success = Success.ok
    /// Reached when the step begins.
    var rung: Rung?
    /// How long the whole step may take.
    var timeout = Duration.seconds(2)
    /// Replies that end the attempt at once.
    var failures: [ATReply: LinkFailure] = [:]
    /// What ERROR and FAIL mean.
    var refusal: Refusal = .failure
    /// What silence means; nil for ``LinkFailure/commandTimedOut(command:)``.
    var silence: LinkFailure?
    /// How often the command is said again after silence or ERROR.
    var repetitions = 0

    /// What to make of ERROR and FAIL.
    enum Refusal: Sendable {
        /// ``LinkFailure/commandFailed(command:reply:)``.
        case failure
        /// The step does not matter.
        case harmless
        /// By the `+CWJAP:` code before it.
        case join(ssid: String)
        /// By the time it took: a host that refuses does so at once, an absent one when the SYNs run out.
        case dial(host: String, port: Int)
        case transparentMode
    }
}

/// The scripts that bring the modem up, in the order of the ladder.
///
/// For another dialect: give ``Firmware`` its spelling, and change a table here only when the order of
/// commands differs.
enum ChatScript {
    /// Right after `ready`, or after the modem was found in command mode.
    static let quiet = [
        // The first character after power-up may be lost; echo is on after every reset.
        ChatStep(command: ATCommand("ATE0"), timeout: .seconds(1), silence: .modemSilent, repetitions: 3)
    ]

    static let identify = [ChatStep(command: ATCommand("AT+GMR"), repetitions: 1)]

    /// From station mode to an address.
    static func join(_ settings: ModemLink.Settings, firmware: Firmware) -> [ChatStep] {
        firmware.stationMode.map { ChatStep(command: $0, rung: .joining, repetitions: 1) } + [
            // NonOS gives up after 14 to 15 s, ESP-AT after 15 s by default; OK comes up to one poll behind GOT IP.
            ChatStep(
                command: .join(
                    ssid: settings.ssid, password: settings.password, bssid: settings.bssid, firmware: firmware),
                timeout: .seconds(25), failures: [.dhcpTimedOut: .noAddress(ssid: settings.ssid)],
                refusal: .join(ssid: settings.ssid), silence: .joinTimedOut(ssid: settings.ssid)),
            ChatStep(command: firmware.askAccessPoint, refusal: .harmless),
        ]
    }

    static let address = [ChatStep(command: ATCommand("AT+CIFSR"), rung: .addressing)]

    /// Back from transparent mode, with the old connection gone.
    static let hangUp = [
        // Wi-Fi texts are suppressed while CIPMODE is 1, and AT+CIPMUX is refused.
        ChatStep(command: ATCommand("AT+CIPMODE=0"), repetitions: 1),
        ChatStep(command: ATCommand("AT+CIPCLOSE"), refusal: .harmless),
    ]

    /// From an address to the open tunnel. The connection is made as late as can be: the platform closes one on
    /// which CONNECT does not follow within about 10 s.
    static func dial(_ settings: ModemLink.Settings) -> [ChatStep] {
        let host = settings.host
        let port = settings.port
        let lost: [ATReply: LinkFailure] = [
            .wifiDisconnected: .accessPointLost(ssid: settings.ssid), .noAddress: .addressLost,
        ]
        let closed = lost.merging([.closed: .closedWhileDialling(host: host, port: port)]) { $1 }
        return [
            ChatStep(command: ATCommand("AT+CIPMUX=0"), rung: .dialling, failures: lost, repetitions: 1),
            // Two DNS servers cost up to 14 s, the SYNs 3 s (NonOS) or 15 s (ESP-AT) more.
            ChatStep(
                command: .dial(host: host, port: port, keepAlive: settings.linkKeepAlive), success: .connectAndOK,
                timeout: .seconds(30), failures: lost.merging([.nameNotResolved: .nameNotResolved(host: host)]) { $1 },
                refusal: .dial(host: host, port: port), silence: .hostUnreachable(host: host, port: port)),
            ChatStep(command: ATCommand("AT+CIPMODE=1"), failures: closed, refusal: .transparentMode),
            ChatStep(
                command: ATCommand("AT+CIPSEND"), success: .prompt, timeout: .seconds(5), failures: closed,
                refusal: .transparentMode),
        ]
    }
}
