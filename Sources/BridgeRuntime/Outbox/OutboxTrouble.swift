/// What the disk did not do when it was asked last, for those who ask how things stand.
public struct OutboxTrouble: Equatable, Sendable {
    /// Why the last transaction failed.
    public var writing: OutboxRefusal?
    /// Why messages that wait could not be read; it is tried again.
    public var reading: String?

    public init(writing: OutboxRefusal? = nil, reading: String? = nil) {
        self.writing = writing
        self.reading = reading
    }

    /// In sentences; nil when there is none.
    public var text: String? {
        let sentences = [
            writing.map { "The last attempt to store something failed: \($0)." },
            reading.map { "Messages that wait cannot be read from the disk, which is tried again: \($0)." },
        ].compactMap(\.self)
        return sentences.isEmpty ? nil : (sentences + [advice]).joined(separator: " ")
    }

    private var advice: String {
        if reading == nil, case .diskFull = writing { return "Make room on that disk." }
        return "Look at the disk (dmesg); start the daemon again when it is well."
    }
}

extension Outbox {
    /// How the disk did of late.
    public var trouble: OutboxTrouble { troubles.withLock { $0 } }

    /// Words alone may change with each message (so many bytes are free): nobody is told of that.
    func note(_ change: (inout OutboxTrouble) -> Void) {
        let changed = troubles.withLock { trouble -> OutboxTrouble? in
            let before = trouble
            change(&trouble)
            let isSame =
                (trouble.writing == nil) == (before.writing == nil)
                && (trouble.reading == nil) == (before.reading == nil)
            return isSame ? nil : trouble
        }
        if let changed { onTrouble(changed) }
    }
}
