import Glibc

/// How much this process has had written to disks, which is what wears flash out.
enum DiskWrites {
    /// Bytes since the process began; nil where the kernel keeps no such account.
    ///
    /// `write_bytes` of proc_pid_io(5): pages that the process made the kernel write, the file system's own journal not
    /// counted. On a tmpfs it stays 0.
    static func sinceStart() -> Int64? {
        let descriptor = open("/proc/self/io", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return bytes(in: String(decoding: buffer.prefix(count), as: UTF8.self))
    }

    static func bytes(in text: String) -> Int64? {
        let label = "write_bytes: "
        return text.split(separator: "\n").first { $0.hasPrefix(label) }.flatMap { Int64($0.dropFirst(label.count)) }
    }
}
