/// Reads what the module sends while it has left transparent mode for a moment with its link open.
///
/// What the peer sends then comes as `\r\n+IPD,<n>:` and n bytes, between lines of text. Until the first command is out,
/// what is not in such a frame is still the tunnel's own: the module was in transparent mode when it came. Only NonOS AT's
/// `CLOSED` is not: it follows `+++` when the link was down just then. Nor is `+QUITT`, which AT+SYSMSG has said on leaving.
struct TunnelBreak {
    enum Part: Equatable {
        /// Bytes of the peer.
        case tunnel([UInt8])
        /// Bytes of the dialogue.
        case text([UInt8])
        /// `CLOSED`, before the dialogue.
        case closed
    }

    private static let frame = Array("+IPD,".utf8)
    private static let framed = Array("\r\n+IPD,".utf8)
    private static let closed = Array("CLOSED\r\n".utf8)
    private static let left = Array("+QUITT\r\n".utf8)
    /// `65536:`
    private static let mostDigits = 5

    private var isDialogue = false
    private var waiting: [UInt8] = []
    /// Bytes of the frame that have not come yet.
    private var missing = 0

    /// A command is out: bytes outside of frames are text from now on. What was kept, and came to nothing, is given back.
    mutating func dialogueBegins() -> [UInt8] {
        guard !isDialogue else { return [] }
        isDialogue = true
        return missing > 0 ? [] : end()
    }

    /// The tunnel is open again; what was kept is given back.
    mutating func end() -> [UInt8] {
        defer { waiting = [] }
        return waiting
    }

    /// The bytes in parts; the beginning of what may be a frame is kept until more comes.
    mutating func received(_ bytes: ArraySlice<UInt8>) -> [Part] {
        waiting += bytes
        var parts: [Part] = []
        while !waiting.isEmpty {
            if missing > 0 {
                let part = Array(waiting.prefix(missing))
                waiting.removeFirst(part.count)
                missing -= part.count
                parts.append(.tunnel(part))
                continue
            }
            let start = waiting.indices.first { meaning(at: $0) != .plain } ?? waiting.count
            if start > 0 {
                let outside = Array(waiting.prefix(start))
                waiting.removeFirst(start)
                parts.append(isDialogue ? .text(outside) : .tunnel(outside))
            }
            guard !waiting.isEmpty else { break }
            switch meaning(at: 0) {
            case .plain, .undecided: return parts
            case .closed:
                waiting.removeFirst(Self.closed.count)
                parts.append(.closed)
            case .left: waiting.removeFirst(Self.left.count)
            case .frame(let head, let count):
                waiting.removeFirst(head)
                missing = count
            }
        }
        return parts
    }

    private enum Meaning: Equatable {
        case plain
        /// More bytes will tell.
        case undecided
        case closed
        case left
        case frame(head: Int, count: Int)
    }

    private func meaning(at start: Int) -> Meaning {
        let rest = waiting[start...]
        if !isDialogue {
            if rest.starts(with: Self.closed) { return .closed }
            if rest.starts(with: Self.left) { return .left }
            if Self.closed.starts(with: rest) || Self.left.starts(with: rest) { return .undecided }
        }
        // In the dialogue the line end before a frame belongs to the text, so that no line waits for its end.
        for head in isDialogue ? [Self.frame] : [Self.framed, Self.frame] {
            if head.starts(with: rest) { return .undecided }
            guard rest.starts(with: head) else { continue }
            let digits = rest.dropFirst(head.count).prefix { (48...57).contains($0) }
            guard digits.count <= Self.mostDigits else { return .plain }
            guard digits.endIndex < waiting.count else { return .undecided }
            guard waiting[digits.endIndex] == UInt8(ascii: ":"),
                let count = Int(String(decoding: digits, as: UTF8.self)), count > 0
            else { return .plain }
            return .frame(head: digits.endIndex + 1 - start, count: count)
        }
        return .plain
    }
}
