import BridgeCore

/// Faults in what the module says.
extension LineMischief {
    private static let sendOK = Array("\r\nSEND OK\r\n".utf8)
    private static let closed = Array("CLOSED\r\n".utf8)
    private static let ok = Array("\r\nOK\r\n".utf8)
    private static let data = Array("+IPD,".utf8)
    private static let lateSendOK = Duration.milliseconds(2500)
    private static let soon = Duration.milliseconds(300)
    private static let earlyLimit = Duration.seconds(5)

    /// What reaches the host of what the module says.
    mutating func said(_ bytes: [UInt8], _ view: View, now: Moment) -> [UInt8] {
        guard !isDead, !isStuck else { return [] }
        guard blocked == nil else {
            blocked?.bytes += bytes
            return []
        }
        var bytes = bytes
        if !view.isTransparent { bytes = texts(bytes, now: now) }
        bytes = shortened(bytes, view)
        return noisy(bytes)
    }

    private mutating func texts(_ said: [UInt8], now: Moment) -> [UInt8] {
        var bytes = withSendOKTrouble(said, now: now)
        for index in armed.indices.reversed() {
            guard case .losesText(let text) = armed[index], let place = Self.place(of: Array(text.utf8), in: bytes)
            else { continue }
            bytes.removeSubrange(place)
            armed.remove(at: index)
        }
        if let place = Self.notification(in: bytes), take({ $0 == .losesNotification }) != nil {
            bytes.removeSubrange(place)
        }
        bytes = withEarlyClosed(bytes, now: now)
        if bytes.count > 2, let fault = take({ if case .interjects = $0 { true } else { false } }),
            case .interjects(let text) = fault
        {
            bytes.insert(contentsOf: Array(text.utf8), at: bytes.count / 2)
        }
        if bytes.suffix(Self.ok.count).elementsEqual(Self.ok),
            let fault = take({ if case .lateOK = $0 { true } else { false } }), case .lateOK(let delay) = fault
        {
            bytes.removeLast(Self.ok.count)
            blocked = Held(due: now + delay, bytes: Self.ok)
        }
        return bytes
    }

    private mutating func withSendOKTrouble(_ said: [UInt8], now: Moment) -> [UInt8] {
        guard let place = Self.place(of: Self.sendOK, in: said),
            case .sendOK(let trouble)? = take({ if case .sendOK = $0 { true } else { false } })
        else { return said }
        var bytes = said
        bytes.removeSubrange(place)
        switch trouble {
        case .lost: break
        case .late: aside.append(Held(due: now + Self.lateSendOK, bytes: Self.sendOK))
        case .failFirst:
            bytes.insert(contentsOf: Array("\r\nSEND FAIL\r\n".utf8), at: place.lowerBound)
            aside.append(Held(due: now + Self.soon, bytes: Self.sendOK))
        }
        return bytes
    }

    /// A `+IPD` is kept until its link's `CLOSED`, and said right behind it.
    private mutating func withEarlyClosed(_ said: [UInt8], now: Moment) -> [UInt8] {
        if let held = early {
            guard let place = Self.place(of: Self.closed, in: said) else { return said }
            early = nil
            return Array(said[..<place.upperBound] + held.bytes + said[place.upperBound...])
        }
        guard Self.place(of: Self.data, in: said) != nil, take({ $0 == .closedEarly }) != nil else { return said }
        early = Held(due: now + Self.earlyLimit, bytes: said)
        return []
    }

    private mutating func shortened(_ bytes: [UInt8], _ view: View) -> [UInt8] {
        guard let start = view.isTransparent ? 0 : Self.payloadStart(in: bytes), start < bytes.count,
            case .losesToHost(let count)? = take({ if case .losesToHost = $0 { true } else { false } })
        else { return bytes }
        let payload = Array(bytes[start...])
        if count > payload.count { armed.append(.losesToHost(count - payload.count)) }
        return Array(bytes[..<start]) + without(min(count, payload.count), of: payload)
    }

    // MARK: Places

    static func place(of pattern: [UInt8], in bytes: [UInt8]) -> Range<Int>? {
        guard !pattern.isEmpty, bytes.count >= pattern.count else { return nil }
        let start = (0...(bytes.count - pattern.count)).first {
            bytes[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
        return start.map { $0..<($0 + pattern.count) }
    }

    /// Where the data of the first `+IPD,…:` begins.
    private static func payloadStart(in bytes: [UInt8]) -> Int? {
        guard let head = place(of: data, in: bytes) else { return nil }
        return bytes[head.upperBound...].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 }
    }

    /// The first `+IPD` that is a line of its own, without data.
    private static func notification(in bytes: [UInt8]) -> Range<Int>? {
        guard let head = place(of: data, in: bytes) else { return nil }
        let numbers = bytes[head.upperBound...].prefix { (48...57).contains($0) || $0 == UInt8(ascii: ",") }
        guard bytes[numbers.endIndex...].starts(with: [13, 10]) else { return nil }
        let start = head.lowerBound >= 2 && bytes[head.lowerBound - 1] == 10 ? head.lowerBound - 2 : head.lowerBound
        return start..<(numbers.endIndex + 2)
    }
}
