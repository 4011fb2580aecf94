import BridgeCore
import Glibc

/// Sends documents over one connection and follows each until it got as far as asked.
///
/// No more than ``window`` documents are unanswered at a time, so that neither side's buffers can
/// fill up against the other's.
struct PublishSession: ~Copyable {
    private static let window = 64

    private var client: BridgeClient
    private var source: PublishSource
    private let until: String
    private let milliseconds: Int
    private var progress = Progress()
    private var total = 0
    private var answered = 0
    private var settled = 0
    private var failed = 0
    /// Receipts that were queued and are not yet where they shall get.
    private var open: Set<Int> = []
    /// Since when the daemon owes something: milliseconds of ``BridgeClient/now()``.
    private var owedSince: Int64 = 0

    init(client: consuming BridgeClient, until: String, milliseconds: Int, source: PublishSource) {
        self.client = client
        self.until = until
        self.milliseconds = milliseconds
        self.source = source
    }

    /// Publishes all of them; says whether each got as far as asked.
    mutating func run() throws -> Bool {
        var saysMore = true
        while true {
            while total - answered < Self.window, let item = source.next() { try offer(item) }
            if saysMore, source.hasEnded {
                guard total > 0 else { throw Failure.usage("nothing to publish: no JSON document was given") }
                client.finishSending()
                saysMore = false
            }
            if !saysMore, !isOwed { break }
            let wantsInput = saysMore && total - answered < Self.window
            let left = isOwed ? max(0, milliseconds - Int(BridgeClient.now() - owedSince)) : nil
            switch try client.wait(orFor: wantsInput ? STDIN_FILENO : nil, milliseconds: left) {
            case .input: try source.read()
            case .line: guard try takeLine() else { return false }
            case .timedOut: return gaveUp()
            }
        }
        progress.finish()
        return failed == 0
    }

    /// Whether something is to come from the daemon.
    private var isOwed: Bool { answered < total || !open.isEmpty }

    private mutating func offer(_ item: PublishSource.Item) throws(BridgeClient.Unreachable) {
        if !isOwed { owedSince = BridgeClient.now() }
        total += 1
        switch item {
        case .document(let document): try client.send(request(document))
        case .refused(let line):
            Standard.say(line.serialized)
            account(for: line)
        }
    }

    /// The document as it goes to the daemon: as it is, or asking for further lines.
    private func request(_ document: [UInt8]) -> [UInt8] {
        guard until != "queued" else { return document + [10] }
        return Array("{\"bridge\":\"publish\",\"until\":\"\(until)\",\"message\":".utf8) + document + Array("}\n".utf8)
    }

    private mutating func takeLine() throws(BridgeClient.Unreachable) -> Bool {
        switch try client.readLine(milliseconds: milliseconds) {
        case .line(let line):
            owedSince = BridgeClient.now()
            progress.clear()
            Standard.say(line)
            account(for: (try? JSONValue(parsing: Array(line.utf8))) ?? .null)
            progress.show(answered: answered, settled: settled, total: total)
            return true
        case .timedOut: return gaveUp()
        case .ended:
            progress.finish()
            throw BridgeClient.Unreachable(
                description:
                    "the daemon closed the connection: \(answered) of \(total) answered, \(outstanding) not \(until)")
        }
    }

    private mutating func gaveUp() -> Bool {
        progress.finish()
        Standard.complain(
            "no answer within \(milliseconds / 1000) s: \(answered) of \(total) answered, \(outstanding) not \(until)")
        return false
    }

    /// Messages of which nothing final is known.
    private var outstanding: Int { total - settled - failed }

    private mutating func account(for answer: JSONValue) {
        let status = answer["status"]?.text
        let receipt = answer["receipt"]?.integer
        switch status {
        case "queued":
            answered += 1
            if until == "queued" { settled += 1 } else if let receipt { open.insert(receipt) }
        case "delivered", "confirmed":
            guard status == until, let receipt, open.remove(receipt) != nil else { return }
            settled += 1
        case "dropped":
            guard let receipt, open.remove(receipt) != nil else { return }
            failed += 1
        default:
            answered += 1
            failed += 1
        }
    }
}
