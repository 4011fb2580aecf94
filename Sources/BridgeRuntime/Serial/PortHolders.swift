import CSystemd
import Glibc

/// Which other programs have a terminal open, read from `/proc`.
enum PortHolders {
    /// The holders as `name[pid]`, in order of their process ids.
    ///
    /// Only what the kernel shows this user is seen: all of it for root. A process that holds the
    /// master side of a pseudo-terminal (a simulator, socat) is the other end of the line, not a
    /// rival, and is left out.
    static func of(device: UInt) -> [String] {
        let own = getpid()
        return processes().filter { $0 != own }.sorted().compactMap { process in
            holds(device, process) ? "\(name(of: process))[\(process)]" : nil
        }
    }

    private static func processes() -> [pid_t] {
        Folder.names(in: "/proc").compactMap { pid_t($0) }
    }

    private static func holds(_ device: UInt, _ process: pid_t) -> Bool {
        let folder = "/proc/\(process)/fd"
        var holdsTerminal = false
        for entry in Folder.names(in: folder) {
            var file = stat()
            guard stat("\(folder)/\(entry)", &file) == 0, file.st_mode & S_IFMT == S_IFCHR else { continue }
            if UInt(file.st_rdev) == device {
                holdsTerminal = true
            } else if isMaster(of: device, process: process, entry: entry) {
                return false
            }
        }
        return holdsTerminal
    }

    /// `/proc/PID/fdinfo/N` of a pty master has a line `tty-index:` with the number of its slave (proc(5)).
    private static func isMaster(of device: UInt, process: pid_t, entry: String) -> Bool {
        guard csystemd_is_pseudo_terminal(device) else { return false }
        guard let text = beginning(of: "/proc/\(process)/fdinfo/\(entry)") else { return false }
        return text.split(separator: "\n").contains { line in
            let words = line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " })
            return words.count == 2 && words[0] == "tty-index"
                && UInt32(words[1]) == csystemd_device_minor(device)
        }
    }

    private static func name(of process: pid_t) -> String {
        let text = beginning(of: "/proc/\(process)/comm") ?? "?"
        return String(text.prefix { $0 != "\n" })
    }

    /// At most 4 KiB from the beginning of a small file of `/proc`.
    private static func beginning(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
