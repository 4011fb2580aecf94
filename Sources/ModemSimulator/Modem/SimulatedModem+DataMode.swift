import BridgeCore

/// Transparent mode: what ``TransparentBuffer`` decides is carried out, and a lost connection is replaced.
extension SimulatedModem {
    /// Between two dials, and before the first.
    var redialPause: Duration { .milliseconds(100 * volatile.redialInterval) }

    /// AT+CIPSEND without a length.
    mutating func enterDataMode() {
        guard volatile.isTransparentMode, !volatile.hasManyLinks, links[0]?.state == .open else { return fail() }
        succeed()
        say("\r\n>")
        // What an earlier connection did not take is gone with it.
        transparent.discard()
        phase = .data
    }

    mutating func carryOut(_ outcomes: [TransparentBuffer.Outcome]) {
        for outcome in outcomes {
            switch outcome {
            case .packet(let bytes):
                if links[0]?.state == .open {
                    transmit(bytes, link: 0)
                } else {
                    // No connection: thrown away without a word.
                    _ = transparent.packetTaken()
                }
            case .escape: leaveDataMode()
            }
        }
        armFlush()
    }

    mutating func flushDue() {
        if let outcome = transparent.silenceReached() { carryOut([outcome]) }
        armFlush()
    }

    private mutating func armFlush() {
        if phase == .data, let deadline = transparent.deadline {
            set(.flush, at: deadline)
        } else {
            cancel(.flush)
        }
    }

    private mutating func leaveDataMode() {
        phase = .command
        input.reset()
        if volatile.messages & 1 != 0 { say("+QUITT\r\n") }
        cancel(.savedLink)
        cancel(.redial)
        guard let link = links[0], link.state != .open else { return }
        [.dialLimit(0), .dialLookup(0), .synRetry(0)].forEach { cancel($0) }
        link.connection.map { emit(.close($0)) }
        links[0] = nil
        if firmware.tellsLossAfterEscape { say("CLOSED\r\n") }
    }

    /// 100 ms after the connection was lost, or after the last attempt failed.
    mutating func redial() {
        guard phase == .data, links[0]?.state == .lost else { return }
        guard station.state == .addressed else { return set(.redial, after: redialPause) }
        // Only the name of AT+SAVETRANSLINK is looked up again.
        flash.savedLink?.host == links[0]?.host ? resolve(link: 0) : dial(0)
    }

    /// After a boot with AT+SAVETRANSLINK=1.
    mutating func dialSavedLink() {
        guard phase == .data, let saved = flash.savedLink else { return }
        guard station.state == .addressed else { return set(.savedLink, after: redialPause) }
        if links[0] == nil {
            links[0] = Link(host: saved.host, port: saved.port, keepAlive: saved.keepAlive)
            links[0]?.state = .lost
        }
        resolve(link: 0)
    }
}
