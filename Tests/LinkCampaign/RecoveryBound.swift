import BridgeCore

/// How long it may take, by the rules, from the end of the last fault until the link is online for good.
///
/// At that moment the link is in one of three ways not online, whichever takes longest:
/// - it seems online and is dead: `detection`, the longest time until it is given up;
/// - an attempt runs that the fault has spoiled: `attempt`, the longest that any attempt can take;
/// - it waits before the next attempt: `wait`.
///
/// The next attempt begins with the repair that the failures so far have earned, which may be too weak, because the
/// module was left in a state that only a stronger one mends: dial, join, reset are two steps up, each of them an
/// attempt and a wait. A fault that strikes at the next occasion may cost one attempt more, and a detection.
struct RecoveryBound {
    let plan: CampaignPlan

    /// A session that is dead is given up after the longest silence that is not looked into, the longest time for an
    /// answer, and the time for a verdict on bytes that are not MQTT.
    var detection: Duration {
        let slow = RoundTrip.lastRetransmission + RoundTrip.slowest
        let answer = max(plan.mqtt.pingTimeout, plan.mqtt.publishTimeout, slow)
        return (plan.mqtt.silenceBeforePing ?? .zero) + answer + plan.mqtt.restartVerdictDelay
    }

    /// The longest back-off with its jitter; the connection budget's minute is shorter.
    let wait = BackOff.longest * 1.5

    var attempt: Duration { ModemLink.longestAttempt(plan.modem) + signIn }

    /// CONNACK, and a SUBACK for each eight filters.
    private var signIn: Duration {
        let subscribes = (plan.mqtt.subscriptions.count + 7) / 8
        return plan.mqtt.connackTimeout + plan.mqtt.subackTimeout * subscribes
    }

    var total: Duration {
        let repairs = 2
        let latent = (detection + attempt + wait) * plan.latentFaults
        return max(detection, attempt) + (wait + attempt) * repairs + wait + attempt + latent
    }
}
