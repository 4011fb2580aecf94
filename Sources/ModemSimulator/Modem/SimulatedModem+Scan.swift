/// AT+CWLAP and what it shows.
extension SimulatedModem {
    mutating func performScan(_ command: CommandLine) {
        switch (command.name, command.form) {
        case ("+CWLAP", .execute): startScan([])
        case ("+CWLAP", .set(let arguments)): startScan(arguments)
        case ("+CWLAPOPT", .set(let arguments)): setScanOptions(arguments)
        default: refuseForm()
        }
    }

    /// `["ssid"[,"bssid"[,channel …]]]`, each of which may be left out.
    private mutating func startScan(_ arguments: [CommandLine.Argument]) {
        guard isStationOn else { return fail() }
        var filter = ScanFilter()
        for (index, argument) in arguments.enumerated() where argument != .empty {
            switch index {
            case 0:
                guard let ssid = argument.text else { return refuse() }
                filter.ssid = ssid
            case 1:
                guard let bssid = argument.text else { return refuse() }
                filter.bssid = bssid.lowercased()
            case 2:
                guard let channel = argument.number else { return refuse() }
                filter.channel = channel
            default:
                guard argument.number != nil else { return refuse() }
            }
        }
        scanned = filter
        wait(.scan, configuration.timing.scan)
    }

    mutating func listAccessPoints() {
        let options = volatile.scanOptions
        let found = surroundings.visibleAccessPoints.filter { scanned.fits($0) && $0.strength >= options.weakest }
        for point in options.isSorted ? found.sorted(by: { $0.strength > $1.strength }) : found {
            let encryption = point.password.isEmpty ? 0 : 3
            let all =
                ["\(encryption)", "\"\(point.ssid)\"", "\(point.strength)", "\"\(point.bssid)\"", "\(point.channel)"]
                + ["-12", "0"] + firmware.scanDetails
            let shown = all.enumerated().filter { options.mask & (1 << $0.offset) != 0 }.map(\.element)
            say("+CWLAP:(\(shown.joined(separator: ",")))\r\n")
        }
        succeed()
    }

    /// `sorted,mask[,weakest …]`
    private mutating func setScanOptions(_ arguments: [CommandLine.Argument]) {
        let numbers = arguments.compactMap(\.number)
        guard (2...(firmware.isESPAT ? 4 : 2)).contains(arguments.count), numbers.count == arguments.count,
            (0...1).contains(numbers[0]), (0...0x7FF).contains(numbers[1]),
            numbers.count < 3 || (-100...40).contains(numbers[2])
        else { return refuse() }
        volatile.scanOptions = ScanOptions(
            isSorted: numbers[0] == 1, mask: numbers[1], weakest: numbers.count < 3 ? -100 : numbers[2])
        succeed()
    }
}

/// AT+CWLAPOPT.
struct ScanOptions: Equatable {
    /// The strongest first.
    var isSorted = false
    /// A bit for each field.
    var mask = 0x7FF
    /// Weaker ones are left out; dBm.
    var weakest = -100
}

/// What AT+CWLAP looks for; nil for anything.
struct ScanFilter: Equatable {
    var ssid: String?
    var bssid: String?
    var channel: Int?

    func fits(_ point: AccessPoint) -> Bool {
        (ssid ?? point.ssid) == point.ssid && (bssid ?? point.bssid) == point.bssid
            && (channel ?? point.channel) == point.channel
    }
}
