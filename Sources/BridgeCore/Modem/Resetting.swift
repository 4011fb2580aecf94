/// `AT+RST`, and getting to know what comes back.
extension ChatScript {
    /// Boot takes a few hundred milliseconds; published drivers wait for up to 10 s.
    static let resetting = ChatScript(
        [
            .say(.reset, within: .seconds(10)).with {
                $0.ends = [.ready]
                $0.expectsRestart = true
                $0.silence = .fails(.noReady)
                // The first command right behind `ready` can be lost or answered ERROR.
                $0.settle = .milliseconds(500)
            }
        ], restart: nil)

    /// No `ready`: it may have been lost in boot garbage.
    static let lookingAgain = ChatScript(
        [
            .say(.probe, within: .milliseconds(500)).with {
                $0.tries = 4
                $0.insists = true
                $0.expectsRestart = true
                $0.silence = .fails(.noReady)
            }
        ], restart: nil)

    /// Echo off (it is on after every reset), and which firmware it is.
    static func identifying(during rung: Rung) -> ChatScript {
        ChatScript(
            [
                .say(.echoOff, within: .seconds(1)).with {
                    $0.tries = 3
                    // A stray character from power-up makes an ERROR of the first command.
                    $0.insists = true
                },
                .say(.version, within: .seconds(2)).with { $0.tries = 2 },
            ],
            restart: .modemRestarted(during: rung),
            notices: [.firmware])
    }

    /// Station mode, with as little wear on the flash as the dialect permits.
    static func configuring(_ dialect: Dialect, during rung: Rung) -> ChatScript {
        var steps = [Step.say(dialect.stationMode, within: .seconds(3)).with { $0.tries = 2 }]
        if let sparesFlash = dialect.sparesFlash {
            // Unknown to some versions; then the settings go to flash.
            steps.insert(.say(sparesFlash, within: .seconds(2)).with { $0.ends = [.ok, .error] }, at: 0)
        }
        return ChatScript(steps, restart: .modemRestarted(during: rung))
    }
}
