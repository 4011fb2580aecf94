import BridgeCore

/// The answer to `status` as a person reads it.
struct StatusText {
    private let status: JSONValue

    init(_ status: JSONValue) { self.status = status }

    var text: String {
        var rows: [(String, String)] = []
        rows.append(("link", "\(word("state")) since \(word("since"))"))
        if let reason = status["reason"]?.text {
            rows.append(("reason", (status["failed_rung"]?.text).map { "at \($0): \(reason)" } ?? reason))
        }
        if let advice = status["advice"]?.text { rows.append(("advice", advice)) }
        if let next = status["next_attempt"]?.text { rows.append(("next attempt", next)) }
        rows.append(("ladder", ladder))
        rows.append(("modem", modem))
        rows.append(("session", session))
        rows.append(("outbox", outbox))
        if let trouble = status["outbox"]?["trouble"]?.text { rows.append(("trouble", trouble)) }
        rows.append(("counters", counters))
        rows.append(("clients", word("clients")))
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, value in
            name + String(repeating: " ", count: width - name.count) + "  " + value
        }.joined(separator: "\n")
    }

    /// All rungs, with the one where the link stands in brackets.
    private var ladder: String {
        let state = status["state"]?.text
        let place = state == Rung.backoff.rawValue ? status["failed_rung"]?.text : state
        let isSecure = status["session"]?["security"]?.text == "tls"
        return Rung.allCases.filter { $0.isStep && ($0 != .securing || isSecure) }
            .map { $0.rawValue == place ? "[\($0.rawValue)]" : $0.rawValue }.joined(separator: " ")
    }

    private var modem: String {
        let errors = status["modem"]?["uart_errors"].map {
            list($0, ["frame", "overrun", "parity", "break", "buffer_overrun"])
        }
        return list(status["modem"], ["device", "baud", "firmware", "address", "mac", "rssi", "at_rtt_ms"])
            + (errors.flatMap { $0.isEmpty ? nil : ", UART errors: \($0)" } ?? "")
    }

    private var session: String {
        list(
            status["session"],
            [
                "host", "port", "security", "tls_version", "certificate_expires", "client_id", "keep_alive",
                "connack_rtt_ms", "ping_rtt_ms",
            ])
    }

    private var outbox: String {
        var text = list(status["outbox"], ["received", "delivered", "waiting", "in_flight", "bytes", "bytes_written"])
        if case .object(let reasons)? = status["outbox"]?["dropped"] {
            let dropped = reasons.filter { $0.value != 0 }.map { "\($0.name) \($0.value.serialized)" }
            text += dropped.isEmpty ? ", nothing dropped" : ", dropped: \(dropped.joined(separator: ", "))"
        }
        return text
    }

    private var counters: String {
        list(status["counters"], ["attempts", "connects", "refusals", "resets", "bytes_sent", "bytes_received"])
    }

    private func list(_ object: JSONValue?, _ names: [String]) -> String {
        names.compactMap { name in
            guard let value = object?[name], value != .null else { return nil }
            return "\(name.replacing("_", with: " ")) \(value.text ?? value.serialized)"
        }.joined(separator: ", ")
    }

    private func word(_ name: String) -> String {
        guard let value = status[name] else { return "?" }
        return value.text ?? value.serialized
    }
}
