/// The access point and the address.
extension ChatScript {
    /// NonOS AT gives up after 14 to 15 s, and says OK up to 2 s after `WIFI GOT IP`.
    ///
    /// `WIFI DISCONNECT` is no failure here: a module that was joined leaves first.
    static func joining(ssid: String, command: ATCommand) -> ChatScript {
        ChatScript(
            [
                .say(command, within: .seconds(20)).with {
                    $0.clues = [Meaning(.start("+CWJAP:")) { joinFailure(ssid: ssid, line: $0) }]
                    $0.verdicts = [
                        Meaning(.reply(.fail), .joinFailed(ssid: ssid, code: nil)),
                        Meaning(.reply(.error), .joinFailed(ssid: ssid, code: nil)),
                    ]
                }
            ],
            restart: .modemRestarted(during: .joining),
            aborts: [Meaning(.reply(.dhcpTimedOut), .noAddress(ssid: ssid))],
            notices: [.rung(.wifiConnected, .addressing)])
    }

    /// `+CWJAP:<code>` (ESP8266 AT Instruction Set V3.0.1, AT+CWJAP_CUR).
    private static func joinFailure(ssid: String, line: ATLine) -> LinkFailure {
        let code = line.text(after: "+CWJAP:").flatMap { Int($0) }
        return switch code {
        case 1: .joinTimedOut(ssid: ssid)
        case 2: .wrongPassword(ssid: ssid)
        case 3: .noSuchAccessPoint(ssid: ssid)
        default: .joinFailed(ssid: ssid, code: code)
        }
    }

    /// The station's addresses; `0.0.0.0` while there is none, and then they are asked again a second later.
    static func addressing(ssid: String, isFirst: Bool) -> ChatScript {
        ChatScript(
            (isFirst ? [] : [.quiet(.seconds(1))]) + [.say(.addresses, within: .seconds(2)).with { $0.tries = 2 }],
            restart: .modemRestarted(during: .addressing),
            aborts: [Meaning(.reply(.wifiLost), .accessPointLost(ssid: ssid))],
            notices: [.fact(ModemFact.address(in:)), .fact(ModemFact.mac(in:))])
    }

    /// Which access point it is, and how strong: good to know, and no reason to fail.
    static func inspecting(_ dialect: Dialect, ssid: String) -> ChatScript {
        ChatScript(
            [
                .say(dialect.accessPoint, within: .seconds(1)).with {
                    $0.ends = [.ok, .error]
                    $0.silence = .goesOn
                }
            ],
            restart: .modemRestarted(during: .addressing),
            aborts: [Meaning(.reply(.wifiLost), .accessPointLost(ssid: ssid))],
            notices: [.fact(ModemFact.accessPoint(in:))])
    }
}
