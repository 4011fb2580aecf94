/// How long an attempt may take.
extension ModemLink {
    /// The longest way from the beginning to the open tunnel, with every answer as late as it may come and every detour.
    ///
    /// `busy …` may take up to ``Chat/busyLimit`` in one step; it is counted once for the attempt and not once for each
    /// step, because a module that is that busy in several steps does not become free in between.
    public static func longestAttempt(_ settings: Settings) -> Duration {
        let longest = max(longest(.nonOS, settings), longest(.espAT, settings))
        return longest + Chat.busyLimit
    }

    private static func longest(_ dialect: Dialect, _ settings: Settings) -> Duration {
        var scripts: [ChatScript] = [
            .synchronizing(restart: nil), .synchronizing(restart: nil), .resetting, .lookingAgain, .untangling,
            .resetting, .resetting, .tidying(during: .syncing), .identifying(during: .syncing),
            .identifying(during: .syncing),
            .configuring(dialect, during: .syncing), .inspecting(dialect, ssid: settings.ssid),
        ]
        for round in 1...addressRounds { scripts.append(.addressing(ssid: settings.ssid, isFirst: round == 1)) }
        if let join = try? settings.joinCommand(dialect) {
            scripts.append(.joining(ssid: settings.ssid, command: join))
        }
        if let dial = try? settings.dialCommand() {
            let script = ChatScript.dialling(
                ssid: settings.ssid, host: settings.host, port: settings.port, command: dial, mode: settings.mode,
                notesPort: settings.verifiesConnection)
            scripts += [script, .redialling(script)]
        }
        for speed in settings.triesSpeeds ? ChatScript.usualSpeeds + [settings.baud] : [] {
            scripts.append(.sweeping(speed: speed, baud: settings.baud, hardwareFlowControl: false))
        }
        if let command = try? ATCommand.resolve(host: settings.host) {
            scripts.append(.resolving(host: settings.host, command: command))
        }
        return scripts.reduce(.zero) { $0 + $1.longest }
    }
}

extension ChatScript {
    /// All limits and pauses of all steps.
    fileprivate var longest: Duration {
        steps.reduce(.zero) {
            $0 + $1.limit * $1.tries + max($1.settle, $1.tries > 1 ? Chat.lateReplies : .zero) + $1.linger
        }
    }
}
