import Foundation

/// Where the programs under test and their peers are.
enum Programs {
    /// The folder of the test bundle, where the package's own programs are built too.
    private static let folder: String = {
        let executable = CommandLine.arguments[0]
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? executable
        for candidate in [executable, own] + CommandLine.arguments {
            let folder = (candidate as NSString).deletingLastPathComponent
            if FileManager.default.isExecutableFile(atPath: folder + "/espbridged") { return folder }
        }
        return FileManager.default.currentDirectoryPath + "/.build/debug"
    }()

    static let espbridged = folder + "/espbridged"
    static let espsim = folder + "/espsim"

    /// The path of an installed program, or nil.
    static func find(_ name: String) -> String? {
        let places =
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + [
                "/usr/bin", "/bin", "/usr/sbin", "/sbin",
            ]
        return places.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// A TCP port of the loopback interface that was free a moment ago.
    static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = bind(descriptor, generic, length)
                _ = getsockname(descriptor, generic, &length)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }
}
