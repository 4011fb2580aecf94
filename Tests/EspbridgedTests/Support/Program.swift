import Foundation

/// Runs the built `espbridged` as a shell would.
enum Program {
    struct Outcome {
        var status: Int32
        var output: String
        var complaint: String
    }

    /// The folder of the test bundle, where the package's programs are built too.
    private static let path: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for place in CommandLine.arguments + [own] {
            let candidate = (place as NSString).deletingLastPathComponent + "/espbridged"
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        return FileManager.default.currentDirectoryPath + "/.build/debug/espbridged"
    }()

    static func run(_ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        // Files, so that no pipe has to be emptied while the program runs.
        let folder = try TemporaryFolder()
        let input = try folder.write("input", input)
        let output = try folder.write("output", "")
        let complaint = try folder.write("complaint", "")
        process.standardInput = FileHandle(forReadingAtPath: input)
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: complaint)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
            complaint: try String(contentsOfFile: complaint, encoding: .utf8))
    }
}
