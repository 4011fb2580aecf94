/// Finding a module that runs at another speed, or that must not speak.
///
/// A module keeps the speed of AT+UART_DEF over resets, and whoever had it before may have set another one. And one whose
/// flow control was saved while nothing is connected to its CTS takes commands and never answers. Both are mended by the
/// same command, which may be said blindly: AT+UART_CUR, until the next reset.
extension ChatScript {
    /// What modules are found at (the usual speeds, and that of the boot ROM).
    static let usualSpeeds = [9600, 57_600, 74_880, 115_200, 230_400, 460_800, 921_600]
    /// The module changes its speed up to 10 ms after OK; published drivers wait 100 ms.
    static let speedChange: Duration = .milliseconds(100)

    /// Says at `speed` that `baud` is wanted, and looks whether there is an answer at `baud`.
    static func sweeping(speed: Int, baud: Int, hardwareFlowControl: Bool) -> ChatScript {
        ChatScript(
            [
                .speed(speed, within: .milliseconds(20)),
                .quiet(guardTime),
                .escape(afterEscape),
                .say(.probe, within: .milliseconds(200)).with {
                    $0.ends = [.ok, .error]
                    $0.silence = .goesOn
                },
                .say(.lineSettings(baud: baud, hardwareFlowControl: hardwareFlowControl), within: .milliseconds(300))
                    .with {
                        $0.ends = [.ok, .error]
                        $0.silence = .goesOn
                    },
                .speed(baud, within: speedChange),
                .say(.probe, within: .milliseconds(300)).with {
                    $0.tries = 2
                    $0.insists = true
                    $0.silence = .fails(.modemSilent)
                },
            ], restart: nil)
    }
}

extension ModemLink {
    /// The speeds in the order in which they are tried: where the module was found the last time, the configured one
    /// (for a module that is only kept from speaking), then the others.
    var sweep: [Int] {
        let first = (bootSpeed.map { [$0] } ?? []) + [settings.baud]
        return first + ChatScript.usualSpeeds.filter { !first.contains($0) }
    }

    /// Nothing was heard at the configured speed.
    mutating func soughtInVain(_ cause: LinkFailure, now: Moment) -> [Effect] {
        guard settings.triesSpeeds else { return end(.failed(cause)) }
        return open(.sweeping(index: 0, cause), now: now)
    }

    /// A speed was tried.
    mutating func swept(_ index: Int, _ cause: LinkFailure, now: Moment) -> [Effect] {
        index + 1 < sweep.count ? open(.sweeping(index: index + 1, cause), now: now) : end(.failed(cause))
    }

    /// The module answers at the configured speed now, until its next reset; so it is not reset in this attempt.
    mutating func found(at speed: Int, now: Moment) -> [Effect] {
        [.learned(.speed(speed))] + open(.tidying, now: now)
    }
}
