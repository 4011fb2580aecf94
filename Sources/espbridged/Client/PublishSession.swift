import BridgeCore

/// Sends documents over one connection and follows each until it got as far as asked.
///
/// No more than ``window`` documents are unanswered at a time, so that neither side's buffers can
/// fill up against the other's.
struct PublishSession: ~Copyable {
    private static let window = 64

    /// What a file holds: a document to send, or a place that is none, with the line that says so.
    enum Item {
        case document([UInt8])
        case refused(JSONValue)
    }

    private var client: BridgeClient
    private let until: String
    private let milliseconds: Int
    private let total: Int
    private var progress: Progress
    private var answered = 0
    private var settled = 0
    private var failed = 0
    /// Receipts that were queued and are not yet where they shall get.
    private var open: Set<Int> = []

    init(client: consuming BridgeClient, until: String, milliseconds: Int, total: Int) {
        self.client = client
        self.until = until
        self.milliseconds = milliseconds
        self.total = total
        progress = Progress(total: total)
    }

    /// Publishes all of them; says whether each got as far as asked.
    mutating func run(_ items: [Item]) throws(BridgeClient.Unreachable) -> Bool {
        for (index, item) in items.enumerated() {
            while index - answered >= Self.window {
                guard try takeLine() else { return false }
            }
            switch item {
            case .document(let document): try client.send(request(document))
            case .refused(let line):
                Standard.say(line.serialized)
                account(for: line)
            }
        }
        client.finishSending()
        while answered < total || !open.isEmpty {
            guard try takeLine() else { return false }
        }
        progress.finish()
        return failed == 0
    }

    /// The document as it goes to the daemon: as it is, or asking for further lines.
    private func request(_ document: [UInt8]) -> [UInt8] {
        guard until != "queued" else { return document + [10] }
        return Array("{\"bridge\":\"publish\",\"until\":\"\(until)\",\"message\":".utf8) + document + Array("}\n".utf8)
    }

    private mutating func takeLine() throws(BridgeClient.Unreachable) -> Bool {
        switch try client.readLine(milliseconds: milliseconds) {
        case .line(let line):
            progress.clear()
            Standard.say(line)
            account(for: (try? JSONValue(parsing: Array(line.utf8))) ?? .null)
            progress.show(answered: answered, settled: settled)
            return true
        case .timedOut:
            progress.finish()
            Standard.complain(
                "no answer within \(milliseconds / 1000) s: \(answered) of \(total) answered, \(outstanding) not \(until)"
            )
            return false
        case .ended:
            progress.finish()
            throw BridgeClient.Unreachable(
                description:
                    "the daemon closed the connection: \(answered) of \(total) answered, \(outstanding) not \(until)")
        }
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
