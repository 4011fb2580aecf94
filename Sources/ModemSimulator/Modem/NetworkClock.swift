import BridgeCore

/// What AT+CIPSNTPCFG sets, and whether a server has answered since.
struct NetworkClock: Equatable {
    var isOn = false
    /// Minutes east of Greenwich.
    var zone = 0
    /// As the host wrote it.
    var zoneNumber = 0
    var servers: [String] = []
    var isSet = false

    static let usualServers = ["cn.ntp.org.cn", "ntp.sjtu.edu.cn", "us.pool.ntp.org"]
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// As asctime(3) writes it; `padding` stands in front of a day of one digit: `0` in NonOS, a blank in ESP-AT.
    static func text(_ seconds: Int64, padding: Character) -> String {
        let (day, rest) = seconds.quotientAndRemainderFlooring(by: 86_400)
        let date = civil(day)
        let weekday = days[Int((day % 7 + 7) % 7)]
        let number = date.day < 10 ? "\(padding)\(date.day)" : "\(date.day)"
        let clock = [rest / 3600, rest / 60 % 60, rest % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "\(weekday) \(months[date.month - 1]) \(number) \(clock.joined(separator: ":")) \(date.year)"
    }

    /// The proleptic Gregorian date of a day after 1970-01-01, counted in years that begin with March.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainderFlooring(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = Int(shifted < 10 ? shifted + 3 : shifted - 9)
        let day = Int(dayOfYear - (153 * shifted + 2) / 5 + 1)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    /// The remainder is never negative.
    fileprivate func quotientAndRemainderFlooring(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// The clock that SNTP sets.
extension SimulatedModem {
    /// lwIP asks again so long after a question without an answer.
    private static let clockRetry = Duration.seconds(15)

    mutating func performClock(_ command: CommandLine) {
        switch (command.base, command.form) {
        case ("+CIPSNTPCFG", .set(let arguments)): setClock(arguments)
        case ("+CIPSNTPCFG", .query):
            let clock = volatile.clock
            let servers = clock.servers.isEmpty ? NetworkClock.usualServers : clock.servers
            let names = servers.map { ",\"\($0)\"" }.joined()
            succeed(telling: "+CIPSNTPCFG:\(clock.isOn ? 1 : 0),\(clock.zoneNumber)\(names)")
        case ("+CIPSNTPTIME", .query):
            let padding: Character = firmware.isESPAT ? " " : "0"
            succeed(telling: "+CIPSNTPTIME:" + NetworkClock.text(clockReading, padding: padding))
        default: refuseForm()
        }
    }

    /// `on,zone[,"server"…]`
    private mutating func setClock(_ arguments: [CommandLine.Argument]) {
        guard (1...5).contains(arguments.count), let on = arguments[0].number, (0...1).contains(on),
            on == 0 || arguments.count > 1, let servers = Self.texts(arguments.dropFirst(2))
        else { return refuse() }
        var clock = NetworkClock(isOn: on == 1, servers: servers)
        if arguments.count > 1 {
            guard let number = arguments[1].number, let zone = zone(number) else { return refuse() }
            (clock.zone, clock.zoneNumber) = (zone, number)
        }
        volatile.clock = clock
        cancel(.clock)
        if clock.isOn { set(.clock, within: configuration.timing.lookup) }
        succeed()
    }

    /// Minutes; NonOS takes hours from -11 to 13, ESP-AT from -12 to 14, or hours and minutes as one number (`1245`).
    private func zone(_ number: Int) -> Int? {
        if (firmware.isESPAT ? -12...14 : -11...13).contains(number) { return number * 60 }
        guard firmware.isESPAT, (-1259...1459).contains(number), (100...1459).contains(abs(number)) else { return nil }
        let (hours, minutes) = (number / 100, number % 100)
        return abs(minutes) < 60 ? hours * 60 + minutes : nil
    }

    mutating func clockDue() {
        guard station.state == .addressed, surroundings.networkIsUp else { return set(.clock, after: Self.clockRetry) }
        volatile.clock.isSet = true
    }

    /// Local time in seconds since 1970; 1970 itself before a server has answered.
    private var clockReading: Int64 {
        guard volatile.clock.isSet else { return 0 }
        let uptime = (now - (firstPower ?? now)).components.seconds
        return configuration.networkTime &+ uptime &+ Int64(volatile.clock.zone * 60)
    }
}
