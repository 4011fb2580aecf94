import BridgeCore

extension Uplink {
    /// What the link needs of the configuration.
    struct Settings: Equatable {
        var port: SerialPort.Settings
        var modem: ModemLink.Settings
        /// Nil for plain TCP.
        var tls: TLSLayer.Settings?
        var mqtt: MQTTConnection.Settings
        /// How many messages a second the other side takes; nil for any number.
        var pace: PublishPace.Limits?
        /// Whether the server may take only TLS, and hang up on others without a word.
        var mayRefusePlainTCP = false

        /// Where the link has to begin anew to put these settings into force; nil when it can stay.
        ///
        /// - Parameter wasOnline: whether the modem is known to be well.
        func repair(from old: Settings, wasOnline: Bool) -> Repair? {
            // How many messages may be in flight follows from the rate; the next session is early enough for that. The
            // subscriptions are changed in the session that stands.
            var kept = old.mqtt
            kept.windowMessages = mqtt.windowMessages
            kept.subscriptions = mqtt.subscriptions
            guard port != old.port || modem != old.modem || tls != old.tls || mqtt != kept else { return nil }
            guard wasOnline, port == old.port else { return .reset }
            let network = (modem.ssid, modem.password, modem.bssid ?? "")
            return network == (old.modem.ssid, old.modem.password, old.modem.bssid ?? "") ? .dial : .join
        }

        /// What no recording may show.
        var secrets: [String] {
            [modem.password] + (mqtt.connect.password.map { [String(decoding: $0, as: UTF8.self)] } ?? [])
        }
    }
}
