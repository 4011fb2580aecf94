import BridgeCore

/// The command line as it comes in.
struct LineInput {
    enum State: Equatable {
        /// Looking for `AT` or `at`; everything else is ignored.
        case searching(last: UInt8)
        case collecting
        /// Longer than the limit: ignored to its end.
        case overlong
    }

    var state = State.searching(last: 0)
    var body: [UInt8] = []
    /// A line that came while a command was being processed; kept only as long as it can be `AT+RST`.
    var whileBusy: [UInt8] = []

    mutating func reset() { self = LineInput() }
}

/// The bytes of AT+CIPSEND=<n> so far.
struct PayloadInput {
    var bytes: [UInt8] = []
    /// Since the last silence of 20 ms.
    var chunk: [UInt8] = []
}

/// How bytes of the host are taken.
extension SimulatedModem {
    private static let escape = Array("+++".utf8)
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
            case .sending:
                refuseWhileSending(rest)
                return
            case .command:
                if let byte = rest.popFirst() { take(commandByte: byte) }
            }
        }
    }

    // MARK: Command mode

    private mutating func take(commandByte byte: UInt8) {
        let isLineEnd = byte == UInt8(ascii: "\n")
        if volatile.echoes, !isLineEnd { write([byte]) }
        guard pending == nil else { return take(byteWhileBusy: byte) }
        switch input.state {
        case .searching(let last):
            if Self.isHead(last, byte) {
                input.state = .collecting
                input.body = []
            } else {
                input.state = .searching(last: byte)
                if isLineEnd { say("\r\nERROR\r\n") }
            }
        case .collecting:
            guard isLineEnd else {
                input.body.append(byte)
                if input.body.count + 3 > firmware.lineLimit { input.state = .overlong }
                return
            }
            if volatile.echoes { say("\r\n") }
            let body = input.body
            input.reset()
            guard body.last == UInt8(ascii: "\r") else { return say("\r\nERROR\r\n") }
            perform(CommandLine(body: body.dropLast()))
        case .overlong:
            if isLineEnd { input.reset() }
        }
    }

    private static func isHead(_ first: UInt8, _ second: UInt8) -> Bool {
        (first == UInt8(ascii: "A") && second == UInt8(ascii: "T"))
            || (first == UInt8(ascii: "a") && second == UInt8(ascii: "t"))
    }

    private mutating func take(byteWhileBusy byte: UInt8) {
        if input.whileBusy.count <= Self.restart.count { input.whileBusy.append(byte) }
        guard byte == UInt8(ascii: "\n") else { return }
        let line = input.whileBusy
        input.whileBusy = []
        if line == Self.restart { return restartWhileBusy() }
        say("\r\nbusy p...\r\n")
    }

    private mutating func restartWhileBusy() {
        say("\r\nWill force to restart!!!\r\n\r\nOK\r\n")
        boot(cause: .command)
    }

    // MARK: AT+CIPSEND=<n>

    private mutating func take(payload rest: inout ArraySlice<UInt8>, link: Int, expected: Int) {
        let part = rest.prefix(expected - payload.bytes.count)
        rest = rest.dropFirst(part.count)
        payload.bytes += part
        payload.chunk = payload.chunk.count > 3 ? payload.chunk : payload.chunk + part
        guard payload.bytes.count == expected else {
            return set(.payloadSilence, after: TransparentBuffer.idleTime)
        }
        cancel(.payloadSilence)
        if payload.chunk == Self.escape { return cancelPayload() }
        let bytes = payload.bytes
        payload = PayloadInput()
        phase = .sending(link: link)
        say("\r\nRecv \(bytes.count) bytes\r\n")
        transmit(bytes, link: link)
    }

    mutating func payloadSilenceReached() {
        guard case .payload = phase else { return }
        if payload.chunk == Self.escape { return cancelPayload() }
        payload.chunk = []
    }

    private mutating func cancelPayload() {
        payload = PayloadInput()
        phase = .command
        say("\r\nSEND Canceled\r\n")
    }

    private mutating func refuseWhileSending(_ bytes: ArraySlice<UInt8>) {
        if bytes.elementsEqual(Self.restart) { return restartWhileBusy() }
        say("\r\nbusy s...\r\n")
    }
}
