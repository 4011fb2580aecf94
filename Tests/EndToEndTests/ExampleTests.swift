import Foundation
import Testing

extension EndToEnd {
    /// What people will copy has to work.
    @Suite("Examples", .serialized)
    struct Examples {
        private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../examples").standardizedFileURL.path

        private func environment(_ bench: Workbench) -> [String: String] {
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let programs = URL(fileURLWithPath: Programs.espbridged).deletingLastPathComponent().path
            return ["ESPBRIDGED_SOCKET": bench.socketPath, "PATH": "\(programs):\(path)"]
        }

        private func run(_ program: String, _ arguments: [String], _ bench: Workbench) throws -> [String] {
            let result = try ChildProgram.run(program, arguments, environment: environment(bench))
            #expect(result.status == 0, "\(result.lines)")
            return result.lines
        }

        @Test("shell, Python and C post a property; the timer's script too", .timeLimit(.minutes(2)))
        func posts() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let shell = try run("/bin/sh", [Self.folder + "/publish.sh", "temp", "21.5"], bench)
            #expect(shell.contains { $0.contains(#""status":"confirmed","code":200"#) })
            try bench.cloud?.waitForLine(#""params":{"temp":21.5}"#)

            let python = try run("/usr/bin/env", ["python3", Self.folder + "/bridge.py", "post", "door=true"], bench)
            #expect(python.contains { $0.contains("'confirmed'") })
            try bench.cloud?.waitForLine(#""door": true"#)

            let binary = bench.folder + "/publish"
            let compiled = try ChildProgram.run(
                "/usr/bin/cc", ["-Wall", "-Werror", "-o", binary, Self.folder + "/publish.c"])
            #expect(compiled.status == 0)
            #expect(try run(binary, ["level", "7"], bench).contains { $0.contains(#""status":"queued""#) })
            try bench.cloud?.waitForLine(#""params":{"level":7}"#)

            _ = try run("/bin/sh", [Self.folder + "/timer/reading"], bench)
            try bench.cloud?.waitForLine(#""params":{"load":"#)
        }

        @Test("Python serves a property set", .timeLimit(.minutes(1)))
        func serves() throws {
            let bench = try Workbench(.cloud)
            try bench.startOnline()
            let program = try ChildProgram(
                "/usr/bin/env", ["python3", Self.folder + "/bridge.py", "serve"], environment: environment(bench))
            defer { program.end() }
            try bench.orderCloud(#"property-set {"lamp":1}"#)
            try program.waitForLine("{'lamp': 1}")
            try bench.cloud?.waitForLine("thing/service/property/set_reply")
        }
    }
}
