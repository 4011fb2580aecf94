import BridgeCore

/// The module's side of a recorded conversation: hears what the host said then, says what the module said then.
///
/// Recorded secrets are stars: `"***"` stands for any string, and any other `*` for any one byte. A pause before
/// something that the host said was the host's own, and is not waited for.
public struct TranscriptModem: Sendable {
    /// What the caller is to do.
    public enum Effect: Equatable, Sendable {
        case write([UInt8])
        /// The host said something else than then, in this entry (counted from 1).
        case mismatch(entry: Int, expected: [UInt8], heard: [UInt8])
        /// The conversation is over.
        case finished
    }

    private let entries: [Transcript.Entry]
    private var position = 0
    private var heard: [UInt8] = []
    private var isOver = false
    /// Until when the module is silent.
    public private(set) var deadline: Moment?

    /// The speed with which pauses are played: 1 as they were, 0 not at all.
    private let haste: Double

    public init(_ transcript: Transcript, pauses haste: Double = 1) {
        entries = transcript.entries
        self.haste = haste
    }

    /// Begins, goes on after ``deadline``, or takes what the host sent.
    public mutating func input(_ bytes: [UInt8] = [], now: Moment) -> [Effect] {
        heard += bytes
        if let due = deadline {
            guard due <= now else { return [] }
            deadline = nil
        }
        var effects: [Effect] = []
        while deadline == nil, !isOver, let effect = step(now: now) { effects.append(contentsOf: effect) }
        return effects
    }

    /// Works one entry off; nil when the host has to speak first.
    private mutating func step(now: Moment) -> [Effect]? {
        guard position < entries.count else {
            isOver = true
            return [.finished]
        }
        switch entries[position] {
        case .fromModem(let bytes):
            position += 1
            return [.write(bytes)]
        case .pause(let duration):
            position += 1
            if !hostSpeaksNext { deadline = now + .nanoseconds(Int64(Double(duration.inNanoseconds) * haste)) }
            return []
        case .toModem(let expected): return hear(expected)
        case .comment, .order, .outcome:
            position += 1
            return []
        }
    }

    private var hostSpeaksNext: Bool {
        for entry in entries[position...] {
            switch entry {
            case .toModem: return true
            case .fromModem: return false
            case .pause, .comment, .order, .outcome: continue
            }
        }
        return true
    }

    private mutating func hear(_ expected: [UInt8]) -> [Effect]? {
        switch TranscriptMatch.of(heard, with: expected) {
        case .whole(let count):
            heard.removeFirst(count)
            position += 1
            return []
        case .beginning: return nil
        case .different:
            isOver = true
            return [.mismatch(entry: position + 1, expected: expected, heard: heard)]
        }
    }
}

/// Compares what was heard with what was recorded.
enum TranscriptMatch: Equatable {
    /// So many bytes are what was recorded.
    case whole(Int)
    case beginning
    case different

    private static let star = UInt8(ascii: "*")
    private static let quote = UInt8(ascii: "\"")
    private static let hidden = Array("\"***\"".utf8)

    static func of(_ heard: [UInt8], with expected: [UInt8]) -> TranscriptMatch {
        var rest = expected[...]
        var index = 0
        while let wanted = rest.first {
            guard index < heard.count else { return .beginning }
            if rest.starts(with: hidden) {
                guard let end = endOfString(heard, from: index) else {
                    return heard[index] == quote ? .beginning : .different
                }
                rest = rest.dropFirst(hidden.count)
                index = end
                continue
            }
            guard wanted == star || wanted == heard[index] else { return .different }
            rest = rest.dropFirst()
            index += 1
        }
        return .whole(index)
    }

    /// Behind the closing quote of the string that begins at `start`, in which `\` escapes.
    private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int? {
        guard bytes[start] == quote else { return nil }
        var index = start + 1
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\") {
                index += 2
                continue
            }
            if bytes[index] == quote { return index + 1 }
            index += 1
        }
        return nil
    }
}
