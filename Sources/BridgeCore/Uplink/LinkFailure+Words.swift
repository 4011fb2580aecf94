extension LinkFailure {
    /// A stable word for `reason` fields, scripts and tests.
    public var word: String {
        switch self {
        case .settingsChanged: "settings-changed"
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
        case .modemRestarted: "modem-restarted"
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
        case .connectionRefused: "refused"
        case .hostUnreachable: "unreachable"
        case .addressLost: "address-lost"
        case .closedWhileDialling: "closed"
        case .transparentModeRefused: "transparent-mode-refused"
        case .connectionClosed: "connection-closed"
        case .sendFailed: "send-failed"
        case .bytesLost: "bytes-lost"
        case .tls(let failure): failure.word
        case .refused(let code): Self.word(for: code)
        case .deviceUsedElsewhere: "kicked"
        case .plainTCPRefused: "plain-tcp-refused"
        case .tlsExpected: "tls-expected"
        case .noConnectAcknowledgement: "no-connack"
        case .noSubscribeAcknowledgement: "no-suback"
        case .connectionReplaced: "connection-lost"
        case .connectionSilent: "connection-silent"
        case .pingTimedOut: "ping-timed-out"
        case .publishTimedOut: "publish-timed-out"
        case .protocolViolation: "protocol-violation"
        case .modemRestartedOnline: "modem-restarted-online"
        }
    }

    private static func word(for code: ConnectReturnCode) -> String {
        switch code {
        case .accepted: "connack-accepted"
        case .unacceptableProtocolVersion: "connack-protocol-version"
        case .identifierRejected: "connack-identifier-rejected"
        case .serverUnavailable: "connack-server-unavailable"
        case .badUserNameOrPassword: "connack-bad-credentials"
        case .notAuthorized: "connack-not-authorized"
        }
    }
}

// MARK: - What happened

extension LinkFailure: CustomStringConvertible {
    /// One sentence that says what happened, without secrets.
    public var description: String {
        switch self {
        case .settingsChanged: "The configuration was changed, and the link is brought up anew with it."
        case .portMissing(let path): "There is no serial port \(path)."
        case .portNotPermitted(let path, let group?):
            "The serial port \(path) may not be opened: it belongs to group \(group), and this process is not in it."
        case .portNotPermitted(let path, nil): "The serial port \(path) may not be opened by this process."
        case .portHeld(let path, let holders) where holders.isEmpty:
            "The serial port \(path) is held by another program."
        case .portHeld(let path, let holders): "The serial port \(path) is held by \(holders.joined(separator: ", "))."
        case .portNotATerminal(let path): "The device \(path) is not a terminal, so it is no serial port."
        case .portUnusable(let path, let detail): "The serial port \(path) cannot be used: \(detail)."
        case .portLost(let path): "The serial port \(path) has gone away."
        case .modemSilent: "The modem does not answer."
        case .modemGarbled: "The modem sends bytes that make no sense."
        case .modemBusy: "The modem answers everything with busy."
        case .noReady: "The modem did not come back from its reset."
        case .modemRestarted(let rung): "The modem restarted by itself while \(rung.rawValue)."
        case .commandFailed(let command, let reply): "The modem answered \(command) with \(reply)."
        case .commandTimedOut(let command): "The modem did not answer \(command) in time."
        case .firmwareUnsupported(let version): "The modem's firmware, AT \(version), is not supported."
        case .wrongPassword(let ssid): "The access point \"\(ssid)\" does not take the password."
        case .noSuchAccessPoint(let ssid): "There is no access point \"\(ssid)\" in range."
        case .joinTimedOut(let ssid): "Joining \"\(ssid)\" took too long."
        case .joinFailed(let ssid, let code?): "Joining \"\(ssid)\" failed with code \(code)."
        case .joinFailed(let ssid, nil): "Joining \"\(ssid)\" failed."
        case .noAddress(let ssid): "\"\(ssid)\" was joined, but gave no address."
        case .accessPointLost(let ssid): "The access point \"\(ssid)\" was lost."
        case .nameNotResolved(let host): "The name \(host) could not be resolved."
        case .connectionRefused(let host, let port): "\(host) refuses connections to port \(port)."
        case .hostUnreachable(let host, let port): "\(host) does not answer on port \(port)."
        case .addressLost: "The modem has no address any more."
        case .closedWhileDialling(let host, let port):
            "\(host) closed the connection to port \(port) as soon as it was made."
        case .transparentModeRefused(let reply): "The modem did not enter transparent mode: \(reply)."
        case .connectionClosed: "The modem says that the connection to the cloud was closed."
        case .sendFailed(let reply): "The modem could not send: \(reply)."
        case .bytesLost(fromModem: false): "Bytes were lost on the serial line, on the way to the modem."
        case .bytesLost(fromModem: true): "Bytes were lost on the serial line, on the way from the modem."
        case .tls(let failure): failure.description
        case .refused(let code): "The cloud refused the connection: \(code.meaning) (CONNACK \(code.rawValue))."
        case .deviceUsedElsewhere(let sessions):
            "Another client signs in as the same device: \(sessions) sessions in a row were accepted and ended at once."
        case .tlsExpected: "The server takes TLS only: it answered CONNECT with a TLS alert."
        case .plainTCPRefused: "The cloud takes TCP connections and hangs up without answering CONNECT, each time."
        case .noConnectAcknowledgement: "The connection was made, but CONNECT was not answered."
        case .noSubscribeAcknowledgement: "SUBSCRIBE or UNSUBSCRIBE was not answered."
        case .connectionReplaced: "The TCP connection was lost; the modem made another one without a word."
        case .connectionSilent:
            "The cloud is not heard any more, and the modem takes no commands: it holds data that the network does not take, "
                + "or it hangs."
        case .pingTimedOut: "The cloud did not answer a ping; the connection is dead."
        case .publishTimedOut: "The cloud did not acknowledge a message in time."
        case .protocolViolation(let detail): "What came from the cloud is not MQTT: \(detail)."
        case .modemRestartedOnline: "The modem restarted while messages were flowing."
        }
    }
}

extension ConnectReturnCode {
    /// What the code says (MQTT 3.1.1, table 3.1).
    var meaning: String {
        switch self {
        case .accepted: "accepted"
        case .unacceptableProtocolVersion: "protocol version not supported"
        case .identifierRejected: "client identifier rejected"
        case .serverUnavailable: "server unavailable"
        case .badUserNameOrPassword: "bad user name or password"
        case .notAuthorized: "not authorized"
        }
    }
}
