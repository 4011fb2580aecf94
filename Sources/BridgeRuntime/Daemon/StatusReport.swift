import BridgeCore

/// What `espbridged status --json` prints.
struct StatusReport {
    var version: String
    var situation: LinkSituation
    var uplink: Uplink.Settings
    var books: OutboxBooks
    var trouble: OutboxTrouble
    var inFlight: Int
    var bytes: (sent: Int, received: Int)
    var clients: Int
    var lineErrors: LineErrors?
    /// To the disk, by this process.
    var bytesWritten: Int64?

    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("version", .string(version)),
            .init("state", .string(situation.state.rawValue)),
            .init("since", .string(situation.since.text)),
            .init("why", .string(why)),
        ]
        if let failure = situation.failure {
            members.append(.init("reason", .string("\(failure)")))
            members.append(.init("reason_word", .string(failure.word)))
            members.append(.init("advice", .string(failure.advice)))
        } else if situation.state != .online {
            let reason = situation.state == .stopping ? "the daemon is stopping" : "the link is being brought up"
            members.append(.init("reason", .string(reason)))
        }
        if let rung = situation.failedRung { members.append(.init("failed_rung", .string(rung.rawValue))) }
        if let since = situation.offlineSince { members.append(.init("offline_since", .string(since.text))) }
        if let since = situation.failingSince { members.append(.init("failing_since", .string(since.text))) }
        if situation.state != .online {
            members.append(.init("next_attempt", situation.nextAttempt.map { .string($0.text) } ?? .null))
        }
        members.append(.init("modem", modem))
        members.append(.init("session", session))
        members.append(.init("outbox", outbox))
        members.append(.init("counters", counters))
        members.append(.init("clients", .int(clients)))
        return .object(members)
    }

    private var why: String {
        [situation.explanation(waiting: books.waiting), trouble.text].compactMap(\.self).joined(separator: " ")
    }

    private var modem: JSONValue {
        [
            "firmware": situation.firmware.map { .string($0) } ?? .null,
            "address": situation.address.map { .string($0) } ?? .null,
            "mac": situation.mac.map { .string($0) } ?? .null,
            "rssi": situation.signal.map { .int($0) } ?? .null,
            "device": .string(uplink.port.path),
            "baud": .int(uplink.port.baud),
            "found_at_baud": situation.bootSpeed.map { .int($0) } ?? .null,
            "at_rtt_ms": milliseconds(situation.commandRoundTrip),
            "uart_errors": lineErrors.map(\.json) ?? .null,
        ]
    }

    private func milliseconds(_ duration: Duration?) -> JSONValue { duration.map { .int($0.inMilliseconds) } ?? .null }

    private var repairs: JSONValue {
        .object(
            [Repair.dial, .join, .reset, .pulse, .reopen].map {
                .init("\($0)", .int(situation.counters.repairs[$0] ?? 0))
            })
    }

    private var session: JSONValue {
        let connect = uplink.mqtt.connect
        let secured = situation.secured
        return [
            "security": uplink.tls == nil ? "tcp" : "tls",
            "tls_version": secured.map { .string($0.version) } ?? .null,
            "tls_cipher": secured?.cipher.map { .string($0) } ?? .null,
            "certificate_expires": secured.map {
                .string(WallTime(milliseconds: $0.certificate.validUntil.seconds * 1000).text)
            } ?? .null,
            "host": .string(uplink.modem.host),
            "port": .int(uplink.modem.port),
            "client_id": .string(connect.clientIdentifier),
            "keep_alive": .int(connect.keepAlive),
            "connack_rtt_ms": milliseconds(situation.signInRoundTrip),
            "ping_rtt_ms": milliseconds(situation.pingRoundTrip),
        ]
    }

    private var outbox: JSONValue {
        var dropped: [JSONValue.Member] = []
        for reason in DropReason.allCases {
            dropped.append(.init(reason.rawValue, .int(books.dropped[reason] ?? 0)))
        }
        return [
            "received": .int(books.received),
            "delivered": .int(books.delivered),
            "waiting": .int(books.waiting),
            "in_flight": .int(inFlight),
            "dropped": .object(dropped),
            "bytes": .int(books.bytes),
            "bytes_written": bytesWritten.map { .int($0) } ?? .null,
            "trouble": trouble.text.map { .string($0) } ?? .null,
        ]
    }

    private var counters: JSONValue {
        [
            "attempts": .int(situation.counters.attempts),
            "connects": .int(situation.counters.connects),
            "refusals": .int(situation.counters.refusals),
            "resets": .int(situation.counters.resets),
            "repairs": repairs,
            "port_losses": .int(situation.counters.portLosses),
            "bytes_sent": .int(bytes.sent),
            "bytes_received": .int(bytes.received),
        ]
    }
}

extension LineErrors {
    fileprivate var json: JSONValue {
        [
            "frame": .int(framing), "overrun": .int(overruns), "parity": .int(parity), "break": .int(breaks),
            "buffer_overrun": .int(bufferOverruns),
        ]
    }
}
