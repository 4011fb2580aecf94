import BridgeCore
import NIOCore

/// The doctor's part from TCP upwards: one attempt as the daemon makes it, on the network that stands, each step measured.
final class SessionExamination {
    private let doctor: Doctor
    private var attempt: Attempt?
    private var rung = Rung.syncing
    /// When the step that is being measured began.
    private var began = Moment.now
    private var connected = false
    /// Whether the modem is only led back into command mode.
    private var isTidying = false

    init(_ doctor: Doctor) { self.doctor = doctor }

    func begin() {
        guard let descriptor = doctor.descriptor() else { return }
        let settings = doctor.settings
        var modem = settings.modem
        // That has been done, rung by rung.
        modem.triesSpeeds = false
        let attempt = Attempt(
            modem: ModemLink(settings: modem, start: .dial), tls: settings.tls,
            mqtt: MQTTConnection(settings: settings.mqtt, session: MQTTSession()),
            portPath: settings.port.path, tap: LineTap(secrets: []),
            tracesPackets: { false }, report: { [weak self] in self?.heard($0) })
        self.attempt = attempt
        attempt.begin(on: descriptor, eventLoop: doctor.eventLoop)
    }

    private func took() -> String { "\((Moment.now - began).inMilliseconds) ms" }

    private func heard(_ report: AttemptReport) {
        if isTidying { return tidied(report) }
        let settings = doctor.settings
        switch report {
        case .climbed(let reached): climbed(reached)
        case .secured(let session):
            doctor.report(Checkup(.tls, .good, session.account(now: WallTime.now.calendar) + " after \(took())"))
            began = .now
        case .connected:
            connected = true
            doctor.report(
                Checkup(.connack, .good, "\(settings.mqtt.connect.clientIdentifier) accepted after \(took())"))
            began = .now
        case .refusedSubscriptions(let filters):
            doctor.report(
                Checkup(
                    .suback, .bad, "The broker refuses \(filters.joined(separator: ", ")).",
                    advice: ["Check in the console what the device may subscribe to, and mqtt.subscribe."]))
        case .pinged(let roundTrip):
            doctor.report(Checkup(.roundTrip, .good, "PINGRESP after \(roundTrip.inMilliseconds) ms"))
            attempt?.leave()
        case .left: end()
        case .failed(let failure):
            // What ends while it is being left has ended.
            if attempt?.isLeaving == true { end() } else { failed(failure) }
        default: break
        }
    }

    private func climbed(_ reached: Rung) {
        let settings = doctor.settings
        rung = reached
        switch reached {
        case .securing: reportTCP()
        case .connecting:
            guard settings.tls == nil else { return }
            reportTCP()
            doctor.report(Checkup(.tls, .skipped, "plain TCP is configured"))
        case .online:
            let count = settings.mqtt.subscriptions.count
            if count == 0 {
                doctor.report(Checkup(.suback, .skipped, "nothing is subscribed to"))
            } else {
                doctor.report(Checkup(.suback, .good, "\(count) subscription\(count == 1 ? "" : "s") after \(took())"))
            }
            attempt?.probe()
            return
        default: break
        }
        began = .now
    }

    private func reportTCP() {
        let modem = doctor.settings.modem
        doctor.report(Checkup(.tcp, .good, "\(modem.host):\(modem.port) connected after \(took())"))
    }

    private func failed(_ failure: LinkFailure) {
        let place: Checkup.Rung =
            switch (failure, rung) {
            case (.nameNotResolved, _): .dns
            case (_, .online): .roundTrip
            case (_, .subscribing): .suback
            case (_, .securing): .tls
            case (_, .connecting): connected ? .suback : .connack
            default: .tcp
            }
        doctor.report(Checkup(place, failure))
        _ = attempt?.end()
        tidy()
    }

    // MARK: Back to command mode

    /// What failed may have left the modem in data mode: one more attempt begins, only to be left.
    private func tidy() {
        isTidying = true
        begin()
    }

    private func tidied(_ report: AttemptReport) {
        switch report {
        // The first words are `+++`: the channel stands, and the modem listens or does not.
        case .said: attempt?.leave()
        case .left, .failed: end()
        default: break
        }
    }

    private func end() {
        _ = attempt?.end()
        attempt = nil
        doctor.finish()
    }
}
