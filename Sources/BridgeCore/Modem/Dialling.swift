/// The TCP connection, and transparent mode where it is wanted.
extension ChatScript {
    /// A refusal takes one round trip. A silent host takes NonOS AT three SYN retransmissions of
    /// 1 s and more, and ESP-AT 10 s and more.
    static let refusalTime: Duration = .milliseconds(2500)
    /// NonOS AT prints `CLOSED` a little after the ERROR of a failed `AT+CIPSTART`.
    static let lateClosed: Duration = .milliseconds(300)
    /// The firmware's text for a link that is still there (older 1.x: `ALREADY CONNECT`).
    static let alreadyConnected = "ALREADY CONNECT"
    /// And when the number of links is to be changed meanwhile (AT+CIPMUX).
    static let linkIsBuilt = "link is build"

    /// - Parameter notesPort: whether the connection's local port is asked for, see ``verifying(drain:)``.
    static func dialling(
        ssid: String, host: String, port: Int, command: ATCommand, mode: ModemLink.TunnelMode, notesPort: Bool = false
    ) -> ChatScript {
        let closed = Meaning(.reply(.closed), .closedWhileDialling(host: host, port: port))
        let connecting = connecting(host: host, port: port, command: command, closed: closed)
        let noting = notesPort ? [status.with { $0.undoneBy = closed }] : []
        return ChatScript(
            before(mode) + [connecting] + noting + behind(mode, closed: closed),
            restart: .modemRestarted(during: .dialling),
            aborts: [Meaning(.reply(.wifiLost), .accessPointLost(ssid: ssid))],
            notices: notesPort ? [Notice { line in localPort(in: line).map(News.localPort) }] : [])
    }

    /// How the link is to be used, as far as it has to be said while there is none.
    private static func before(_ mode: ModemLink.TunnelMode) -> [Step] {
        let single = Step.say(.singleLink, within: .seconds(2)).with { $0.tries = 2 }
        return switch mode {
        case .transparent: [single]
        case .packet: [single, .say(.plainPackets, within: .seconds(2)).with { $0.ends = [.ok, .error] }]
        }
    }

    private static func connecting(host: String, port: Int, command: ATCommand, closed: Meaning) -> Step {
        .say(command, within: .seconds(20)).with {
            $0.needs = .connected
            $0.undoneBy = closed
            $0.clues = [
                Meaning(.start("DNS Fail"), .nameNotResolved(host: host)),
                Meaning(.start("no ip"), .addressLost),
                Meaning(.start(alreadyConnected)) {
                    .commandFailed(command: command.masked, reply: $0.text)
                },
                // Of our own making: a wrong host or port, or a mode that was not left.
                Meaning(.end(" ERROR")) { .commandFailed(command: command.masked, reply: $0.text) },
                Meaning(.start("MUX=")) { .commandFailed(command: command.masked, reply: $0.text) },
                Meaning(.start("Miss param")) { .commandFailed(command: command.masked, reply: $0.text) },
            ]
            $0.verdicts = [
                Meaning(.reply(.error), within: refusalTime, .connectionRefused(host: host, port: port)),
                Meaning(.reply(.error), .hostUnreachable(host: host, port: port)),
            ]
            $0.linger = lateClosed
        }
    }

    /// From the connection to the tunnel; in packet mode the one is the other.
    private static func behind(_ mode: ModemLink.TunnelMode, closed: Meaning) -> [Step] {
        guard mode == .transparent else { return [] }
        return [
            .say(.transparentMode, within: .seconds(2)).with {
                $0.undoneBy = closed
                $0.verdicts = [Meaning(.reply(.error)) { .transparentModeRefused(reply: $0.text) }]
            },
            .say(.enterTransparentMode, within: .seconds(5)).with {
                $0.ends = [.prompt]
                $0.undoneBy = closed
                $0.verdicts = [Meaning(.reply(.error)) { .transparentModeRefused(reply: $0.text) }]
                $0.silence = .fails(.transparentModeRefused(reply: "no prompt"))
            },
        ]
    }

    /// The module says that a link is still there: it is closed, and dialled again.
    static func redialling(_ script: ChatScript) -> ChatScript {
        var redialling = script
        redialling.steps.insert(.say(.close, within: .seconds(4)).with { $0.ends = [.ok, .error] }, at: 0)
        return redialling
    }

    /// ESP-AT does not say why it could not connect: asking for the name tells an unknown name from
    /// an unreachable host.
    static func resolving(host: String, command: ATCommand) -> ChatScript {
        ChatScript(
            [
                .say(command, within: .seconds(15)).with {
                    $0.verdicts = [Meaning(.reply(.error), .nameNotResolved(host: host))]
                    $0.silence = .goesOn
                }
            ], restart: .modemRestarted(during: .dialling))
    }
}
