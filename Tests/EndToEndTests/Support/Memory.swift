import Foundation

/// What a process costs, from `/proc`.
enum Memory {
    /// Resident bytes (VmRSS of proc_pid_status(5)).
    static func resident(_ process: pid_t) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let kilobytes = status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap({ Int($0.1) }) else {
            throw ChildProgram.Silence(description: "no VmRSS for process \(process)")
        }
        return kilobytes * 1024
    }

    /// How many descriptors a process has open.
    static func descriptors(_ process: Int32) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
    }
}
