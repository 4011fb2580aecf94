/// From the tunnel, or from anywhere on the way to it, back to command mode.
extension ChatScript {
    /// For how long leaving may take in all, with a modem that does not answer.
    static let leavingLimit: Duration = .seconds(4)

    /// Out of data mode: silence, `+++` alone, a second; then the link is put away.
    ///
    /// - Parameter drain: until the last byte written is on the wire. A write is complete when the
    ///   kernel has the bytes, which is earlier; `+++` that follows closely is data.
    static func leavingTransparentMode(drain: Duration) -> ChatScript {
        ChatScript([.quiet(drain + guardTime), .escape(afterEscape)] + hangingUp.steps, restart: nil)
    }

    /// In command mode already.
    static let hangingUp = ChatScript(
        [.packetMode, .close].map { command in
            Step.say(command, within: .milliseconds(700)).with {
                $0.ends = [.ok, .error]
                $0.silence = .goesOn
                $0.expectsRestart = true
            }
        }, restart: nil)
}
