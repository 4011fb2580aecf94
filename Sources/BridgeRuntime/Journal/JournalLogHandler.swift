import CSystemd
import Glibc
import Logging
import Synchronization

/// Where the daemon's lines go: the journal with all fields, or standard error.
///
/// Under systemd (when standard error is the journal's own stream, see JOURNAL_STREAM in
/// systemd.exec(5)) a line becomes a native entry by sd_journal_sendv(3), with MESSAGE_ID= and
/// ESPBRIDGED_* fields from the metadata. Everywhere else the same line goes to standard error.
public struct JournalLogHandler: LogHandler {
    /// A level that can change while the daemon runs, for all loggers made from it.
    public final class Threshold: Sendable {
        private let value: Mutex<Logger.Level>

        public init(_ level: Logger.Level) { value = Mutex(level) }

        public var level: Logger.Level {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    public var metadata: Logger.Metadata = [:]
    private let threshold: Threshold
    private let usesJournal: Bool

    public init(threshold: Threshold) {
        self.threshold = threshold
        usesJournal = Self.standardErrorIsTheJournal
    }

    public var logLevel: Logger.Level {
        get { threshold.level }
        set { threshold.level = newValue }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        if usesJournal {
            Self.sendToJournal(Self.entries(level: event.level, message: "\(event.message)", metadata: fields))
        } else {
            Self.writeToStandardError(level: event.level, message: "\(event.message)\(Self.peer(in: fields))")
        }
    }

    /// The fields of a journal entry, each as `NAME=value`.
    static func entries(level: Logger.Level, message: String, metadata: Logger.Metadata) -> [String] {
        var entries = ["MESSAGE=\(message)", "PRIORITY=\(priority(level))", "SYSLOG_IDENTIFIER=espbridged"]
        for (key, value) in metadata {
            entries.append(key == JournalEvent.metadataKey ? "MESSAGE_ID=\(value)" : "\(fieldName(key))=\(value)")
        }
        return entries
    }

    /// The program that a line is about, where no fields go with the line.
    static func peer(in metadata: Logger.Metadata) -> String {
        let words = ["pid", "uid", "unit"].compactMap { name in metadata["peer-\(name)"].map { "\(name) \($0)" } }
        return words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
    }

    /// `peer-pid` becomes `ESPBRIDGED_PEER_PID`: upper case, digits and underscores only (systemd.journal-fields(7)).
    private static func fieldName(_ key: String) -> String {
        "ESPBRIDGED_"
            + String(key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    /// The syslog priority (sd-daemon(3)) of a level.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private static func sendToJournal(_ entries: [String]) {
        var bytes: [UInt8] = []
        var lengths: [Int] = []
        for entry in entries {
            lengths.append(entry.utf8.count)
            bytes.append(contentsOf: entry.utf8)
        }
        bytes.withUnsafeMutableBytes { buffer in
            var vectors: [iovec] = []
            var offset = 0
            for length in lengths {
                vectors.append(iovec(iov_base: buffer.baseAddress?.advanced(by: offset), iov_len: length))
                offset += length
            }
            _ = sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }

    private static func writeToStandardError(level: Logger.Level, message: String) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let time = "\(RFC3339.string(seconds: Int64(now.tv_sec), milliseconds: now.tv_nsec / 1_000_000))"
        let line = Array("\(time) \(level.rawValue): \(message)\n".utf8)
        // One write, so that lines of several threads do not mix; a standard error that takes no
        // more is not worth stopping for.
        _ = write(STDERR_FILENO, line, line.count)
    }

    /// JOURNAL_STREAM holds device and inode of the stream that systemd connected to the journal.
    private static var standardErrorIsTheJournal: Bool {
        guard let text = getenv("JOURNAL_STREAM") else { return false }
        var file = stat()
        guard fstat(STDERR_FILENO, &file) == 0 else { return false }
        return String(cString: text) == "\(file.st_dev):\(file.st_ino)"
    }
}
