import BridgeCore

/// The command line as it comes in.
struct LineInput {
    enum State: Equatable {
        /// Looking for `AT` or `at`; everything else is ignored.
        case searching(last: UInt8)
        case collecting
        /// Too long, or (ESP-AT) not beginning with AT: ignored to its end, and refused there if there is a reason.
        case ignoring(ErrorCode?)
    }

    var state = State.searching(last: 0)
    var body: [UInt8] = []
    /// A line that came while a command was being processed; kept only as long as it can be `AT+RST`.
    var whileBusy: [UInt8] = []

    mutating func reset() { self = LineInput() }
}

/// How bytes of the host are taken.
extension SimulatedModem {
    private static let restart = Array("AT+RST\r\n".utf8)

    mutating func hostSent(_ bytes: [UInt8]) {
        guard !surroundings.isMute else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            switch phase {
            case .down: return
            case .data:
                carryOut(transparent.received(rest, now: now))
                return
            case .payload(let link, let expected):
                take(payload: &rest, link: link, expected: expected)
            case .sending where firmware.saysBusySending:
                refuseWhileSending(rest)
                return
            case .sending:
                if let byte = rest.popFirst() { take(byteWhileBusy: byte) }
            case .command:
                if let byte = rest.popFirst() { take(commandByte: byte) }
            }
        }
    }

    // MARK: Command mode

    private mutating func take(commandByte byte: UInt8) {
        let isLineEnd = byte == UInt8(ascii: "\n")
        if volatile.echoes, !isLineEnd || firmware.echoesLineFeed { write([byte]) }
        guard pending == nil else { return take(byteWhileBusy: byte) }
        switch input.state {
        case .searching(let last): search(byte, after: last)
        case .collecting:
            guard isLineEnd else {
                input.body.append(byte)
                if input.body.count + 3 > firmware.lineLimit {
                    input.state = .ignoring(firmware.refusesLongLines ? .argument : nil)
                }
                return
            }
            if volatile.echoes, !firmware.echoesLineFeed { say("\r\n") }
            let body = input.body
            input.reset()
            guard body.last == UInt8(ascii: "\r") else { return fail(nil, .noHead) }
            perform(CommandLine(body: body.dropLast()))
        case .ignoring(let reason):
            guard isLineEnd else { return }
            input.reset()
            if let reason { fail(nil, reason) }
        }
    }

    private mutating func search(_ byte: UInt8, after last: UInt8) {
        let isLineEnd = byte == UInt8(ascii: "\n")
        if Self.isHead(last, byte), firmware.findsHeadAnywhere || last == UInt8(ascii: "A") {
            input.state = .collecting
            input.body = []
        } else if isLineEnd {
            input.state = .searching(last: firmware.findsHeadAnywhere ? byte : 0)
            fail(nil, .noHead)
        } else if firmware.findsHeadAnywhere || last == 0 && byte == UInt8(ascii: "A") {
            input.state = .searching(last: byte)
        } else {
            input.state = .ignoring(.noHead)
        }
    }

    private static func isHead(_ first: UInt8, _ second: UInt8) -> Bool {
        (first == UInt8(ascii: "A") && second == UInt8(ascii: "T"))
            || (first == UInt8(ascii: "a") && second == UInt8(ascii: "t"))
    }

    private mutating func take(byteWhileBusy byte: UInt8) {
        guard let line = lineWhileBusy(byte) else { return }
        line == Self.restart ? restartWhileBusy() : sayBusy()
    }

    /// The line that this byte ends.
    private mutating func lineWhileBusy(_ byte: UInt8) -> [UInt8]? {
        if input.whileBusy.count <= Self.restart.count { input.whileBusy.append(byte) }
        guard byte == UInt8(ascii: "\n") else { return nil }
        defer { input.whileBusy = [] }
        return input.whileBusy
    }

    private mutating func restartWhileBusy() {
        say("\r\nWill force to restart!!!\r\n\r\nOK\r\n")
        boot(cause: .command)
    }

    /// NonOS answers each chunk, whatever is in it.
    private mutating func refuseWhileSending(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes where lineWhileBusy(byte) == Self.restart { return restartWhileBusy() }
        say("\r\nbusy s...\r\n")
    }
}
