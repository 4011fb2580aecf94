import BridgeCore
import Logging

/// What each part of the daemon needs of the configuration.
extension Configuration {
    var uplinkSettings: Uplink.Settings {
        let host: String
        let connect: MQTTPacket.Connect
        if let aliyun {
            let device = DeviceIdentity(
                productKey: aliyun.productKey, deviceName: aliyun.deviceName, secret: aliyun.deviceSecret,
                clientID: aliyun.clientID, method: aliyun.signMethod)
            let signIn = SignIn(device, isTLS: mqtt.security == .tls)
            host =
                aliyun.endpoint.isEmpty
                ? PlatformRules.host(productKey: aliyun.productKey, region: aliyun.region) : aliyun.endpoint
            connect = .init(
                clientIdentifier: signIn.clientIdentifier, cleanSession: mqtt.cleanSession,
                keepAlive: UInt16(mqtt.keepAlive), username: signIn.userName,
                password: Array(signIn.password.value.utf8))
        } else {
            let broker = broker ?? Broker()
            host = broker.host
            connect = .init(
                clientIdentifier: broker.clientID, cleanSession: mqtt.cleanSession, keepAlive: UInt16(mqtt.keepAlive),
                username: broker.username.isEmpty ? nil : broker.username,
                password: broker.password.isEmpty ? nil : Array(broker.password.value.utf8))
        }
        var session = MQTTConnection.Settings(connect: connect, subscriptions: subscriptions)
        if aliyun != nil { session.mostSubscriptions = PlatformRules.subscriptions }
        // A message is acknowledged once a local program has it.
        session.acknowledgesAutomatically = false
        session.bytesPerSecond = max(1, serial.baud / 10)
        // After a stall all that is in flight arrives within a moment, and the platform drops what is more than a second's.
        if let pace { session.windowMessages = min(max(1, pace.atLeastOnce), Self.mostInFlight) }
        session.heartbeat = modem.heartbeat > 0 ? .seconds(modem.heartbeat) : nil
        session.longestBurst = session.windowBytes
        // The module holds the host back itself, and what the port has taken tells how far a long message has got.
        session.lineHoldsBack = serial.flowControl == .rtsCts
        var link = ModemLink.Settings(
            ssid: wifi.ssid, password: wifi.password.value, bssid: wifi.bssid.isEmpty ? nil : wifi.bssid, host: host,
            port: mqtt.port, linkKeepAlive: modem.linkKeepAlive, baud: serial.baud, mode: modem.mode)
        link.triesSpeeds = true
        link.hardwareFlowControl = serial.flowControl == .rtsCts
        switch modem.mode {
        case .transparent:
            // The module replaces a connection without a word.
            session.suspicion = .milliseconds(2500)
            link.verifiesConnection = true
        case .packet:
            // The module takes a piece only when it has room for it, so more may wait; and it says in so many words when
            // it has restarted.
            session.windowBytes = Self.packetWindow
            session.longestBurst = .max
            session.lineHoldsBack = false
            session.restartVerdictDelay = .zero
        }
        let tls = mqtt.security == .tls ? secure(&session, link) : nil
        return Uplink.Settings(
            port: .init(
                path: serial.device, baud: serial.baud, hardwareFlowControl: serial.flowControl == .rtsCts,
                resetLine: serial.reset),
            modem: link, tls: tls, mqtt: session, pace: pace, mayRefusePlainTCP: aliyun != nil && tls == nil)
    }

    /// TLS around the session, which has to leave room for what that adds.
    private func secure(_ session: inout MQTTConnection.Settings, _ link: ModemLink.Settings) -> TLSLayer.Settings {
        session.packetOverhead = SecureLine.recordOverhead
        // Two pieces of half of it, each in a record of its own.
        if session.longestBurst < .max { session.longestBurst -= 2 * SecureLine.recordOverhead }
        return TLSLayer.Settings(
            line: .init(
                host: link.host, port: link.port, bytesPerSecond: session.bytesPerSecond,
                suspicion: session.suspicion, restartVerdictDelay: session.restartVerdictDelay),
            caFile: mqtt.caFile)
    }

    /// Bytes that may wait for PUBACK in packet mode: a piece on its way, one whose answers come in, and what is next.
    private static let packetWindow = 4 * 2048

    /// Messages that may wait for PUBACK, whatever the rate: packet identifiers have to be left for the next ones.
    private static let mostInFlight = MQTTSession.answeredByCommandMode.count / 2

    /// The platform's limits stand in the relation of 10 to 30.
    private var pace: PublishPace.Limits? {
        guard let rate = aliyun?.maxRate, rate > 0 else { return nil }
        return PublishPace.Limits(atMostOnce: rate * 3, atLeastOnce: rate)
    }

    var outboxLimits: OutboxLimits {
        OutboxLimits(
            maxBytes: Int64(outbox.maxBytes), maxAge: Int64(outbox.maxAge) * 1000, whenFull: outbox.whenFull,
            drain: outbox.drain, minFree: outbox.minFree > 0 ? Int64(outbox.minFree) : nil)
    }

    /// - Parameter upcomingID: where the ids of messages without one go on; nil when there were none before. Then they begin
    ///   at the tenth of a second of the clock, so that an outbox begun anew does not repeat those of the same day.
    func localServerSettings(upcomingID: Int64?) -> LocalServer.Settings {
        let topics =
            aliyun.map { TopicRules.aliyun(productKey: $0.productKey, deviceName: $0.deviceName) }
            ?? .broker(clientID: broker?.clientID ?? "")
        return LocalServer.Settings(
            maxMessage: socket.maxMessage, maxClients: socket.maxClients, topics: topics,
            firstID: upcomingID ?? WallTime.now.milliseconds / 100)
    }

    var logLevel: Logger.Level { Logger.Level(rawValue: log.level.rawValue) ?? .info }
}
