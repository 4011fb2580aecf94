import BridgeCore

/// What an attempt tells the uplink as it goes on.
enum AttemptReport {
    case climbed(Rung)
    case learned(ModemFact)
    /// The port is to go to this speed.
    case setSpeed(Int)
    /// A line of the AT dialogue, secrets masked.
    case said(ModemLink.Line)
    /// MQTT bytes of one packet or more, to the cloud or from it.
    case packets([UInt8], sent: Bool)
    /// TLS stands.
    case secured(SecuredSession)
    /// The broker accepted CONNECT.
    case connected(sessionPresent: Bool)
    /// A QoS 0 message is on the line.
    case written(Int64)
    /// PUBACK.
    case acknowledged(Int64)
    /// No broker could ever take the message.
    case undeliverable(Int64, MQTTError)
    case message(InboundMessage)
    /// More may be published.
    case windowOpened
    case pinged(Duration)
    case refusedSubscriptions([String])
    /// The broker took a change of the subscriptions over.
    case subscriptionsChanged(added: [String], removed: [String])
    case note(String)
    /// The orderly end that was asked for is done; the modem is in command mode.
    case left
    /// The attempt is over.
    case failed(LinkFailure)
}
