import Foundation
import Glibc

/// Puts a corrupt database aside and a salvaged one in its place, so that a crash at any moment loses neither.
///
/// The salvaged one is whole before the corrupt one is touched. A start that finds no database but a salvaged one finishes
/// what was begun.
enum OutboxExchange {
    /// Renames the database, its log and its index, so that SQLite could still open them together; the new name.
    static func setAside(path: String) throws(OutboxError) -> String {
        let aside = unusedName("\(path).corrupt-")
        syncFolder(of: path)
        do {
            // The database first: what remains of the others is then known not to belong to what takes its place.
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix)
            }
        } catch {
            throw .cannotSetAside(path: path, detail: "\(error)")
        }
        syncFolder(of: path)
        return aside
    }

    /// A name with the time in it that no file has.
    static func unusedName(_ beginning: String) -> String {
        let stamped = beginning + Date().ISO8601Format().replacing(":", with: "")
        var name = stamped
        var attempt = 1
        while FileManager.default.fileExists(atPath: name) {
            attempt += 1
            name = "\(stamped)-\(attempt)"
        }
        return name
    }

    /// The salvaged database takes the place of the one that was set aside, and has its owner and mode.
    static func install(salvageOf path: String, like aside: String) throws(OutboxError) {
        var old = stat()
        if stat(aside, &old) == 0 {
            _ = chown(OutboxSalvage.target(of: path), old.st_uid, old.st_gid)
            _ = chmod(OutboxSalvage.target(of: path), old.st_mode & 0o777)
        }
        // Without it the next start finds no database, and the salvaged one.
        guard rename(OutboxSalvage.target(of: path), path) == 0 else {
            let detail = "rename \(OutboxSalvage.target(of: path)): \(String(cString: strerror(errno)))"
            throw .cannotOpen(path: path, detail: detail)
        }
        syncFolder(of: path)
    }

    /// Finishes an exchange in which a process ended; the name of what was set aside then.
    static func finish(path: String) throws(OutboxError) -> String? {
        let files = FileManager.default
        guard files.fileExists(atPath: OutboxSalvage.target(of: path)) else { return nil }
        guard !files.fileExists(atPath: path) else {
            // It may not be whole, and what it was made of is still there.
            OutboxSalvage.discard(of: path)
            return nil
        }
        if ["-wal", "-shm"].contains(where: { files.fileExists(atPath: path + $0) }) {
            _ = try setAside(path: path)
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        let name = URL(fileURLWithPath: path).lastPathComponent + ".corrupt-"
        let aside = try? files.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasPrefix(name) && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm")
        }.max()
        let asidePath = aside.map { folder.appendingPathComponent($0).path } ?? path
        try install(salvageOf: path, like: asidePath)
        return asidePath
    }

    /// Makes the names in a folder last (fsync(2): the entry needs a sync of its own).
    static func syncFolder(of path: String) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard let handle = FileHandle(forReadingAtPath: folder) else { return }
        try? handle.synchronize()
        try? handle.close()
    }
}
