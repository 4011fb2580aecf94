import Glibc

/// How much room the file system of the outbox has.
///
/// Taking a message out needs room, too: deletions go through the log. So appends are refused while
/// some is left (a sixteenth of the file system, 256 KiB to 8 MiB, unless configured). Folding the log into the database
/// may take as much again as the log has, so that much has to be free beside it: a disk that is full of log would stay so.
struct DiskRoom: Sendable {
    private let folder: String
    private let log: String
    private let configuredFloor: Int64?

    init(databasePath: String, floor: Int64?) {
        folder = databasePath.lastIndex(of: "/").map { String(databasePath[...$0]) } ?? "."
        log = databasePath + "-wal"
        configuredFloor = floor
    }

    /// Says what is missing, or nil while there is room (or the file system does not say).
    ///
    /// - Parameter spare: bytes inside the database that new rows can take; half of the floor has to
    ///   be free outside of it, for the log.
    func shortage(spare: Int64) -> String? {
        guard let (total, free) = space else { return nil }
        let floor = configuredFloor ?? min(8 << 20, max(256 << 10, total / 16))
        let usable = free &- logSize
        guard usable < floor / 2 || usable &+ spare < floor else { return nil }
        return "\(free) bytes are free on its file system, less than the \(floor) kept for deliveries"
    }

    /// Bytes of the file system, whether used or not; nil when it does not say.
    var total: Int64? { space?.total }

    private var space: (total: Int64, free: Int64)? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0, status.f_blocks > 0 else { return nil }
        let block = Int64(clamping: status.f_frsize)
        let total = Int64(clamping: status.f_blocks).multipliedReportingOverflow(by: block)
        let free = Int64(clamping: status.f_bavail).multipliedReportingOverflow(by: block)
        guard !free.overflow else { return nil }
        return (total.overflow ? .max : total.partialValue, free.partialValue)
    }

    private var logSize: Int64 {
        var status = stat()
        return stat(log, &status) == 0 ? Int64(status.st_size) : 0
    }
}
