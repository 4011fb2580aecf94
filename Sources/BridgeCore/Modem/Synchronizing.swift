/// Finding the modem in whatever state it was left: data mode, echo on, garbage in its line buffer.
extension ChatScript {
    /// Silence around `+++`: the firmware wants more than 20 ms on both sides.
    static let guardTime: Duration = .milliseconds(100)
    /// From `+++` to the next command: at least a second (ESP8266 AT Instruction Set V3.0.1, +++).
    static let afterEscape: Duration = .milliseconds(1100)

    /// In data mode `+++` alone leads back; in command mode it is garbage before the first probe.
    ///
    /// A module may answer the first probes with ERROR (the `+++` stands in front of `AT`, or a stray
    /// character from power-up) or with `busy p...` (it is joining by itself after boot).
    /// - Parameter restart: what `ready` means here; nil when the module is going to be reset anyway.
    static func synchronizing(restart: LinkFailure?) -> ChatScript {
        ChatScript(
            [
                .quiet(guardTime),
                .escape(afterEscape),
                .say(.probe, within: .milliseconds(400)).with {
                    $0.tries = 6
                    $0.insists = true
                    $0.silence = .fails(.modemSilent)
                },
            ], restart: restart)
    }

    /// The module boots straight into data mode (AT+SAVETRANSLINK=1): `ready`, and then everything
    /// sent goes to somebody's server. Leads out of it for good.
    static let untangling = ChatScript(
        synchronizing(restart: nil).steps + [.say(.forgetSavedLink, within: .seconds(2))],
        restart: nil)

    /// Puts away what an earlier attempt left behind, when the module is not reset: transparent mode
    /// (which also suppresses the `WIFI …` texts of NonOS AT) and the old link.
    static func tidying(during rung: Rung) -> ChatScript {
        ChatScript(
            [
                .say(.packetMode, within: .seconds(2)).with { $0.ends = [.ok, .error] },
                .say(.close, within: .seconds(4)).with {
                    $0.ends = [.ok, .error]
                    $0.settle = .milliseconds(100)
                },
            ], restart: .modemRestarted(during: rung))
    }
}
